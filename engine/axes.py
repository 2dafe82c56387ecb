"""Our axes and other systems'.

Ours (engine.geometry): right-handed; x to the subject's left, y down, z into the head, so that the
face looks along -z. Rotations are those of camera_from_head: the identity looks into the camera.

Unity (and the VMC protocol): left-handed; an avatar has its right at +x, up at +y, and faces +z.

Every axis changes its sign: M = -I, which also turns right- into left-handed. A vector becomes -v.
A rotation becomes M R M^-1 = R: the same matrix, hence the same quaternion. In both systems
a positive rotation about x nods down, about y turns to the subject's own right, and about z tilts
towards the subject's own left shoulder.
"""

from __future__ import annotations

import numpy as np

from engine.types import Array


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
