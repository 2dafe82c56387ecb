"""What is asked of a camera through OpenCV, and what it refuses."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import cv2

from engine.capture.cameras import COMPRESSED
from engine.settings import setting

READ_TIMEOUT_MS = 1000
ANY = "auto"
FORMATS = (ANY, "MJPG", "YUYV", "NV12", "UYVY", "YU12", "GREY")

# OpenCV hands V4L2's menu through: 1 is by hand, 3 is by aperture priority. Other systems take
# 0.25 and 0.75 for the same two.
_BY_HAND, _BY_ITSELF = 1.0, 3.0


# As OpenCV hands it to V4L2, DirectShow and others.
_EXPOSURE = (
    "Exposure time in units of 100 microseconds: 100 is 10 ms; empty lets the camera choose."
    if sys.platform.startswith("linux")
    else "Exposure as the power of two of seconds on most cameras: -6 is 1/64 s; "
    "empty lets the camera choose."
)


@dataclass(frozen=True)
class Settings:
    """Which camera, and what is asked of it."""

    device: str = setting("0", "Name, number or device file of the camera.")
    width_px: int = setting(640, "Image width asked for.", minimum=160, maximum=7680)
    height_px: int = setting(480, "Image height asked for.", minimum=120, maximum=4320)
    frame_rate: float = setting(30.0, "Frames a second asked for.", minimum=1.0, maximum=240.0)
    pixel_format: str = setting(
        ANY,
        "How the camera sends its pictures; auto asks for MJPEG, as raw ones are often slow.",
        choices=FORMATS,
    )
    exposure: float | None = setting(None, _EXPOSURE)
    gain: float | None = setting(
        None, "Gain in the driver's own units; empty lets the camera choose."
    )
    rotation_deg: int = setting(
        0, "How far to turn the picture, clockwise.", choices=(0, 90, 180, 270)
    )
    field_of_view_deg: float = setting(
        60.0, "Assumed angle of view across the longer side.", minimum=5.0, maximum=170.0
    )


def ask(capture: cv2.VideoCapture, wishes: Settings) -> tuple[str, ...]:
    """Ask for format, size, rate, exposure and gain; a camera is free to give something else.

    returns  what was refused, in words
    """
    refused: list[str] = []
    # Raw images of 720p do not fit through USB 2 at 30 a second.
    chosen = COMPRESSED if wishes.pixel_format == ANY else wishes.pixel_format
    # The order matters: many drivers reset size and rate when the format changes.
    code = cv2.VideoWriter.fourcc(*chosen)
    if not capture.set(cv2.CAP_PROP_FOURCC, code) and wishes.pixel_format != ANY:
        refused.append(f"pixel format {chosen}")
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, wishes.width_px)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wishes.height_px)
    capture.set(cv2.CAP_PROP_FPS, wishes.frame_rate)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    capture.set(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS)
    if wishes.exposure is None:
        capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _BY_ITSELF)  # an earlier program may have set it
    else:
        capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _BY_HAND)
        if not capture.set(cv2.CAP_PROP_EXPOSURE, wishes.exposure):
            refused.append(f"exposure {wishes.exposure:g}")
    if wishes.gain is not None and not capture.set(cv2.CAP_PROP_GAIN, wishes.gain):
        refused.append(f"gain {wishes.gain:g}")
    return tuple(refused)
