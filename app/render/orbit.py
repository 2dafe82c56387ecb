"""Looking at the head alone from wherever one wants, as if it stood still before a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.geometry import project, rigid
from engine.types import Array, HeadState

_NEAREST_M, _FARTHEST_M, _PER_NOTCH = 0.45, 2.5, 0.9
_STEEPEST_RAD = 1.5  # short of the pole, where turning would flip
_FOCAL = 2.2  # focal length as a multiple of the shorter side: little perspective, as of a portrait


@dataclass(frozen=True, slots=True)
class Orbit:
    """Where the camera is on its sphere around the middle of the head."""

    aside_rad: float = 0.3  # positive: the face is turned to the right of the picture
    down_rad: float = 0.0  # positive: the face is turned down, it is seen from above
    distance_m: float = 0.75

    def dragged(self, right: float, down: float) -> Orbit:
        """Turn the head with the hand; a drag across the whole height turns it by half a turn.

        right, down  shares of the picture's height
        """
        down_rad = float(np.clip(self.down_rad + np.pi * down, -_STEEPEST_RAD, _STEEPEST_RAD))
        return replace(self, aside_rad=self.aside_rad + np.pi * right, down_rad=down_rad)

    def nearer(self, notches: float) -> Orbit:
        """Go nearer by notches of a wheel, or farther."""
        distance_m = self.distance_m * _PER_NOTCH**notches
        return replace(self, distance_m=float(np.clip(distance_m, _NEAREST_M, _FARTHEST_M)))

    def camera_from_head(self, middle: Array) -> Array:
        """Return (4, 4).

        middle  (3,) of the head, in head space: it is seen in the middle of the picture
        """
        aside, down = -self.aside_rad, self.down_rad
        about_y = np.array(
            [
                [np.cos(aside), 0.0, np.sin(aside)],
                [0.0, 1.0, 0.0],
                [-np.sin(aside), 0.0, np.cos(aside)],
            ]
        )
        about_x = np.array(
            [
                [1.0, 0.0, 0.0],
                [0.0, np.cos(down), -np.sin(down)],
                [0.0, np.sin(down), np.cos(down)],
            ]
        )
        turn = about_x @ about_y
        return rigid(turn, np.array([0.0, 0.0, self.distance_m]) - turn @ middle)


def seen_from(orbit: Orbit, head: HeadState, middle: Array, size_px: tuple[int, int]) -> HeadState:
    """Return a head as that camera sees it: its expression and gaze, not its place.

    middle   (3,) head space
    size_px  width, height of the picture
    """
    focal = _FOCAL * min(size_px)
    intrinsics = np.array([[focal, 0, size_px[0] / 2], [0, focal, size_px[1] / 2], [0, 0, 1.0]])
    camera_from_head = orbit.camera_from_head(middle)
    points_px = project(head.vertices, camera_from_head, intrinsics)
    return replace(head, camera_from_head=camera_from_head, points_px=points_px)
