"""What a map of a given side can say at best: the floor of reading vertices back from it.

The map that a network is free to draw is the one whose bilinear read-out is nearest the truth, in
the sense of least squares over the visible surface; nothing trained on this layout can do better.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from engine.training.head_build.source import Array, Indices

SMOOTHNESS = 1e-4  # weight of the map's second differences against one read-out


def bilinear_matrix(uv: Array, side: int) -> sp.csr_matrix:
    """Return the read-out (N, side*side) at uv (N, 2); texel centres at (i + 0.5) / side."""
    at = np.clip(uv * side - 0.5, 0.0, side - 1.0 - 1e-9)
    low = np.floor(at).astype(np.int64)
    part = at - low
    rows = np.repeat(np.arange(len(uv)), 4)
    corner = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    texel = low[:, None] + corner
    weight = np.where(corner, part[:, None], 1.0 - part[:, None]).prod(axis=2)
    columns = texel[:, :, 1] * side + texel[:, :, 0]
    return sp.csr_matrix((weight.ravel(), (rows, columns.ravel())), shape=(len(uv), side * side))


def _second_differences(side: int) -> sp.csr_matrix:
    line = sp.csr_matrix(np.diff(np.eye(side), n=2, axis=0))
    unit = sp.identity(side)
    return sp.csr_matrix(sp.vstack([sp.kron(unit, line), sp.kron(line, unit)]))


def best_map(uv: Array, points_px: Array, side: int) -> Array:
    """Return the map (side*side, 2) whose bilinear read-out at uv is nearest points_px (N, 2)."""
    read, bend = bilinear_matrix(uv, side), _second_differences(side)
    normal = read.T @ read + SMOOTHNESS * (bend.T @ bend) + 1e-9 * sp.identity(side * side)
    return spl.splu(normal.tocsc()).solve(read.T @ points_px)


def visible_triangles(points: Array, triangles: Indices, view: Array) -> np.ndarray:
    """Tell (F,) which triangles turn their outside to a camera looking along `view` (3,)."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    return np.cross(b - a, c - a) @ view < 0.0


def floor_px(uv: Array, points_px: Array, triangles: Indices, side: int) -> tuple[Indices, Array]:
    """Return the vertices of `triangles` and their read-out errors, px, from the best map.

    Vertices, edge middles and centres are fitted, so that a fine map cannot hide between vertices.
    """
    corners = triangles[:, [0, 1, 2]]
    mixes = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0), (0, 0.5, 0.5), (0.5, 0, 0.5)]
    weights = np.array([*mixes, (1 / 3, 1 / 3, 1 / 3)])
    sampled_uv = np.einsum("mk,fkd->fmd", weights, uv[corners]).reshape(-1, 2)
    sampled_px = np.einsum("mk,fkd->fmd", weights, points_px[corners]).reshape(-1, 2)
    texels = best_map(sampled_uv, sampled_px, side)
    used = np.unique(triangles)
    error = np.linalg.norm(bilinear_matrix(uv[used], side) @ texels - points_px[used], axis=1)
    return used, error
