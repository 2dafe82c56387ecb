"""Points on a triangle mesh: the nearest ones, and barycentric coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from engine.types import Array

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """N points, each a weighted sum of a triangle's corners.

    triangles  (N, 3) vertices
    weights    (N, 3) at least 0, rows sum to 1
    """

    triangles: Indices
    weights: Array

    def at(self, vertices: Array) -> Array:
        """Return the points (N, 3) on a mesh of the same topology with vertices (V, 3)."""
        return np.einsum("nk,nkc->nc", self.weights, vertices[self.triangles])


def nearest_on_triangle(points: Array, corners: Array) -> Array:
    """Return barycentric coordinates (N, 3) of the points of triangles (N, 3, 3) nearest (N, 3).

    Source: Ericson, Real-Time Collision Detection (2004), section 5.1.5: the plane's point where it
    lies inside, else the best of the three edges.
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    inside = np.linalg.norm(np.cross(b - a, c - a), axis=1)[:, None] ** 2 + 1e-30
    normal = np.cross(b - a, c - a)
    v = (np.cross(points - a, c - a) * normal).sum(1, keepdims=True) / inside
    w = (np.cross(b - a, points - a) * normal).sum(1, keepdims=True) / inside
    candidates = [np.concatenate([1 - v - w, v, w], 1)]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        along = corners[:, j] - corners[:, i]
        t = ((points - corners[:, i]) * along).sum(1) / ((along**2).sum(1) + 1e-30)
        weights = np.zeros((len(points), 3))
        weights[:, j] = np.clip(t, 0.0, 1.0)
        weights[:, i] = 1.0 - weights[:, j]
        candidates.append(weights)
    every = np.stack(candidates)  # (4, N, 3)
    distance = np.linalg.norm(np.einsum("mnk,nkc->mnc", every, corners) - points, axis=2)
    distance[0, (candidates[0] < 0).any(1)] = np.inf
    return every[distance.argmin(0), np.arange(len(points))]


def nearest(points: Array, vertices: Array, triangles: Indices, tried: int = 40) -> SurfacePoints:
    """Return the surface points nearest to `points` (N, 3).

    tried  triangles looked at, by the distance of their centres: enough on meshes without slivers
    """
    tried = min(tried, len(triangles))
    centres = vertices[triangles].mean(1)
    _, close = KDTree(centres).query(points, k=tried)
    close = np.asarray(close).reshape(len(points), tried)
    flat = triangles[close.ravel()]
    weights = nearest_on_triangle(np.repeat(points, tried, 0), vertices[flat])
    found = np.einsum("nk,nkc->nc", weights, vertices[flat])
    distance = np.linalg.norm(found - np.repeat(points, tried, 0), axis=1).reshape(-1, tried)
    best = np.arange(len(points)) * tried + distance.argmin(1)
    return SurfacePoints(flat[best], weights[best])


def nearest_on_line(points: Array, vertices: Array, chain: Indices) -> SurfacePoints:
    """Return the points of the open polyline `chain` (M,) nearest to `points` (N, 3).

    The third corner of each result is the first one again, with weight 0.
    """
    start, end = vertices[chain[:-1]], vertices[chain[1:]]
    along = end - start
    t = ((points[:, None] - start) * along).sum(2) / ((along**2).sum(1) + 1e-30)
    t = np.clip(t, 0.0, 1.0)
    distance = np.linalg.norm(start + t[..., None] * along - points[:, None], axis=2)
    best = distance.argmin(1)
    t = t[np.arange(len(points)), best]
    corners = np.stack([chain[best], chain[best + 1], chain[best]], 1)
    return SurfacePoints(corners, np.stack([1 - t, t, 0 * t], 1))


def at_fractions(vertices: Array, chain: Indices, fractions: Array) -> SurfacePoints:
    """Return points of the open polyline `chain` at shares (N,) in [0, 1] of its length."""
    lengths = np.linalg.norm(np.diff(vertices[chain], axis=0), axis=1)
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.clip(fractions, 0.0, 1.0) * reached[-1]
    segment = np.clip(np.searchsorted(reached, wanted, side="right") - 1, 0, len(lengths) - 1)
    t = (wanted - reached[segment]) / lengths[segment]
    corners = np.stack([chain[segment], chain[segment + 1], chain[segment]], 1)
    return SurfacePoints(corners, np.stack([1 - t, t, 0 * t], 1))
