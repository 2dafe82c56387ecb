"""A webcam, through OpenCV."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from engine import clock
from engine.capture import cameras
from engine.capture.calibration import stored_camera
from engine.capture.sources._camera_format import Settings, ask
from engine.errors import CalibrationError, SourceError
from engine.geometry import assumed_camera
from engine.types import Camera, Frame

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0  # between two attempts; each is twice the one before
NAP_S = 0.05  # so that a close is noticed while waiting
TELL_EVERY_S = 0.5  # while there is no picture
FIRST_READS = 5  # some cameras fail once or twice after opening
COMES_BACK = True  # a session waits for a camera that is not there yet

_log = logging.getLogger(__name__)


class Webcam:
    """Frames from a camera; follows engine.capture.sources.Source.

    A camera that is unplugged, asleep or taken by another program is opened again as soon as that
    is possible, found by its name; the index goes on. `trouble` says meanwhile what is wrong.

    waiting  called on the reading thread every half second while there is no picture; when it
             returns False, `take` returns None although nobody has closed the camera
    refused  what the driver would not do
    modes    what the camera offers; empty where the system does not say
    """

    live = True

    def __init__(self, settings: Settings) -> None:
        self._settings, self._closing, self._index = settings, False, 0
        self.trouble = ""
        self.refused: tuple[str, ...] = ()
        self.waiting: Callable[[], bool] = lambda: True
        self._device = cameras.resolve(settings.device, cameras.listed())
        self.name = self._device.name
        self.modes = cameras.modes(self._device, settings.frame_rate)
        # The proving image is not handed on: it will be old when somebody takes it.
        self._capture, (width_px, height_px) = self._opened()
        self.frame_rate = _stated_rate(self._capture, settings.frame_rate)
        self.camera = self._known_camera(width_px, height_px)
        asked_px = (settings.width_px, settings.height_px)
        if (width_px, height_px) not in (asked_px, asked_px[::-1]):
            _log.warning(
                "%s gives %dx%d instead of %dx%d",
                *(self.name, width_px, height_px, settings.width_px, settings.height_px),
            )

    def take(self) -> Frame | None:
        """Wait for the next image; None once closed."""
        image = None if self._closing or self.trouble else self._read(self._capture)
        if image is None and not self._closing:
            image = self._reopened()
        captured_ns = clock.now_ns()
        if self._closing:
            self._capture.release()
            return None
        if image is None:
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
        try:
            if not capture.isOpened():
                raise SourceError(
                    f"{self.name} (camera {self._device.number}): cannot be opened; "
                    "another program may be using it"
                )
            self.refused = ask(capture, self._settings)
            for _ in range(FIRST_READS):
                image = self._read(capture)
                if image is not None:
                    return capture, (image.shape[1], image.shape[0])
            raise SourceError(
                f"{self.name} (camera {self._device.number}): gives no picture; it may be asleep, "
                "or another program may be using it"
            )
        except SourceError:
            capture.release()
            raise

    def _read(self, capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
        good, image = capture.read()
        if not good:
            return None
        turns = -(self._settings.rotation_deg // 90)  # numpy turns the other way
        return np.ascontiguousarray(np.rot90(cast("NDArray[np.uint8]", image), turns))

    def _reopened(self) -> NDArray[np.uint8] | None:
        """Wait until the camera gives pictures again; None if closed or told not to wait."""
        if not self.trouble:
            self.trouble = f"{self.name} gives no picture any more."
            _log.warning("%s gives no picture; it is opened again when that is possible", self.name)
        self._capture.release()
        pause_s = FIRST_PAUSE_S
        while self._waited(pause_s):
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            image = self._attempt()
            if image is not None:
                _log.info("%s is back", self.name)
                self.trouble = ""
                return image
        return None

    def _attempt(self) -> NDArray[np.uint8] | None:
        """Open the camera of the same name, and read it; None, with the trouble told, if not."""
        same = [device for device in cameras.listed() if device.name == self.name]
        if not same:
            self.trouble = f"{self.name} is not connected."
            return None
        # By name: behind a hub, or after another camera, it may have another number.
        self._device = self._device if self._device in same else same[0]
        try:
            self._capture, size_px = self._opened()
        except SourceError as error:
            self.trouble = f"{error}."
            return None
        if size_px != self.camera.size_px:
            self._capture.release()
            self.trouble = f"{self.name} came back with pictures of another size."
            return None
        return self._read(self._capture)

    def _waited(self, pause_s: float) -> bool:
        """Wait; False once closed, or when whoever reads does not want to wait any longer."""
        start_ns = told_ns = clock.now_ns()
        while (now_ns := clock.now_ns()) < start_ns + round(pause_s * clock.NS_PER_S):
            if self._closing:
                return False
            if now_ns - told_ns >= TELL_EVERY_S * clock.NS_PER_S:
                told_ns = now_ns
                if not self.waiting():
                    return False
            time.sleep(min(pause_s, NAP_S))
        return not self._closing and self.waiting()


def create(settings: Settings) -> Webcam:
    """Open the camera. Raises SourceError naming the cameras that there are."""
    return Webcam(settings)


def find() -> list[str]:
    """Return the names of the cameras of this machine."""
    return [device.name for device in cameras.listed()]


def _stated_rate(capture: cv2.VideoCapture, asked: float) -> float:
    stated = capture.get(cv2.CAP_PROP_FPS)
    if stated <= 0:  # the driver does not say
        return asked
    if abs(stated - asked) > 0.5:
        _log.warning("the camera gives %.1f frames a second instead of %.1f", stated, asked)
    return stated
