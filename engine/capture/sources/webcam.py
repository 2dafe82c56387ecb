"""A webcam, through OpenCV."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from engine import clock
from engine.capture import cameras
from engine.capture.calibration import stored_camera
from engine.errors import CalibrationError, SourceError
from engine.geometry import assumed_camera
from engine.settings import setting
from engine.types import Camera, Frame

REOPEN_AFTER_S = (0.2, 0.5, 1.0, 2.0, 4.0)  # a cable put back, a hub that wakes up
NAP_S = 0.05  # so that a close is noticed while waiting
READ_TIMEOUT_MS = 1000
FIRST_READS = 5  # some cameras fail once or twice after opening
FOURCC_MJPEG = "MJPG"  # raw images of 720p do not fit through USB 2 at 30 a second

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Which camera, and what is asked of it."""

    device: str = setting("0", "Number, device file or name of the camera.")
    width_px: int = setting(640, "Image width asked for.", minimum=160, maximum=7680)
    height_px: int = setting(480, "Image height asked for.", minimum=120, maximum=4320)
    frame_rate: float = setting(30.0, "Frames a second asked for.", minimum=1.0, maximum=240.0)
    field_of_view_deg: float = setting(
        60.0, "Assumed angle of view across the longer side.", minimum=5.0, maximum=170.0
    )


class Webcam:
    """Frames from a camera; follows engine.capture.sources.Source.

    A camera that fails is opened again, after growing pauses; the index goes on. Raises SourceError
    if it stays away, or comes back as another camera or with another image size.
    """

    live = True

    def __init__(self, settings: Settings) -> None:
        self._settings, self._closing, self._index = settings, False, 0
        self._device = cameras.resolve(settings.device, cameras.listed())
        self.name = self._device.name
        # The proving image is not handed on: it will be old when somebody takes it.
        self._capture, (width_px, height_px) = self._opened()
        self.frame_rate = _stated_rate(self._capture, settings.frame_rate)
        self.camera = self._known_camera(width_px, height_px)
        if (width_px, height_px) != (settings.width_px, settings.height_px):
            _log.warning(
                "%s gives %dx%d instead of %dx%d",
                *(self.name, width_px, height_px, settings.width_px, settings.height_px),
            )

    def take(self) -> Frame | None:
        """Wait for the next image; None once closed."""
        image = None if self._closing else _read(self._capture)
        while image is None and not self._closing:
            self._reopen()
            image = _read(self._capture)
        captured_ns = clock.now_ns()
        if self._closing or image is None:
            self._capture.release()
            return None
        rgb = cast("NDArray[np.uint8]", cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        frame = Frame(rgb, self._index, captured_ns)
        self._index += 1
        return frame

    def close(self) -> None:
        """Ask for the end; the reading thread releases the camera."""
        self._closing = True

    def _known_camera(self, width_px: int, height_px: int) -> Camera:
        """Return the calibrated camera if there is one, else one with the assumed angle of view."""
        try:
            stored = stored_camera(self.name, (width_px, height_px))
        except CalibrationError:
            self._capture.release()
            raise
        if stored is not None:
            return stored
        angle_rad = float(np.deg2rad(self._settings.field_of_view_deg))
        return replace(assumed_camera(width_px, height_px, angle_rad), name=self.name)

    def _opened(self) -> tuple[cv2.VideoCapture, tuple[int, int]]:
        """Open the camera and read one image, which proves that it works and tells its size."""
        linux = sys.platform.startswith("linux")
        interface = cv2.CAP_V4L2 if linux else cv2.CAP_ANY
        capture = cv2.VideoCapture(self._device.number, interface)
        if capture.isOpened():
            _configure(capture, self._settings)
            for _ in range(FIRST_READS):
                image = _read(capture)
                if image is not None:
                    return capture, (image.shape[1], image.shape[0])
        capture.release()
        raise SourceError(
            f"camera {self._device.number} ({self.name}): cannot be opened; "
            "another program may be using it"
        )

    def _reopen(self) -> None:
        """Open the camera again, with growing pauses; returns early once closed."""
        _log.warning("%s gives no images; opening it again", self.name)
        self._capture.release()
        for pause_s in REOPEN_AFTER_S:
            self._nap(pause_s)
            if self._closing:
                return
            if self._device not in cameras.listed():
                continue
            try:
                self._capture, size_px = self._opened()
            except SourceError:
                continue
            if size_px == self.camera.size_px:
                return
            self._capture.release()
            raise SourceError(f"{self.name}: came back with another image size; start again")
        raise SourceError(
            f"{self.name}: gives no images any more, and could not be opened again within "
            f"{sum(REOPEN_AFTER_S):.0f} s"
        )

    def _nap(self, pause_s: float) -> None:
        until_ns = clock.now_ns() + round(pause_s * clock.NS_PER_S)
        while not self._closing and clock.now_ns() < until_ns:
            time.sleep(min(pause_s, NAP_S))


def create(settings: Settings) -> Webcam:
    """Open the camera. Raises SourceError naming the cameras that there are."""
    return Webcam(settings)


def find() -> list[str]:
    """Return the names of the cameras of this machine."""
    return [device.name for device in cameras.listed()]


def _configure(capture: cv2.VideoCapture, settings: Settings) -> None:
    """Ask for format, size and rate; a camera is free to give something else."""
    fourcc = cv2.VideoWriter.fourcc(*FOURCC_MJPEG)
    # The order matters: many drivers reset size and rate when the format changes.
    capture.set(cv2.CAP_PROP_FOURCC, fourcc)
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width_px)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height_px)
    capture.set(cv2.CAP_PROP_FPS, settings.frame_rate)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    capture.set(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS)


def _stated_rate(capture: cv2.VideoCapture, asked: float) -> float:
    stated = capture.get(cv2.CAP_PROP_FPS)
    if stated <= 0:  # the driver does not say
        return asked
    if abs(stated - asked) > 0.5:
        _log.warning("the camera gives %.1f frames a second instead of %.1f", stated, asked)
    return stated


def _read(capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
    good, image = capture.read()
    return cast("NDArray[np.uint8]", image) if good else None
