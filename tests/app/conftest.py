"""The head, OpenGL without a window, and a screen for windows."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator

import moderngl
import pytest
from PySide6.QtWidgets import QApplication

from app.render.offscreen import create_context
from app.window import application as made_application
from engine.errors import OutputError
from engine.fit.heads import HeadModel, open_head

# OpenCV points Qt at plugins of its own when it is imported.
for _name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def head() -> HeadModel:
    return open_head.load(open_head.DEFAULT_PATH)


@pytest.fixture(autouse=True)
def nothing_stays_current() -> Iterator[None]:
    """Take a context of EGL off this thread: it outlives its release, and Qt's cannot go beside."""
    yield
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError:
        return
    egl.eglGetCurrentDisplay.restype = ctypes.c_void_p
    egl.eglMakeCurrent.argtypes = [ctypes.c_void_p] * 4
    if display := egl.eglGetCurrentDisplay():
        egl.eglMakeCurrent(display, None, None, None)


@pytest.fixture
def context() -> Iterator[moderngl.Context]:
    try:
        made = create_context()
    except OutputError as error:
        pytest.skip(str(error))
    yield made
    made.release()


@pytest.fixture(scope="session")
def screen() -> Iterator[bool]:
    """Give Qt somewhere to draw; tells whether OpenGL can be expected there."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        yield True
        return
    if shutil.which("Xvfb") is None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        yield False
        return
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    os.environ.pop("QT_QPA_PLATFORM", None)
    yield True
    application = QApplication.instance()
    if application is not None:
        application.shutdown()  # before its screen goes away
    server.terminate()
    server.wait(10)
    del os.environ["DISPLAY"]


@pytest.fixture
def application(screen: bool) -> QApplication:
    return made_application()
