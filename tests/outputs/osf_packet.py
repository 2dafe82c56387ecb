"""OpenSeeFace's packet, read field by field from its description; nothing of ours takes part."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

SIZE = 1785


@dataclass(frozen=True)
class OsfFace:
    time: float
    face: int
    size: tuple[float, float]
    right_open: float
    left_open: float
    success: int
    error: float
    quaternion: tuple[float, ...]  # x, y, z, w
    euler: tuple[float, ...]
    translation: tuple[float, ...]
    confidences: NDArray
    points: NDArray  # (68, 2) x, y
    points_3d: NDArray  # (70, 3) x, y, z before the packet turned y and z round
    features: NDArray

    def unity_turn(self) -> Rotation:
        """What OpenSeeIKTarget.cs makes of the quaternion."""
        x, y, z, w = self.quaternion
        return Rotation.from_quat([-y, -x, z, w])

    def unity_place(self) -> NDArray:
        """What OpenSee.cs and then OpenSeeIKTarget.cs make of the translation."""
        x, y, z = self.translation
        x, y, z = -y, x, -z
        return np.array([-x, y, -z])


def read(packet: bytes) -> OsfFace:
    assert len(packet) == SIZE
    place = 0

    def take(kind: str, count: int = 1) -> tuple:
        nonlocal place
        step = {"d": 8, "i": 4, "f": 4, "B": 1}[kind] * count
        values = struct.unpack(f"<{count}{kind}", packet[place : place + step])
        place += step
        return values

    (time,), (face,), size = take("d"), take("i"), take("f", 2)
    (right,), (left,), (success,), (error,) = take("f"), take("f"), take("B"), take("f")
    quaternion, euler, translation = take("f", 4), take("f", 3), take("f", 3)
    confidences = np.array(take("f", 68))
    points = np.array(take("f", 136)).reshape(68, 2)
    points_3d = np.array(take("f", 210)).reshape(70, 3) * (1, -1, -1)
    features = np.array(take("f", 14))
    assert place == SIZE
    return OsfFace(
        time, face, (size[0], size[1]), right, left, success, error, quaternion, euler, translation,
        confidences, points, points_3d, features,
    )  # fmt: skip
