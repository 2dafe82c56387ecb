"""What the identity basis cannot say of a face: a smooth, small, static offset of every vertex.

The offset is a Gaussian process over the mean head: neighbours move together, features of some
centimetres are free. Its largest modes are a basis like that of identity, so that the same
keyframes determine both.
Source: method.md section 4, E_deform; Luethi et al. 2018, Gaussian process morphable models.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import HeadModel
from engine.types import Array

FACE = ("face", "eyes", "nose", "mouth")
_NODES = 150


def smooth_offsets(head: HeadModel, modes: int, width_m: float, sigma_m: float) -> Array:
    """Return a basis (3 x modes, V, 3) in metres per unit coefficient, the smoothest modes first.

    width_m  distance over which offsets are alike (the standard deviation of the kernel)
    sigma_m  of the offset of a vertex of the face in x, y or z, if coefficients are N(0, 1)
    """
    nodes = _spread_out(head.neutral[_on_face(head)].astype(np.float64), _NODES)
    values, vectors = np.linalg.eigh(_kernel(nodes, nodes, width_m))
    largest = np.argsort(values)[::-1][:modes]
    # Nystroem's extension of the eigenvectors to all vertices.
    waves = _kernel(head.neutral.astype(np.float64), nodes, width_m) @ vectors[:, largest]
    waves = sigma_m * waves / np.sqrt(np.maximum(values[largest], 1e-12))
    basis = np.einsum("vm,ac->mavc", waves, np.eye(3))
    return basis.reshape(3 * modes, len(head.neutral), 3).astype(np.float32)


def _on_face(head: HeadModel) -> NDArray[np.bool_]:
    return np.isin(head.region, [head.region_names.index(name) for name in FACE])


def _spread_out(points: Array, count: int) -> Array:
    """Return `count` of the points, each as far from the others as can be."""
    chosen = [int(np.argmin(points[:, 2]))]
    gap = np.full(len(points), np.inf)
    for _ in range(count - 1):
        gap = np.minimum(gap, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(gap)))
    return points[chosen]


def _kernel(a: Array, b: Array, width_m: float) -> Array:
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    return np.exp(-0.5 * squared / width_m**2)
