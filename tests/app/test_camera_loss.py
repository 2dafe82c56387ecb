"""A camera that disappears while the window is open, and comes back under another number."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_head import pose, tracked
from PySide6.QtCore import QObject, QSettings, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.head_view import HeadView
from app.main_window import MainWindow
from app.panels.camera_modes import ModeList
from app.picture import Picture
from app.viewport import Viewport
from app.window import run_window
from engine.capture import cameras
from engine.capture.cameras import Device
from engine.config import Config, TrackerConfig, source_choice
from engine.fit.heads import HeadModel
from engine.graph import FrameTracker
from engine.status import SessionStatus, State
from engine.types import Camera, Frame, TrackResult

pytestmark = pytest.mark.window
PATIENCE_S = 40.0


class Plug:
    """Where the made-up camera is plugged in; nowhere if there are no devices."""

    devices: tuple[Device, ...] = (Device(0, "Acme Cam"),)


class MadeUpCapture:
    def __init__(self, number: int, _interface: int = 0) -> None:
        self._number = number

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return any(device.number == self._number for device in Plug.devices)

    def set(self, _key: int, _value: float) -> bool:
        return True

    def get(self, _key: int) -> float:
        return 30.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(0.03)
        return self.isOpened(), np.full((120, 160, 3), 90, np.uint8)

    def release(self) -> None:
        pass


class Steady:
    about = "made up"
    made = 0

    def __init__(self, head: HeadModel) -> None:
        self._result = tracked(head.neutral, (160, 120), pose())

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> FrameTracker:
        self.made += 1
        return self

    def step(self, frame: Frame) -> TrackResult:
        return self._result

    def close(self) -> None:
        pass


@pytest.mark.usefixtures("screen")
def test_the_window_tells_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, head: HeadModel, tmp_path: Path
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", MadeUpCapture)
    monkeypatch.setattr(cameras, "listed", lambda: list(Plug.devices))
    monkeypatch.setattr(Plug, "devices", Plug.devices)
    offered = cameras.Mode(640, 480, 30.0, "MJPG"), cameras.Mode(320, 240, 30.0, "YUYV")
    monkeypatch.setattr(cameras, "modes", lambda _device, _rate: offered)
    formats: list[int] = []
    told: list[tuple[str, str, str]] = []
    steps = [("Face found", ()), ("Camera away", (Device(3, "Acme Cam"),)), ("Face found", None)]
    deadline, tracker = time.monotonic() + PATIENCE_S, Steady(head)

    def look(window: MainWindow) -> None:
        wanted, devices = steps[len(told)]
        title, reason = window.tracking.title.text(), window.tracking.reason.text()
        if title == wanted:
            told.append((title, reason, window.viewport.message))
            formats.append(window.findChild(ModeList).count())
            if devices is not None:
                Plug.devices = devices
        if len(told) == len(steps) or time.monotonic() > deadline:
            window.close()
        else:
            QTimer.singleShot(30, window, lambda: look(window))

    status = run_window(
        Config(source_choice("webcam", device="Acme Cam")),
        tracker_maker=tracker,
        settings_path=tmp_path / "settings.yaml",
        memory=QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat),
        opened=look,
    )
    assert [title for title, _, _ in told] == [wanted for wanted, _ in steps]
    assert "Acme Cam" in told[1][1]
    assert "Acme Cam" in told[1][2]  # over the picture as well
    assert formats[0] == len(offered)
    assert (status, tracker.made) == (0, 1)


class Wire(QObject):
    """The signals of a bridge, without a session."""

    tracked, previewed = Signal(object, object), Signal(object)
    status_changed, configured = Signal(object), Signal(object)
    config = Config(source_choice("webcam"))


@pytest.mark.usefixtures("screen")
def test_a_picture_that_comes_too_late_does_not_pass_for_a_camera_that_is_back(
    head: HeadModel,
) -> None:
    wire, window = Wire(), QWidget()
    viewport, head_view = Viewport(head, window), HeadView(head)
    picture = Picture(wire, viewport, head_view, window)  # pyright: ignore[reportArgumentType]
    frame = Frame(np.zeros((120, 160, 3), np.uint8), 0, 0)
    wire.previewed.emit(frame)
    assert picture.seen
    assert "Acme Cam" not in viewport.message

    wire.status_changed.emit(SessionStatus(State.RECONNECTING, trouble="Acme Cam is unplugged"))
    wire.previewed.emit(frame)
    assert not picture.seen
    assert "Acme Cam" in viewport.message

    wire.status_changed.emit(SessionStatus(State.RUNNING, source="Acme Cam"))
    wire.previewed.emit(frame)
    assert picture.seen
    assert "Acme Cam" not in viewport.message
