"""The list of what a camera offers, beside the form that takes any numbers."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from app.panels.camera import SourcePanel
from engine.capture.cameras import Mode
from engine.config import Choice, source_choice
from engine.status import SessionStatus, State

pytestmark = pytest.mark.window
OFFERED = (Mode(1280, 720, 29.97, "MJPG"), Mode(640, 480, 30.0, "YUYV"))


def test_a_format_that_is_picked_is_asked_of_the_camera(application: QApplication) -> None:
    panel, wanted = SourcePanel(source_choice("webcam", device="Acme Cam")), list[Choice]()
    panel.chosen.connect(wanted.append)
    panel.show_status(SessionStatus(State.RUNNING), None)
    assert panel.modes.isHidden()  # the system does not say: the form alone

    panel.show_status(SessionStatus(State.RUNNING, modes=OFFERED), None)
    assert not panel.modes.isHidden()
    assert panel.modes.currentIndex() == -1  # 640x480 as the camera likes is none of them
    assert panel.modes.itemText(0) == "1280 × 720 · 30 fps · MJPEG"
    panel.modes.setCurrentIndex(0)
    panel.modes.activated.emit(0)
    asked = wanted[-1].settings
    assert (asked.width_px, asked.height_px) == (1280, 720)
    assert (asked.frame_rate, asked.pixel_format) == (29.97, "MJPG")
    assert asked.device == "Acme Cam"
    assert panel.form is not None
    assert panel.form.settings == asked

    panel.show_status(SessionStatus(State.RUNNING, modes=OFFERED), None)
    assert panel.modes.currentIndex() == 0
    panel.modes.activated.emit(1)
    asked = wanted[-1].settings
    assert (asked.width_px, asked.frame_rate, asked.pixel_format) == (640, 30.0, "YUYV")
    panel.deleteLater()


def test_a_clip_offers_no_formats(application: QApplication) -> None:
    panel = SourcePanel(source_choice("demo"))
    panel.show_status(SessionStatus(State.RUNNING, modes=OFFERED), None)
    assert panel.modes.isHidden()
    panel.deleteLater()
