"""Which points of the open head and of the ICT face belong together, by meaning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from engine.fit.heads.open_head import OpenHead
from engine.training.anchors import correspondences as c
from engine.training.anchors.surface import SurfacePoints, at_fractions
from engine.training.ict.source import EYE_LANDMARKS, LIP_BORDER, LIP_CONTACT, IctFace
from engine.types import Array

Indices = NDArray[np.int64]

# Multi-PIE's 68 against MediaPipe's 478, where both mean a place and not a silhouette.
POINTS = {8: 152, 19: 105, 24: 334, 21: 107, 22: 336, 30: 4, 33: 2, 31: 98, 35: 327}
# Others of the same kind, which the registration does not use: they tell how good it is.
CHECKS = {17: 70, 18: 63, 20: 66, 23: 296, 25: 293, 26: 300, 28: 197, 29: 5, 32: 97, 34: 326,
          37: 160, 38: 158, 40: 153, 41: 144, 43: 385, 44: 387, 46: 373, 47: 380, 49: 39, 50: 37,
          51: 0, 52: 267, 53: 269, 55: 405, 56: 314, 57: 17, 58: 84, 59: 181}  # fmt: skip
EAR_FROM_M, THEIR_EAR_FROM_M = 0.079, 0.0805  # farther from the middle there are only ears


def arcs(points: Array, loop: Indices) -> tuple[Indices, Indices]:
    """Split a closed loop at its extreme x into (upper, lower) chains from small to large x."""
    left, right = int(points[loop, 0].argmin()), int(points[loop, 0].argmax())
    turned = np.roll(loop, -left)
    right = (right - left) % len(loop)
    one, other = turned[: right + 1], np.roll(turned[::-1], 1)[: len(loop) - right + 1]
    return (one, other) if points[one, 1].mean() < points[other, 1].mean() else (other, one)


def _loops(head: OpenHead, ict: IctFace) -> list[tuple[Indices, Indices]]:
    """Pair closed loops of the open head with those of ICT: lids and lips."""
    place = {int(v): i for i, v in enumerate(head.source_vertex)}
    pairs: list[tuple[Indices, Indices]] = []
    for side, ours in zip(("left", "right"), lash_loops(head), strict=True):
        pairs.append((ours, ict.loop(EYE_LANDMARKS[side])))
    for ours, theirs in ((c.LIP_CONTACT_LOOP, LIP_CONTACT), (c.LIP_BORDER_LOOP, LIP_BORDER)):
        pairs.append((np.array([place[v] for v in ours]), ict.loop(theirs)))
    return pairs


def lash_loops(head: OpenHead) -> tuple[Indices, Indices]:
    """Return the open head's vertices from which the lashes of the left and right eye grow."""
    place = {int(v): i for i, v in enumerate(head.source_vertex)}
    left = np.array([place[v] for v in c.LASH_LOOP])
    twin = np.asarray(KDTree(head.neutral).query(head.neutral * [-1, 1, 1])[1], np.int64)
    return left, twin[left]


def loop_targets(head: OpenHead, ict: IctFace) -> tuple[Indices, SurfacePoints]:
    """Return vertices (N,) of the open head's loops and where on ICT's loops they belong.

    Along each arc from corner to corner, by the share of its length.
    """
    ours: list[Indices] = []
    triangles: list[Indices] = []
    weights: list[Array] = []
    neutral = head.neutral.astype(float)
    for our_loop, their_loop in _loops(head, ict):
        for chain, goal in zip(arcs(neutral, our_loop), arcs(ict.neutral, their_loop), strict=True):
            steps = np.linalg.norm(np.diff(neutral[chain], axis=0), axis=1)
            reached = np.concatenate([[0.0], np.cumsum(steps)])
            found = at_fractions(ict.neutral, goal, reached / reached[-1])
            ours.append(chain)
            triangles.append(found.triangles)
            weights.append(found.weights)
    vertices, first = np.unique(np.concatenate(ours), return_index=True)
    places = SurfacePoints(np.concatenate(triangles)[first], np.concatenate(weights)[first])
    return vertices, places


def landmark_pairs(
    head: OpenHead, ict: IctFace, numbers: dict[int, int], vertices: Array | None = None
) -> tuple[Array, Array]:
    """Return landmarks of the open head, or of other vertices (V, 3), and of ICT, (N, 3) each."""
    ours = list(numbers.values())
    points = head.neutral.astype(float) if vertices is None else vertices
    at = np.einsum("nk,nkc->nc", head.landmark_weights[ours], points[head.landmark_triangles[ours]])
    return at, ict.neutral[ict.landmarks[list(numbers)]]


def ear_pairs(head: OpenHead, ict: IctFace) -> tuple[Array, Array]:
    """Return the uppermost, lowest and rearmost points of both ears, (6, 3) each."""
    ours, theirs = head.neutral.astype(float), ict.neutral[ict.vertices_of("M_Face")]
    pairs: list[tuple[Array, Array]] = []
    for side in (1.0, -1.0):
        mine = ours[head.in_regions("ears") & (side * ours[:, 0] > EAR_FROM_M)]
        other = theirs[side * theirs[:, 0] > THEIR_EAR_FROM_M]
        for axis, sign in ((1, -1.0), (1, 1.0), (2, 1.0)):
            pairs.append(
                (mine[(sign * mine[:, axis]).argmax()], other[(sign * other[:, axis]).argmax()])
            )
    mine, other = zip(*pairs, strict=True)
    return np.array(mine), np.array(other)
