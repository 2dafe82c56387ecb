"""The obvious twin of the head's skinning: one vertex at a time, float64, SciPy's rotations."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from engine.fit.heads import HeadModel
from engine.types import Array


def joint_turns(head: HeadModel, expression: Array, gaze: Array, neck: Array) -> list[Array]:
    """Rotations of neck, jaw, left and right eye, by SciPy's conventions."""
    jaw_rad = head.jaw_open_rad * expression[head.expression_names.index("jawOpen")]
    eyes = [Rotation.from_euler("YX", [-yaw, pitch]) for yaw, pitch in gaze]
    turns = [Rotation.from_rotvec(neck), Rotation.from_euler("X", jaw_rad), *eyes]
    return [turn.as_matrix() for turn in turns]


def vertex(
    head: HeadModel, index: int, identity: Array, expression: Array, gaze: Array, neck: Array
) -> Array:
    """One posed vertex (3,), metres."""
    place = head.neutral[index].astype(float)
    for coefficient, basis in zip(identity, head.identity_basis, strict=True):
        place = place + coefficient * basis[index].astype(float)
    for coefficient, basis in zip(expression, head.expression_basis, strict=True):
        place = place + coefficient * basis[index].astype(float)
    joints = head.joint_neutral.astype(float)
    for coefficient, basis in zip(identity, head.joint_identity, strict=True):
        joints = joints + coefficient * basis.astype(float)
    weights = head.skin_weights[index].astype(float)
    posed = weights[0] * place
    turns = joint_turns(head, expression, gaze, neck)
    for weight, turn, joint in zip(weights[1:], turns, joints, strict=True):
        posed = posed + weight * (turn @ (place - joint) + joint)
    return posed


def pixel(place: Array, camera_from_head: Array, intrinsics: Array) -> Array:
    """Project one place (3,) to (2,) pixels."""
    x, y, z = camera_from_head[:3, :3] @ place + camera_from_head[:3, 3]
    return np.array(
        [
            intrinsics[0, 0] * x / z + intrinsics[0, 2],
            intrinsics[1, 1] * y / z + intrinsics[1, 2],
        ]
    )
