"""Poses the head and everything that hangs on it: shapes first, then linear blend skinning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.fit.heads import HeadModel, gaze_rotation
from engine.geometry import rigid, rotation_from_vector
from engine.types import Array


@dataclass(frozen=True, eq=False)
class Performance:
    """What a head does at one moment. K identity and E expression coefficients.

    identity (K,); expression (E,) in the head's expression_names order
    gaze (2, 2) rad, rows left and right eye, columns yaw (+ subject's left), pitch (+ down)
    neck (3,) rad, rotation vector of the neck joint
    """

    identity: Array
    expression: Array
    gaze: Array
    neck: Array


def person(head: HeadModel, performance: Performance) -> Array:
    """Return the vertices (V, 3), metres, with identity alone."""
    basis = head.identity_basis.reshape(len(performance.identity), -1)
    # a product of mixed precision would copy the whole basis
    return head.neutral + (performance.identity.astype(basis.dtype) @ basis).reshape(-1, 3)


def shaped(head: HeadModel, performance: Performance) -> Array:
    """Return the vertices (V, 3), metres, with identity and expression but no joint rotation."""
    active = np.flatnonzero(performance.expression)
    weights = performance.expression[active].astype(head.expression_basis.dtype)
    moved = np.tensordot(weights, head.expression_basis[active], axes=1)
    return person(head, performance) + moved


def joint_transforms(head: HeadModel, performance: Performance) -> Array:
    """Return (5, 4, 4): what skull (none), neck, jaw, left eye and right eye do to their vertices.

    Each joint turns about its own position, which follows identity.
    """
    joints = head.joint_neutral + np.tensordot(performance.identity, head.joint_identity, 1)
    jaw_open = float(performance.expression[head.expression_names.index("jawOpen")])
    rotations = [
        rotation_from_vector(performance.neck),
        rotation_from_vector(np.array([jaw_open * head.jaw_open_rad, 0.0, 0.0])),
        gaze_rotation(*performance.gaze[0]),
        gaze_rotation(*performance.gaze[1]),
    ]
    turned = [rigid(r, j - r @ j) for r, j in zip(rotations, joints, strict=True)]
    return np.stack([np.eye(4), *turned])


def skinned(vertices: Array, weights: Array, transforms: Array) -> Array:
    """Blend joint transforms (5, 4, 4) by weights (N, 5) and apply them to vertices (N, 3)."""
    blend = (weights @ transforms[:, :3].reshape(5, 12)).reshape(-1, 3, 4)
    return np.einsum("nij,nj->ni", blend[:, :, :3], vertices) + blend[:, :, 3]


class NormalMap:
    """Area-weighted vertex normals of a fixed set of triangles, for changing vertices."""

    def __init__(self, triangles: NDArray[np.int32], vertex_count: int) -> None:
        self._triangles = triangles
        columns = np.repeat(np.arange(len(triangles)), 3)
        ones = np.ones(len(columns), dtype=np.float32)
        self._sum = sparse.csr_matrix(
            (ones, (triangles.ravel(), columns)), shape=(vertex_count, len(triangles))
        )

    def __call__(self, vertices: Array) -> Array:
        """Return outward unit normals (N, 3) of vertices (N, 3)."""
        a, b, c = (vertices[self._triangles[:, i]] for i in range(3))
        normals = self._sum @ np.cross(b - a, c - a)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return normals / np.maximum(length, 1e-12)
