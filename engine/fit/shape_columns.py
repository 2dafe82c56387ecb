"""Derivatives of the fitted vertices by what frames share: the person's shape, the focal length."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.fit.residuals import Rows, View
from engine.types import Array


@njit(cache=True, nogil=True)
def identity_columns(
    basis: Array, joint_basis: Array, skin: Array, view: View, rows: Rows, columns: Array
) -> None:
    """Write the weighted derivatives by identity and log focal length at a linearised state.

    basis        (N, 3, K) float32, metres; joint_basis (4, 3, K)
    skin         (N, 4) float32
    rows         of the same state: its weights and projections are used
    columns      (2N, K + 1) float32, written
    """
    m, k = view.camera_from_head, view.intrinsics
    by_vertex, by_joint = np.empty(3), np.empty((4, 3))
    for i in range(basis.shape[0]):
        for axis in range(2):
            row = columns[2 * i + axis]
            focal = rows.projected[i, axis] - k[axis, 2]
            row[row.shape[0] - 1] = rows.weight[i] * focal
            # The shift columns hold weight x derivative by camera-space position.
            shift = rows.jacobian[2 * i + axis, 3:6]
            for c in range(3):
                by_vertex[c] = shift[0] * m[0, c] + shift[1] * m[1, c] + shift[2] * m[2, c]
            _through_joints(skin[i], view.rotations, by_vertex, by_joint)
            p = np.float32(by_vertex[0])
            q = np.float32(by_vertex[1])
            s = np.float32(by_vertex[2])
            x, y, z = basis[i, 0], basis[i, 1], basis[i, 2]
            for n in range(basis.shape[2]):
                row[n] = p * x[n] + q * y[n] + s * z[n]
            for j in range(4):
                if skin[i, j] != 0.0:
                    for c in range(3):
                        for n in range(basis.shape[2]):
                            row[n] += by_joint[j, c] * joint_basis[j, c, n]


@njit(cache=True)
def _through_joints(weights: Array, rotations: Array, by_vertex: Array, by_joint: Array) -> None:
    """Turn a derivative by the posed vertex into those by the unposed one and by the joints."""
    g0, g1, g2 = by_vertex[0], by_vertex[1], by_vertex[2]
    for j in range(4):
        w = float(weights[j])
        for c in range(3):
            turn = g0 * rotations[j, 0, c] + g1 * rotations[j, 1, c] + g2 * rotations[j, 2, c]
            still = g0 if c == 0 else (g1 if c == 1 else g2)
            by_joint[j, c] = w * (still - turn)
            by_vertex[c] -= by_joint[j, c]
