"""Lays the open head onto the ICT neutral face: a warp by landmarks, then closest points.

Source of the second step: Amberg, Romdhani, Vetter, Optimal Step Nonrigid ICP Algorithms for
Surface Registration, 2007; here with displacements kept smooth by a graph Laplacian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.sparse.linalg import splu

from engine.fit.heads.open_head import OpenHead
from engine.training.anchors.surface import SurfacePoints, nearest
from engine.training.ict.correspondence import POINTS, ear_pairs, landmark_pairs, loop_targets
from engine.training.ict.source import IctFace
from engine.training.render.shape import NormalMap
from engine.types import Array

MATCHED_REGIONS = ("face", "eyes", "nose", "mouth", "scalp", "neck")  # folds of ears mislead
FRONT_REGIONS = ("face", "eyes", "nose", "mouth")
STIFFNESS = (30.0, 15.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.12, 0.06)  # of the Laplacian, in turn
FARTHEST_M, ALIKE = 0.02, 0.6  # closest points count if near and if their normals agree
LOOP_WEIGHT = 30.0
SNAP_M = 0.0025  # in the end, matched vertices nearer than this are put onto the surface


@dataclass(frozen=True, eq=False)
class Registration:
    """The open head with the ICT neutral face's shape. V vertices.

    vertices (V, 3) metres; matched (V,) lie on ICT's skin at `places`, whose other rows mean
    nothing
    """

    vertices: Array
    matched: NDArray[np.bool_]
    places: SurfacePoints
    warp: RBFInterpolator  # head space of the open head -> of ICT, smooth
    left_over: Array  # (V,) metres between the smooth solution and ICT's surface


def laplacian(triangles: NDArray[np.integer], count: int) -> sp.csr_matrix:
    """Return the random-walk graph Laplacian (count, count): vertex less its neighbours' mean."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    graph = sp.coo_matrix((np.ones(len(pairs)), pairs.T), shape=(count, count))
    graph = graph + graph.T
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1)
    return (sp.identity(count) - sp.diags(1.0 / degree) @ graph).tocsr()


def register(head: OpenHead, ict: IctFace) -> Registration:
    """Lay the open head onto ICT's neutral face."""
    neutral = head.neutral.astype(float)
    loops, places = loop_targets(head, ict)
    goals = places.at(ict.neutral)
    our_marks, their_marks = landmark_pairs(head, ict, POINTS)
    our_ears, their_ears = ear_pairs(head, ict)
    warp = RBFInterpolator(
        np.concatenate([neutral[loops], our_marks, our_ears]),
        np.concatenate([goals, their_marks, their_ears]),
        kernel="thin_plate_spline",
        smoothing=1e-6,
    )
    surface = ict.triangles_of("M_Face", "M_BackHead")
    normal_at = NormalMap(surface.astype(np.int32), len(ict.neutral))(ict.neutral)
    our_normals = NormalMap(head.triangles, len(neutral))
    candidates = head.in_regions(*MATCHED_REGIONS)
    candidates[loops] = False
    smooth = laplacian(head.triangles, len(neutral))
    points = warp(neutral)
    for stiffness in STIFFNESS:
        for _ in range(2):
            found, close = _closest(points, our_normals, ict.neutral, surface, normal_at)
            targets = found.at(ict.neutral)
            weight = (candidates & close).astype(float)
            weight[loops], targets[loops] = LOOP_WEIGHT, goals
            points = points + _smoothed(smooth, weight, targets - points, stiffness)
    found, close = _closest(points, our_normals, ict.neutral, surface, normal_at)
    targets = found.at(ict.neutral)
    left_over = np.linalg.norm(targets - points, axis=1)
    matched = candidates & close & (left_over < SNAP_M)
    points[matched] = targets[matched]
    points[loops], matched[loops] = goals, True
    found.triangles[loops], found.weights[loops] = places.triangles, places.weights
    return Registration(points, matched, found, warp, left_over)


def _closest(
    points: Array,
    our_normals: NormalMap,
    theirs: Array,
    surface: NDArray[np.int64],
    normal_at: Array,
) -> tuple[SurfacePoints, NDArray[np.bool_]]:
    """Return the closest surface points, and where they are near and face the same way."""
    found = nearest(points, theirs, surface, tried=16)
    normals = np.einsum("nk,nkc->nc", found.weights, normal_at[found.triangles])
    near = np.linalg.norm(found.at(theirs) - points, axis=1) < FARTHEST_M
    return found, near & ((normals * our_normals(points)).sum(axis=1) > ALIKE)


def _smoothed(smooth: sp.csr_matrix, weight: Array, wanted: Array, stiffness: float) -> Array:
    """Return displacements (V, 3): near `wanted` where weighted, and smooth over the mesh."""
    system = sp.diags(weight + 1e-6) + stiffness * (smooth.T @ smooth)
    return splu(system.tocsc()).solve(weight[:, None] * wanted)
