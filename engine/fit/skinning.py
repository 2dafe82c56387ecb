"""Linear blend skinning of a head: coefficients and joint angles -> vertices in head space.

Rows of skin weights sum to 1 and the skull stays, so that a vertex is its unposed place plus, for
every joint j, w_j (R_j - I) (p - J_j).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.fit.heads import HeadModel, gaze_rotation
from engine.geometry import cross_matrix, rotation_from_vector
from engine.types import Array

NECK, JAW, LEFT_EYE, RIGHT_EYE = range(4)
# Which joint each column of JointMotion.derivatives turns.
DERIVATIVE_JOINTS = (LEFT_EYE, LEFT_EYE, RIGHT_EYE, RIGHT_EYE, NECK, NECK, NECK, JAW)


class JointMotion(NamedTuple):
    """Rotations of the four joints and their derivatives."""

    rotations: Array  # (4, 3, 3) neck, jaw, left eye, right eye
    derivatives: Array  # (8, 3, 3) d R / d (left yaw, pitch, right yaw, pitch, neck xyz, jawOpen)


def joint_rotations(jaw_open: float, gaze: Array, neck: Array, jaw_open_rad: float) -> Array:
    """Return the rotations (4, 3, 3) of neck, jaw, left and right eye.

    jaw_open      coefficient jawOpen
    gaze          (2, 2) rad; rows left, right eye; columns yaw, pitch
    neck          (3,) rotation vector, rad
    jaw_open_rad  rotation of the jaw about x at jawOpen = 1; positive brings the chin down (+y)
    """
    return np.stack(
        [
            rotation_from_vector(neck),
            rotation_from_vector(np.array([jaw_open * jaw_open_rad, 0.0, 0.0])),
            gaze_rotation(float(gaze[0, 0]), float(gaze[0, 1])),
            gaze_rotation(float(gaze[1, 0]), float(gaze[1, 1])),
        ]
    )


def joint_motion(jaw_open: float, gaze: Array, neck: Array, jaw_open_rad: float) -> JointMotion:
    """Return `joint_rotations` of the same arguments, and their derivatives.

    Source: derivative of a rotation vector by the left Jacobian of SO(3), Sola et al. 2018,
    A micro Lie theory for state estimation in robotics, equation 145.
    """
    rotations = joint_rotations(jaw_open, gaze, neck, jaw_open_rad)
    about_x, about_y = cross_matrix(np.array([1.0, 0, 0])), cross_matrix(np.array([0, 1.0, 0]))
    derivatives = np.empty((8, 3, 3))
    for eye, joint in enumerate((LEFT_EYE, RIGHT_EYE)):
        # gaze_rotation is Ry(-yaw) Rx(pitch): yaw acts from the outside, pitch from the inside.
        derivatives[2 * eye] = -about_y @ rotations[joint]
        derivatives[2 * eye + 1] = rotations[joint] @ about_x
    left = _left_jacobian(neck)
    for axis in range(3):
        derivatives[4 + axis] = cross_matrix(left[:, axis]) @ rotations[NECK]
    derivatives[7] = jaw_open_rad * about_x @ rotations[JAW]
    return JointMotion(rotations, derivatives)


def _left_jacobian(vector: Array) -> Array:
    angle = float(np.linalg.norm(vector))
    skew = cross_matrix(vector)
    if angle < 1e-4:
        return np.eye(3) + skew / 2 + skew @ skew / 6
    return (
        np.eye(3)
        + (1 - np.cos(angle)) / angle**2 * skew
        + (angle - np.sin(angle)) / angle**3 * (skew @ skew)
    )


def neutral_of(head: HeadModel, identity: Array) -> Array:
    """Return the neutral vertices (V, 3) in metres of identity coefficients (K,)."""
    basis = head.identity_basis
    flat = identity.astype(basis.dtype) @ basis.reshape(len(basis), -1)
    return head.neutral + flat.reshape(head.neutral.shape)


def joints_of(head: HeadModel, identity: Array) -> Array:
    """Return the joints (4, 3) in metres of identity coefficients (K,)."""
    joints = head.joint_neutral + np.tensordot(identity, head.joint_identity, axes=1)
    return joints.astype(np.float64)


def posed(
    head: HeadModel, neutral: Array, joints: Array, expression: Array, gaze: Array, neck: Array
) -> Array:
    """Pose a person's neutral: returns vertices (V, 3) in metres, head space.

    neutral     (V, 3) from `neutral_of`
    joints      (4, 3) from `joints_of`
    expression  (E,) coefficients; jawOpen turns the jaw joint as well
    gaze        (2, 2) rad; rows left, right eye; columns yaw, pitch
    neck        (3,) rad
    """
    basis = head.expression_basis
    active = np.flatnonzero(expression)
    rows = basis if len(active) > len(basis) // 2 else basis[active]
    used = expression if len(active) > len(basis) // 2 else expression[active]
    offsets = used.astype(basis.dtype) @ rows.reshape(len(rows), neutral.size)
    shaped = neutral + offsets.reshape(neutral.shape)
    jaw_open = float(expression[head.expression_names.index("jawOpen")])
    rotations = joint_rotations(jaw_open, gaze, neck, head.jaw_open_rad)
    result = shaped.copy()
    for joint, rotation in enumerate(rotations):
        weights = head.skin_weights[:, joint + 1]
        moved = np.flatnonzero(weights)
        turned = (shaped[moved] - joints[joint]) @ (rotation - np.eye(3)).T
        result[moved] += weights[moved, None] * turned.astype(result.dtype)
    return result


def vertices(
    head: HeadModel, identity: Array, expression: Array, gaze: Array, neck: Array
) -> Array:
    """Return the vertices (V, 3) in metres, head space, of a full set of coefficients.

    identity (K,), expression (E,), gaze (2, 2) rad, neck (3,) rad: see `posed`.
    Source: FLAME, Li et al. 2017, equation 1, without pose correctives.
    """
    return posed(
        head, neutral_of(head, identity), joints_of(head, identity), expression, gaze, neck
    )
