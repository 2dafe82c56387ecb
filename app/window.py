"""Runs the window: what `flowface live` does where there is a display."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QTimer
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.render.legend import draw_legend
from app.single_instance import SingleInstance
from app.status_text import Light
from app.style import LAMPS, Theme, set_theme
from app.translation import translate
from app.tray import app_icon
from engine import assembly
from engine.assembly import TrackerMaker
from engine.config import Config, user_path
from engine.session import Session
from engine.status import SessionStatus, State


def run_window(
    config: Config,
    seconds: float | None = None,
    *,
    tracker_maker: TrackerMaker | None = None,
    settings_path: Path | None = None,
    memory: QSettings | None = None,
    notice: str = "",
    opened: Callable[[MainWindow], None] = lambda window: None,
) -> int:
    """Show the window until it is closed; returns the exit status.

    seconds        close by itself so long after the session runs; None: the user closes it
    tracker_maker  makes the tracker; the real one if None
    settings_path  where choices made in the window are kept; the user's settings if None
    memory         where place and size of the window are kept; the user's if None
    notice         told to the user at the start
    opened         called with the window as soon as it is shown

    If the program runs already with these settings, its window is raised instead of a second.
    Raises the FlowFaceError that has stopped the session, if it was never mended.
    """
    qt = application()
    settings_path = settings_path or user_path()
    instance = SingleInstance(str(settings_path))
    if not instance.first:
        sys.stdout.write("FlowFace Live runs already: its window has been raised.\n")
        return 0
    log = LogKeeper()
    logging.getLogger().addHandler(log)
    session = Session(config, tracker_maker=tracker_maker)
    bridge = Bridge(session, settings_path)
    head = assembly.load_head(config.tracker.head)
    window = MainWindow(bridge, head, memory or QSettings("FlowFace", "FlowFace Live"), log)
    instance.another_started.connect(window.tray.show_window)
    if seconds is not None:
        _close_after(seconds, bridge, window)
    before = signal.signal(signal.SIGINT, lambda *_: window.leaving.at_once())
    try:
        window.show()
        bridge.start()
        bridge.chores.do(lambda _: draw_legend(1.0), lambda _: None)  # its fonts load meanwhile
        if notice:
            window.show_notice(notice)
        QTimer.singleShot(0, window, lambda: opened(window))
        qt.exec()
    finally:
        signal.signal(signal.SIGINT, before)
        bridge.stop()
        instance.close()
        logging.getLogger().removeHandler(log)
        window.viewport.release()
        window.head_view.release()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the loop has ended
    error = session.status().error
    if error is not None:
        raise error
    return 0


def application() -> QApplication:
    """Return the Qt application, made ready for OpenGL."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    # OpenCV points Qt at plugins of its own, which fit another Qt.
    for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        if "cv2" in os.environ.get(name, ""):
            del os.environ[name]
    surface = QSurfaceFormat()
    surface.setVersion(3, 3)
    surface.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    surface.setDepthBufferSize(24)
    QSurfaceFormat.setDefaultFormat(surface)
    made = QApplication([sys.argv[0]])
    translate(made)
    made.setApplicationName("FlowFace Live")
    made.setWindowIcon(app_icon(LAMPS[Light.GREEN]))
    set_theme(Theme.SYSTEM)
    return made


def _close_after(seconds: float, bridge: Bridge, window: MainWindow) -> None:
    timer = QTimer(window, singleShot=True)
    timer.timeout.connect(window.leaving.at_once)

    def on_status(status: SessionStatus) -> None:
        if status.state is not State.STARTING and not timer.isActive():
            timer.start(round(1000 * seconds))

    bridge.status_changed.connect(on_status)
