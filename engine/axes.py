"""Our axes and other systems'.

Ours (engine.geometry): right-handed; x to the subject's left, y down, z into the head, so that the
face looks along -z. Rotations are those of camera_from_head: the identity looks into the camera.

Unity (and the VMC protocol): left-handed; an avatar has its right at +x, up at +y, and faces +z.

Every axis changes its sign: M = -I, which also turns right- into left-handed. A vector becomes -v.
A rotation becomes M R M^-1 = R: the same matrix, hence the same quaternion. In both systems
a positive rotation about x nods down, about y turns to the subject's own right, and about z tilts
towards the subject's own left shoulder.

Other systems (SYSTEMS), for a head that looks at its reader; + names the direction that counts up:

=========  ======  ==========================================  ==========================
system     handed  axes                                        yaw, pitch, roll
=========  ======  ==========================================  ==========================
opencv     right   x own left, y down, z into the head         + right, + down, + left
opengl     right   x own left, y up, z out of the face         + left, + down, + right
unity      left    x own right, y up, z out of the face        + right, + down, + left
unreal     left    x out of the face, y own right, z up        + right, + up, + right
vrchat     left    as unity                                    + right, + down, + left
live_link  -       -                                           + left, + up, + right
=========  ======  ==========================================  ==========================

ARKit's are opengl's. Source: the makers' documentation; Live Link Face: measured on its packets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.types import Array


@dataclass(frozen=True)
class System:
    """Axes of another system.

    axes   rows: its x, y, z as sign and index (1 to 3) of our axes; None if it has no positions
    signs  of yaw, pitch and roll against ours (+ own right, + down, + own left)
    """

    axes: tuple[int, int, int] | None
    signs: tuple[int, int, int]


SYSTEMS = {
    "opencv": System((1, 2, 3), (1, 1, 1)),
    "opengl": System((1, -2, -3), (-1, 1, -1)),
    "unity": System((-1, -2, -3), (1, 1, 1)),
    "unreal": System((-3, -1, -2), (1, -1, -1)),
    "vrchat": System((-1, -2, -3), (1, 1, 1)),
    "live_link": System(None, (-1, -1, -1)),
}
PLACED = tuple(name for name, system in SYSTEMS.items() if system.axes is not None)


def system_from_ours(system: str) -> Array:
    """Return the matrix (3, 3) that turns our vectors into those of a system of PLACED."""
    rows = SYSTEMS[system].axes
    if rows is None:
        raise ValueError(f"{system} has no positions")
    matrix = np.zeros((3, 3))
    for row, axis in enumerate(rows):
        matrix[row, abs(axis) - 1] = np.sign(axis)
    return matrix


def rotation_in(system: str, rotation: Array) -> Array:
    """Return a rotation matrix (3, 3) of ours as it is in a system of PLACED."""
    change = system_from_ours(system)
    return change @ rotation @ change.T


def head_angles(system: str, rotation: Array) -> tuple[float, float, float]:
    """Return yaw, pitch, roll in radians with the signs of a system: first yaw, last roll.

    rotation  (3, 3) ours
    """
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    pitch = np.arcsin(np.clip(-rotation[1, 2], -1.0, 1.0))
    roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    signs = SYSTEMS[system].signs
    return float(signs[0] * yaw), float(signs[1] * pitch), float(signs[2] * roll)


def gaze_angles(system: str, gaze: Array) -> tuple[float, float]:
    """Return yaw and pitch of an eye with the signs of a system.

    gaze  (2,) ours: yaw (+ own left), pitch (+ down), rad
    """
    if system == "live_link":  # its eyes count the other way round than its head
        return -float(gaze[0]), float(gaze[1])
    yaw_sign, pitch_sign, _ = SYSTEMS[system].signs
    return -yaw_sign * float(gaze[0]), pitch_sign * float(gaze[1])


def unity_from_ours(vector: Array) -> Array:
    """Turn a displacement (3,) in metres into Unity's axes."""
    return -vector


def quaternion(rotation: Array) -> Array:
    """Return the unit quaternion (w, x, y, z), w >= 0, of a rotation matrix (3, 3).

    Valid for our axes and, unchanged, for Unity's.

    Source: Shepperd, Quaternion from rotation matrix, 1978: the largest component is taken from the
    diagonal, the others are divided by it, so that nothing small is divided by.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    fourfold = np.array(
        [
            [1 + xx + yy + zz, zy - yz, xz - zx, yx - xy],
            [zy - yz, 1 + xx - yy - zz, xy + yx, xz + zx],
            [xz - zx, xy + yx, 1 - xx + yy - zz, yz + zy],
            [yx - xy, xz + zx, yz + zy, 1 - xx - yy + zz],
        ]
    )
    row = fourfold[int(np.argmax(np.diag(fourfold)))]
    result = row / np.linalg.norm(row)
    return -result if result[0] < 0 else result


def turns(rotation: Array) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in radians of a rotation (3, 3): Ry(yaw) Rx(pitch) Rz(roll).

    Positive towards the subject's own right, down, and towards the own left shoulder. The order is
    that of Unity's Quaternion.Euler and of Unreal's rotator: roll first, yaw last.
    """
    pitch = np.arcsin(np.clip(-rotation[1, 2], -1.0, 1.0))
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    return float(yaw), float(pitch), float(roll)


def share(rotation: Array, part: float) -> Array:
    """Return the quaternion (w, x, y, z) of the same rotation about the same axis by `part` of it.

    rotation  (3, 3)
    part      0 for none, 1 for all of it
    """
    whole = quaternion(rotation)
    sine = float(np.linalg.norm(whole[1:]))
    if sine < 1e-9:
        return np.array([1.0, 0.0, 0.0, 0.0])
    half_angle = part * np.arctan2(sine, whole[0])
    return np.concatenate([[np.cos(half_angle)], np.sin(half_angle) * whole[1:] / sine])
