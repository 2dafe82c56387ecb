"""What is minimised: where the fitted vertices project, against where the network sees them.

The loops are compiled; the rows they write are already weighted, so that the normal equations are
one matrix product. Columns of the Jacobian, in order: pose (6: rotation about the head's origin in
camera axes, then shift), gaze (4: left yaw, pitch, right yaw, pitch), neck (3), expression (E).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.types import Array

ROTATION, SHIFT = slice(0, 3), slice(3, 6)
POSE, GAZE, NECK = slice(0, 6), slice(6, 10), slice(10, 13)
EXPRESSION_START = 13
NEAREST_DEPTH_M = 0.02  # a vertex nearer than this is behind or in the lens: no residual


class Person(NamedTuple):
    """The fitted vertices of one identity."""

    neutral: Array  # (N, 3) float32, metres
    normals: Array  # (N, 3) outward, unit
    joints: Array  # (4, 3) metres


class View(NamedTuple):
    """One state as the loops want it."""

    shaped: Array  # (N, 3) metres, the person with this expression before the joints turn
    rotations: Array  # (4, 3, 3) of the joints
    derivatives: Array  # (8, 3, 3), the last for jawOpen
    camera_from_head: Array  # (4, 4)
    intrinsics: Array  # (3, 3)
    jaw_open: int  # index of jawOpen among the expression coefficients


class Gaps(NamedTuple):
    """How far apart the network sees the rims of left lids, right lids and lips."""

    vector_px: Array  # (3, 2) from the upper to the lower rim, mean of the middle pairs
    sigma_px: Array  # (3,) of that, if both rims erred independently; inf where nothing is seen


NO_GAPS = Gaps(np.zeros((3, 2)), np.full(3, np.inf))


class Measurement(NamedTuple):
    """What the network says of the fitted vertices, in pixels."""

    points: Array  # (N, 2)
    sigma: Array  # (N,) floored
    information: Array  # (N,) what a vertex counts beside 1 / sigma^2
    gaps: Gaps = NO_GAPS  # for contact.py


class Carried(NamedTuple):
    """Where the fitted vertices should be if they moved with the picture, in pixels."""

    points: Array  # (N, 2)
    sigma: Array  # (N,)
    information: Array  # (N,) what a vertex counts beside 1 / sigma^2; 0 where nothing is known
    refuted: float = 1.0  # share of the flow that the alignment denies; 1 where nothing is known


class Robust(NamedTuple):
    """How far a residual is believed; see FitSettings."""

    student_dof: float
    facing_zero: float
    facing_full: float
    hidden_share: float
    motion_dof: float


class Rows(NamedTuple):
    """What the loops write; allocated once."""

    jacobian: Array  # (2N, 13 + E) float32, weighted
    residual: Array  # (2N,) float32, weighted
    projected: Array  # (N, 2) px
    facing: Array  # (N,) 0 averted .. 1 facing the camera
    weight: Array  # (N,) what both rows of a vertex were multiplied by
    by_place: Array  # (N,) the alignment's part of weight^2; the rest is what was carried over


def rows_for(vertex_count: int, expression_count: int) -> Rows:
    """Allocate the rows for N vertices and E coefficients."""
    return Rows(
        jacobian=np.zeros((2 * vertex_count, EXPRESSION_START + expression_count), np.float32),
        residual=np.zeros(2 * vertex_count, np.float32),
        projected=np.zeros((vertex_count, 2)),
        facing=np.zeros(vertex_count),
        weight=np.zeros(vertex_count),
        by_place=np.zeros(vertex_count),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def linearise(
    basis: Array,
    skin: Array,
    person: Person,
    view: View,
    measurement: Measurement,
    motion: Carried,
    robust: Robust,
    rows: Rows,
) -> None:
    """Fill `rows` at a state.

    basis  (N, 3, E) float32 expression basis; skin (N, 4) float32

    A row is weighted by the square root of facing x information / sigma^2 x the Student-t weight.
    Source: Lange et al. 1989, Robust statistical modeling using the t distribution (two
    dimensions: (dof + 2) / (dof + squared distance)).
    """
    posed = np.empty(3)
    blend = np.empty((3, 3))
    to_image = np.empty((2, 3))
    target = np.empty(2)
    for i in range(basis.shape[0]):
        shaped = view.shaped[i]
        _skin(skin, i, shaped, person.joints, view.rotations, blend, posed)
        depth = _project(i, posed, view, to_image, rows.projected)
        rows.facing[i] = _facing(i, blend, posed, person.normals, view, robust)
        weight = _weight(i, depth, measurement, motion, robust, rows, target)
        rows.weight[i] = weight
        for axis in range(2):
            rows.residual[2 * i + axis] = weight * (rows.projected[i, axis] - target[axis])
            _pose_columns(2 * i + axis, axis, weight, posed, view, to_image, rows.jacobian)
        _shape_columns(i, weight, basis, blend, view, to_image, rows.jacobian)
        _joint_columns(i, weight, skin, shaped, person.joints, view, to_image, rows.jacobian)


@njit(inline="always")
def _skin(
    skin: Array,
    i: int,
    shaped: Array,
    joints: Array,
    rotations: Array,
    blend: Array,
    posed: Array,
) -> None:
    for r in range(3):
        posed[r] = shaped[r]
        for c in range(3):
            blend[r, c] = 1.0 if r == c else 0.0
    for j in range(4):
        w = float(skin[i, j])
        if w == 0.0:
            continue
        for r in range(3):
            for c in range(3):
                turn = w * (rotations[j, r, c] - (1.0 if r == c else 0.0))
                blend[r, c] += turn
                posed[r] += turn * (shaped[c] - joints[j, c])


@njit(inline="always")
def _project(i: int, posed: Array, view: View, to_image: Array, projected: Array) -> float:
    """Project a vertex; `to_image` becomes the derivative (2, 3) by camera-space position."""
    m, k = view.camera_from_head, view.intrinsics
    x = m[0, 0] * posed[0] + m[0, 1] * posed[1] + m[0, 2] * posed[2] + m[0, 3]
    y = m[1, 0] * posed[0] + m[1, 1] * posed[1] + m[1, 2] * posed[2] + m[1, 3]
    z = m[2, 0] * posed[0] + m[2, 1] * posed[1] + m[2, 2] * posed[2] + m[2, 3]
    depth = max(z, NEAREST_DEPTH_M)
    projected[i, 0] = k[0, 0] * x / depth + k[0, 2]
    projected[i, 1] = k[1, 1] * y / depth + k[1, 2]
    to_image[0, 0], to_image[0, 1] = k[0, 0] / depth, 0.0
    to_image[1, 0], to_image[1, 1] = 0.0, k[1, 1] / depth
    to_image[0, 2] = -k[0, 0] * x / (depth * depth)
    to_image[1, 2] = -k[1, 1] * y / (depth * depth)
    return z


@njit(inline="always")
def _facing(
    i: int, blend: Array, posed: Array, normals: Array, view: View, robust: Robust
) -> float:
    m = view.camera_from_head
    cosine, length, size = 0.0, 0.0, 0.0
    for r in range(3):
        ray, normal = m[r, 3], 0.0
        for c in range(3):
            ray += m[r, c] * posed[c]
            turned = 0.0
            for d in range(3):
                turned += blend[c, d] * normals[i, d]
            normal += m[r, c] * turned
        cosine -= ray * normal
        length += ray * ray
        size += normal * normal
    cosine /= max(np.sqrt(length * size), 1e-12)
    share = (cosine - robust.facing_zero) / (robust.facing_full - robust.facing_zero)
    return max(min(share, 1.0), 0.0)


@njit(inline="always")
def _weight(
    i: int,
    depth: float,
    measurement: Measurement,
    motion: Carried,
    robust: Robust,
    rows: Rows,
    target: Array,
) -> float:
    """Return a vertex' weight; `target` (2,) becomes the pixel that it should project to.

    Two measurements of one projection are worth their weighted mean with the sum of their weights.
    """
    rows.by_place[i] = 0.0
    if depth < NEAREST_DEPTH_M:
        return 0.0
    seen = robust.hidden_share + (1.0 - robust.hidden_share) * rows.facing[i]
    by_place, by_motion = seen * measurement.information[i], rows.facing[i] * motion.information[i]
    at = rows.projected[i]
    if by_place > 0.0:
        by_place *= _trust(at, measurement.points[i], measurement.sigma[i], robust.student_dof)
    if by_motion > 0.0:
        by_motion *= _trust(at, motion.points[i], motion.sigma[i], robust.motion_dof)
    total = by_place + by_motion
    for axis in range(2):
        both = by_place * measurement.points[i, axis] + by_motion * motion.points[i, axis]
        target[axis] = both / max(total, 1e-30)
    rows.by_place[i] = by_place
    return np.sqrt(total)


@njit(inline="always")
def _trust(at: Array, point: Array, sigma: float, dof: float) -> float:
    """Return the Student-t weight of a measured point, over its variance."""
    dx, dy, variance = at[0] - point[0], at[1] - point[1], sigma * sigma
    return (dof + 2.0) / (dof + (dx * dx + dy * dy) / variance) / variance


@njit(inline="always")
def _pose_columns(
    row: int, axis: int, weight: float, posed: Array, view: View, to_image: Array, jacobian: Array
) -> None:
    m = view.camera_from_head
    x = m[0, 0] * posed[0] + m[0, 1] * posed[1] + m[0, 2] * posed[2]
    y = m[1, 0] * posed[0] + m[1, 1] * posed[1] + m[1, 2] * posed[2]
    z = m[2, 0] * posed[0] + m[2, 1] * posed[1] + m[2, 2] * posed[2]
    gx, gy, gz = to_image[axis, 0], to_image[axis, 1], to_image[axis, 2]
    # d(w x p) . g = w . (p x g)
    jacobian[row, 0] = weight * (y * gz - z * gy)
    jacobian[row, 1] = weight * (z * gx - x * gz)
    jacobian[row, 2] = weight * (x * gy - y * gx)
    jacobian[row, 3], jacobian[row, 4], jacobian[row, 5] = weight * gx, weight * gy, weight * gz


@njit(inline="always")
def _shape_columns(
    i: int, weight: float, basis: Array, blend: Array, view: View, to_image: Array, jacobian: Array
) -> None:
    m = view.camera_from_head
    for axis in range(2):
        a, b, c = 0.0, 0.0, 0.0
        for h in range(3):
            by_head = 0.0
            for r in range(3):
                by_head += to_image[axis, r] * m[r, h]
            a += weight * by_head * blend[h, 0]
            b += weight * by_head * blend[h, 1]
            c += weight * by_head * blend[h, 2]
        # Single precision from here on: the loop is then twice as wide.
        p, q, s = np.float32(a), np.float32(b), np.float32(c)
        row = jacobian[2 * i + axis, EXPRESSION_START:]
        x, y, z = basis[i, 0], basis[i, 1], basis[i, 2]
        for k in range(row.shape[0]):
            row[k] = p * x[k] + q * y[k] + s * z[k]


@njit(inline="always")
def _joint_columns(
    i: int,
    weight: float,
    skin: Array,
    shaped: Array,
    joints: Array,
    view: View,
    to_image: Array,
    jacobian: Array,
) -> None:
    m = view.camera_from_head
    for n in range(8):
        joint = 2 if n < 2 else (3 if n < 4 else (0 if n < 7 else 1))
        w = weight * float(skin[i, joint])
        column = 6 + n if n < 7 else EXPRESSION_START + view.jaw_open
        for axis in range(2):
            row = 2 * i + axis
            if n < 7:
                jacobian[row, column] = 0.0
            if w == 0.0:
                continue
            total = 0.0
            for h in range(3):
                by_head = 0.0
                moved = 0.0
                for r in range(3):
                    by_head += to_image[axis, r] * m[r, h]
                    moved += view.derivatives[n, h, r] * (shaped[r] - joints[joint, r])
                total += by_head * moved
            jacobian[row, column] += w * total
