"""OpenSeeFace's 14 features of a face, measured on its points.

Each is 0 at rest and from -1 to 1. By OpenSeeFace's definitions, but for these:
- Its scale is the running median, minimum and maximum of what it has seen; ours is the person at
  rest and the extremes of the 52 blendshapes, so that a value means the same from the first frame.
- It smooths by a fifth; we do not.
- It subtracts the tilt of the points, which ours have not; and it measures the quirk of a brow
  with x and y confused, where ours is how far the brow leaves the line between its ends.

Source: OpenSeeFace, tracker.py, class FeatureExtractor (definitions).
"""

from __future__ import annotations

import numpy as np

from engine.outputs._face_points import FacePoints, poses
from engine.types import Array

NAMES: tuple[str, ...] = (
    "eye_l", "eye_r", "eyebrow_steepness_l", "eyebrow_updown_l", "eyebrow_quirk_l",
    "eyebrow_steepness_r", "eyebrow_updown_r", "eyebrow_quirk_r", "mouth_corner_updown_l",
    "mouth_corner_inout_l", "mouth_corner_updown_r", "mouth_corner_inout_r", "mouth_open",
    "mouth_wide",
)  # fmt: skip
# A feature that only goes one way would be all noise on the other.
LEAST_RANGE = 0.25  # of the range of the other side


class FaceFeatures:
    """Compares a face with the person's at rest.

    points  of the average face
    """

    def __init__(self, points: FacePoints) -> None:
        measured = np.array([measure(seen(points.posed(pose))) for pose in poses()])
        below, above = measured[0] - measured.min(axis=0), measured.max(axis=0) - measured[0]
        self._below = np.maximum(below, LEAST_RANGE * above)
        self._above = np.maximum(above, LEAST_RANGE * below)

    def __call__(self, face: Array, at_rest: Array) -> Array:
        """Return the features (14,) of points (68, 3) against those of the person at rest."""
        change = measure(seen(face)) - measure(seen(at_rest))
        return np.clip(change / np.where(change < 0, self._below, self._above), -1.0, 1.0)


def seen(points: Array) -> Array:
    """Return points of head space as OpenSeeFace's definitions want: x own right, y up."""
    return -points[:, :2]


def measure(p: Array) -> Array:
    """Return the features (14,) of points (68, 2), in the order of NAMES and before any scale."""
    width = (p[0, 0] - p[16, 0] + p[1, 0] - p[15, 0]) / 2
    height = (p[27, 1] - p[30, 1]) / 3
    upper_lip = p[49:52, 1].mean()
    middle = p[[27, 30, 50, 55, 60, 64], 0].mean()

    def off_line(start: int, end: int, *which: int) -> Array:
        along = p[end] - p[start]
        across = np.array([-along[1], along[0]]) / np.linalg.norm(along)
        return (p[list(which)] - p[start]) @ across / height

    def eye(start: int, end: int, *lids: int) -> float:
        upper_a, upper_b, lower_a, lower_b = off_line(start, end, *lids)
        return abs(upper_a + upper_b - lower_a - lower_b) / 2

    def brow(inner: int, outer: int, *between: int) -> tuple[float, float, float]:
        (run, fall) = p[inner] - p[outer]
        steepness = float(np.degrees(np.arctan2(fall, abs(run))))
        updown = ((p[inner, 1] + p[outer, 1]) / 2 - p[27, 1]) / height
        return steepness, updown, float(np.abs(off_line(inner, outer, *between)).max())

    def corner(which: int) -> tuple[float, float]:
        return (upper_lip - p[which, 1]) / height, abs(middle - p[which, 0]) / width

    return np.array(
        [
            eye(42, 45, 43, 44, 47, 46),
            eye(36, 39, 37, 38, 41, 40),
            *brow(22, 26, 23, 24, 25),
            *brow(21, 17, 18, 19, 20),
            *corner(62),
            *corner(58),
            abs(p[59:62, 1].mean() - p[63:66, 1].mean()) / height,
            abs(p[58, 0] - p[62, 0]) / width,
        ]
    )
