"""What makes tracking hard, measured in the picture a few times a second, in words for the user."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine import clock
from engine.motion_blur import MotionBlur
from engine.types import Array, Frame, HeadState, Status, TrackResult

EVERY_NS = clock.NS_PER_S // 3
STEP_PX = 4  # of the pixels that are looked at
DARK, BRIGHT = 45.0, 248.0  # of 255, sRGB-encoded
BRIGHT_SHARE = 0.3  # of the face that is burnt out
BACKLIT_SHARE, BACKLIT_BELOW = 0.45, 80.0  # of what is around the face; never if brighter
CUT_SHARE = 0.03  # of the face outside the picture
FEWEST_PX = 60.0  # across a face; fewer carry no lids
FEWEST_RATE = 12.0  # pictures a second
_RATE_FRAMES = 12
# Head space: the face proper lies before the eyes' plane, above the throat.
_FACE_DEPTH_M, _FACE_LOW_M = 0.0, 0.10


class Conditions:
    """Looks at results as they pass; `hint` is what hinders most, empty if nothing does.

    of_camera  whether the pictures come as fast as a camera gives them
    """

    def __init__(self, of_camera: bool = True) -> None:
        self.hint, self._of_camera = "", of_camera
        self._next_ns = 0
        self._recent: list[tuple[int, int]] = []  # index and time of frames
        self._edge = ""  # at which the face was last cut off
        self._blur = MotionBlur()

    def look(self, frame: Frame, result: TrackResult) -> None:
        """Take note of a frame and what was found in it."""
        self._recent = [*self._recent[1 - _RATE_FRAMES :], (frame.index, frame.captured_ns)]
        if result.status is Status.TRACKING and result.head is not None:
            self._blur.move(result.head.points_px.mean(axis=0), frame.captured_ns)
        else:
            self._blur.lose()
        if frame.captured_ns < self._next_ns:
            return
        self._next_ns = frame.captured_ns + EVERY_NS
        light = frame.image[::STEP_PX, ::STEP_PX, 1].astype(np.float32)  # green is most of light
        if result.status is Status.TRACKING and result.head is not None:
            self.hint = self._of_face(light, frame, result.head)
        else:
            self.hint = self._without_face(light)

    def _of_face(self, light: Array, frame: Frame, head: HeadState) -> str:
        height, width = frame.image.shape[:2]
        points = face_points(head)
        self._edge = cut_at(points, (width, height))
        hint = bad_light(light, points / STEP_PX)
        if hint:
            return hint
        if self._edge:
            return f"Your face is cut off at the {self._edge} of the picture."
        if float(np.ptp(points[:, 0])) < FEWEST_PX:
            return "Your face is small in the picture: come closer."
        self._blur.look(frame.image[..., 1], points, frame.captured_ns)
        if self._blur.seen:
            return "Your face blurs as it moves: more light or a shorter exposure helps."
        return self._slow()

    def _without_face(self, light: Array) -> str:
        if float(np.percentile(light, 95)) < DARK:
            return "Too dark: the picture is almost black."
        if float((light > BRIGHT).mean()) > 0.6:
            return "Too bright: most of the picture is burnt out."
        if self._edge:
            return f"Your face left the picture at the {self._edge}."
        return self._slow() or "No face in the picture."

    def _slow(self) -> str:
        if len(self._recent) < _RATE_FRAMES or not self._of_camera:
            return ""
        # By the camera's own count: frames that the tracker was too slow for came as well.
        (first, start_ns), (last, end_ns) = self._recent[0], self._recent[-1]
        rate = (last - first) * clock.NS_PER_S / max(end_ns - start_ns, 1)
        if rate >= FEWEST_RATE:
            return ""
        return f"Only {rate:.0f} pictures a second: more light or a smaller picture helps."


def face_points(head: HeadState) -> Array:
    """Return (N, 2) pixels of the face proper, without scalp, ears and neck."""
    vertices = head.vertices
    proper = (vertices[:, 2] < _FACE_DEPTH_M) & (vertices[:, 1] < _FACE_LOW_M)
    return head.points_px[proper] if proper.any() else head.points_px


def cut_at(points: Array, size_px: tuple[int, int]) -> str:
    """Return the edge of the picture beyond which most of the face lies; empty if it is whole.

    points   (N, 2) pixels
    size_px  width, height
    """
    beyond = {
        "left edge": points[:, 0] < 0,
        "right edge": points[:, 0] > size_px[0],
        "top": points[:, 1] < 0,
        "bottom": points[:, 1] > size_px[1],
    }
    shares = {name: float(outside.mean()) for name, outside in beyond.items()}
    worst = max(shares, key=shares.__getitem__)
    return worst if shares[worst] > CUT_SHARE else ""


def bad_light(light: Array, points: Array) -> str:
    """Return what is wrong with the light on a face; empty if nothing is.

    light   (H, W) of 255
    points  (N, 2) of the face, in pixels of `light`
    """
    face = _inside(points, light.shape)
    if face.sum() < 9:
        return ""
    median = float(np.median(light[face]))
    if float((light[face] > BRIGHT).mean()) > BRIGHT_SHARE:
        return "Too bright: your face is burnt out."
    around = float(np.median(light[~face])) if not face.all() else median
    if median < BACKLIT_BELOW and median < BACKLIT_SHARE * around:
        return "The light comes from behind you: light your face from the front."
    return "Too dark: your face needs more light." if median < DARK else ""


def _inside(points: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels (H, W) of an ellipse that lies well within the points' box."""
    centre, half = (points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0) / 2.5
    y, x = np.ogrid[: shape[0], : shape[1]]
    across, down = (x + 0.5 - centre[0]) / half[0], (y + 0.5 - centre[1]) / half[1]
    return across**2 + down**2 < 1.0
