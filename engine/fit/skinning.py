"""Linear blend skinning of a head: coefficients and joint angles -> vertices in head space.

Rows of skin weights sum to 1 and the skull stays, so that a vertex is its unposed place plus, for
every joint j, w_j (R_j - I) (p - J_j).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numba import njit

from engine.fit.heads import HeadModel, gaze_rotation
from engine.geometry import cross_matrix
from engine.types import Array

NECK, JAW, LEFT_EYE, RIGHT_EYE = range(4)
_ABOUT_X = cross_matrix(np.array([1.0, 0.0, 0.0]))
_ABOUT_Y = cross_matrix(np.array([0.0, 1.0, 0.0]))


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
    return joint_motion(jaw_open, gaze, neck, jaw_open_rad).rotations


def joint_motion(jaw_open: float, gaze: Array, neck: Array, jaw_open_rad: float) -> JointMotion:
    """Return `joint_rotations` of the same arguments, and their derivatives."""
    rotations, derivatives = np.empty((4, 3, 3)), np.empty((8, 3, 3))
    # OpenCV's derivative has a row per component of the vector.
    turned, by_vector = cv2.Rodrigues(np.array(neck, np.float64))
    rotations[NECK], derivatives[4:7] = turned, by_vector.reshape(3, 3, 3)
    rotations[JAW] = gaze_rotation(0.0, jaw_open * jaw_open_rad)
    derivatives[7] = jaw_open_rad * _ABOUT_X @ rotations[JAW]
    for eye, joint in enumerate((LEFT_EYE, RIGHT_EYE)):
        # gaze_rotation is Ry(-yaw) Rx(pitch): yaw acts from the outside, pitch from the inside.
        rotations[joint] = gaze_rotation(float(gaze[eye, 0]), float(gaze[eye, 1]))
        derivatives[2 * eye] = -_ABOUT_Y @ rotations[joint]
        derivatives[2 * eye + 1] = rotations[joint] @ _ABOUT_X
    return JointMotion(rotations, derivatives)


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
    jaw_open = float(expression[head.expression_names.index("jawOpen")])
    rotations = joint_rotations(jaw_open, gaze, neck, head.jaw_open_rad)
    shaped = _shaped(neutral, head.expression_basis, np.array(expression, np.float64))
    _turn(shaped, head.skin_weights, joints, rotations)
    return shaped


@njit(cache=True, nogil=True)
def _shaped(neutral: Array, basis: Array, expression: Array) -> Array:
    """Return the neutral (V, 3) with shapes of the basis (E, V, 3) added."""
    result = neutral.copy()
    flat = result.reshape(-1)
    for e in range(basis.shape[0]):
        if expression[e] == 0.0:
            continue
        row, amount = basis[e].reshape(-1), basis.dtype.type(expression[e])
        for i in range(flat.shape[0]):
            flat[i] += amount * row[i]
    return result


@njit(cache=True, nogil=True)
def _turn(shaped: Array, skin: Array, joints: Array, rotations: Array) -> None:
    """Turn vertices (V, 3) with their joints, in place; skin (V, 5) with the skull's weight."""
    lever = np.empty(3)
    for v in range(shaped.shape[0]):
        x, y, z = shaped[v, 0], shaped[v, 1], shaped[v, 2]
        for j in range(4):
            weight = skin[v, 1 + j]
            if weight == 0.0:
                continue
            lever[0], lever[1], lever[2] = x - joints[j, 0], y - joints[j, 1], z - joints[j, 2]
            for r in range(3):
                turned = -lever[r]
                for c in range(3):
                    turned += rotations[j, r, c] * lever[c]
                shaped[v, r] += weight * turned


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
