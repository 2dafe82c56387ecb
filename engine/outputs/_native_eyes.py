"""VRChat's own eye tracking, for avatars that have no parameters for the eyes.

One endpoint for where the eyes look, one for the lids. Angles in degrees, + pitch down and + yaw to
the own right; vectors of the head: x to the own right, y up, z forward.

Source: docs.vrchat.com, OSC eye tracking, with the example that the tests hold.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine import axes
from engine.types import Array

ROOT = "/tracking/eye/"
LIDS = ROOT + "EyesClosedAmount"
EYES_APART_M = 0.064  # as in VRChat's example
NEAREST_M, FAREST_M = 0.1, 10.0  # eyes that are more parallel than that look far away


def _left_right_angles(gaze: Array) -> list[float]:
    """Pitch and yaw of the left, then of the right eye."""
    return [angle for eye in gaze for angle in _pitch_yaw(_direction(eye))]


def _center_angles(gaze: Array) -> list[float]:
    return list(_pitch_yaw(_target(gaze)))


def _center_angles_and_distance(gaze: Array) -> list[float]:
    target = _target(gaze)
    return [*_pitch_yaw(target), float(np.linalg.norm(target))]


def _center_vector(gaze: Array) -> list[float]:
    target = _target(gaze)
    return (target / np.linalg.norm(target)).tolist()


def _left_right_vectors(gaze: Array) -> list[float]:
    return [part for eye in gaze for part in _direction(eye).tolist()]


# Endpoint: how many numbers it takes, and what they are. Exactly one may be sent.
LOOKS: dict[str, tuple[int, Callable[[Array], list[float]]]] = {
    "LeftRightPitchYaw": (4, _left_right_angles),
    "LeftRightVec": (6, _left_right_vectors),
    "CenterPitchYaw": (2, _center_angles),
    "CenterPitchYawDist": (3, _center_angles_and_distance),
    "CenterVec": (3, _center_vector),
    "CenterVecFull": (3, lambda gaze: _target(gaze).tolist()),
}


def look(endpoint: str, gaze: Array) -> list[float]:
    """Return the numbers of an endpoint of LOOKS.

    gaze  (2, 2) of HeadState
    """
    return LOOKS[endpoint][1](gaze)


def _direction(eye: Array) -> Array:
    """Return the unit vector (3,) in which an eye of ours looks."""
    yaw, pitch = axes.gaze_angles("vrchat", eye)
    level = np.cos(pitch)
    return np.array([level * np.sin(yaw), -np.sin(pitch), level * np.cos(yaw)])


def _pitch_yaw(vector: Array) -> tuple[float, float]:
    x, y, z = vector
    return float(np.degrees(-np.arctan2(y, np.hypot(x, z)))), float(np.degrees(np.arctan2(x, z)))


def _target(gaze: Array) -> Array:
    """Return what both eyes look at, (3,) metres from between them: where their lines are nearest.

    Lines that do not meet in front of the face, since no eye is measured so well, meet far away.
    """
    left, right = (_direction(eye) for eye in gaze)
    apart = np.array([EYES_APART_M, 0.0, 0.0])
    cosine = float(left @ right)
    sine2 = 1.0 - cosine * cosine
    middle = left + right
    if sine2 > 1e-9:
        along_left = float(left @ apart - cosine * (right @ apart)) / sine2
        along_right = float(cosine * (left @ apart) - right @ apart) / sine2
        if along_left > 0.0 and along_right > 0.0:
            middle = along_left * left + along_right * right  # the eyes' places cancel
            distance = float(np.clip(np.linalg.norm(middle) / 2.0, NEAREST_M, FAREST_M))
            return middle * (distance / np.linalg.norm(middle))
    return middle * (FAREST_M / np.linalg.norm(middle))
