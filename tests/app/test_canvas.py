"""Both ways into the window show the same: straight by OpenGL, and painted from memory."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app import canvas
from app.canvas import DirectCanvas, PaintedCanvas
from app.render.offscreen import in_software
from app.viewport import Viewport
from engine.fit.heads import HeadModel
from engine.types import Frame

from drawn_head import pose, tracked  # isort: skip

pytestmark = pytest.mark.window
SIZE = (160, 120)


def shown(monkeypatch: pytest.MonkeyPatch, head: HeadModel, software: bool) -> np.ndarray:
    """Return (H, W, 3) what a viewport makes of a picture that is no mirror image of itself."""
    monkeypatch.setattr(canvas, "drawn_in_software", lambda: software)
    across, down = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    image = np.stack([across, 2 * down, 0 * down + 60], axis=-1).astype(np.uint8)
    viewport, times = Viewport(head), list[float]()
    assert isinstance(viewport.canvas, PaintedCanvas if software else DirectCanvas)
    viewport.drawn.connect(times.append)
    viewport.resize(480, 360)
    viewport.show()
    viewport.show_message("")
    viewport.show_result(Frame(image, 0, 0), tracked(head.neutral, SIZE, pose(0.3)))
    grabbed = viewport.canvas.grabFramebuffer().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(grabbed.constBits(), np.uint8).reshape(grabbed.height(), -1)
    assert times
    assert min(times) > 0
    viewport.release()
    viewport.deleteLater()
    return rows[:, : 3 * grabbed.width()].reshape(grabbed.height(), grabbed.width(), 3).astype(int)


@pytest.mark.usefixtures("application")
def test_both_canvases_show_the_same(
    monkeypatch: pytest.MonkeyPatch, head: HeadModel, screen: bool
) -> None:
    if not screen:
        pytest.skip("no screen and no Xvfb: OpenGL cannot be expected")
    painted, direct = (shown(monkeypatch, head, software) for software in (True, False))
    assert painted.shape == direct.shape == (360, 480, 3)
    assert painted[5, 5, 0] < painted[5, -5, 0]  # neither is left and right exchanged,
    assert painted[5, 5, 1] < painted[-5, 5, 1]  # nor up and down
    assert np.abs(painted - direct).mean() < 2  # at edges, one has more samples


def test_a_processor_is_told_from_a_card(
    application: QApplication, screen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_software("llvmpipe (LLVM 15.0.6, 256 bits)")
    assert not in_software("NVIDIA GeForce RTX 3060/PCIe/SSE2")
    if not screen:
        assert canvas.drawn_in_software()
        return
    asked: list[str] = []
    for answer in (True, False):
        monkeypatch.setattr(canvas, "in_software", lambda name, a=answer: asked.append(name) or a)
        canvas.drawn_in_software.cache_clear()
        assert canvas.drawn_in_software() is answer
    assert min(map(len, asked)) > 3  # what OpenGL calls its renderer
    canvas.drawn_in_software.cache_clear()


def test_without_opengl_the_picture_says_so(
    application: QApplication, head: HeadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvas, "drawn_in_software", lambda: True)
    monkeypatch.setattr(canvas, "_moderngl_context", lambda: None)
    viewport = Viewport(head)
    frame, result = Frame(np.zeros((8, 8, 3), np.uint8), 0, 0), tracked(head.neutral, SIZE)
    viewport.show()
    viewport.show_result(frame, result)
    assert viewport.canvas.grabFramebuffer().isNull()
    viewport.show_result(frame, result)
    assert "OpenGL" in viewport.message
    viewport.deleteLater()
