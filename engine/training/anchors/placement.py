"""First placement of the landmarks: loops by hand, everything else by a smooth warp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import KDTree

from engine.fit.heads.open_head import OpenHead
from engine.training.anchors import correspondences as c
from engine.training.anchors.surface import (
    Indices,
    SurfacePoints,
    at_fractions,
    nearest,
    nearest_on_line,
)
from engine.types import Array

IRIS_RADIUS = 0.0059  # metres; human irises differ by only 0.3 mm


@dataclass(frozen=True, eq=False)
class Rails:
    """Polylines on the head that landmarks must not leave.

    lines    name -> (landmarks along it, vertex chain (M,))
    surface  (F, 3) the skin's triangles that all other mesh points may lie on
    """

    lines: tuple[tuple[Indices, Indices], ...]
    surface: Indices


def mirrored_vertices(head: OpenHead) -> Indices:
    """Return for every vertex (V,) the one nearest to its mirror image."""
    neutral = head.neutral.astype(np.float64)
    return np.asarray(KDTree(neutral).query(neutral * [-1, 1, 1])[1], dtype=np.int64)


def _locals(head: OpenHead, loop: tuple[int, ...]) -> Indices:
    position = {int(v): i for i, v in enumerate(head.source_vertex)}
    return np.array([position[v] for v in loop], dtype=np.int64)


def _arcs(vertices: Array, loop: Indices) -> tuple[Indices, Indices]:
    """Split a closed loop at its extreme x into (upper, lower) chains from large to small x."""
    start, end = (int(f(vertices[loop, 0])) for f in (np.argmax, np.argmin))
    turned = np.roll(loop, -start)
    end = (end - start) % len(loop)
    one, other = turned[: end + 1], np.roll(turned[::-1], 1)[: len(loop) - end + 1]
    upper_first = vertices[one, 1].mean() < vertices[other, 1].mean()
    return (one, other) if upper_first else (other, one)


def rails(head: OpenHead) -> Rails:
    """Find the lines of lids and lips, and the surface of the face."""
    neutral, mirror = head.neutral.astype(np.float64), mirrored_vertices(head)
    lash, edge = _locals(head, c.LASH_LOOP), _locals(head, c.LID_EDGE_LOOP)
    lip = _locals(head, c.LIP_CONTACT_LOOP)
    lines: list[tuple[Indices, Indices]] = []
    for upper, lower, lash_loop, edge_loop, way in (
        (c.LEFT_UPPER_LID, c.LEFT_LOWER_LID, lash, edge, 1),
        (c.RIGHT_UPPER_LID, c.RIGHT_LOWER_LID, mirror[lash], mirror[edge], -1),
    ):
        lines.append((np.array(upper), _arcs(neutral, lash_loop)[0][::way]))
        lines.append((np.array(lower), _arcs(neutral, edge_loop)[1][::way]))
    upper, lower = _arcs(neutral, lip)
    lines.append((np.array(c.UPPER_LIP_CONTACT), upper[::-1]))
    lines.append((np.array(c.LOWER_LIP_CONTACT), lower[::-1]))
    outside = head.in_regions("face", "eyes", "nose", "mouth", "ears", "scalp", "neck")
    inside = np.concatenate([edge, mirror[edge]])
    kept = outside[head.triangles].all(1) & ~np.isin(head.triangles, inside).any(1)
    return Rails(tuple(lines), head.triangles[kept].astype(np.int64))


def mean_face(landmarks: Array, mirror: NDArray[np.integer]) -> Array:
    """Return the symmetric mean (478, 3) of landmarks (N, 478, 3), aligned by similarities.

    Source: generalised Procrustes analysis, Gower 1975.
    """
    shapes = landmarks - landmarks.mean(1, keepdims=True)
    shapes = shapes / np.linalg.norm(shapes, axis=(1, 2), keepdims=True)
    mean = shapes[0]
    for _ in range(5):
        u, _, vt = np.linalg.svd(np.einsum("nlc,ld->ncd", shapes, mean))
        sign = np.sign(np.linalg.det(u @ vt))
        u[:, :, 2] *= sign[:, None]
        mean = np.einsum("nlc,ncd->ld", shapes, u @ vt) / len(shapes)
        mean = (mean + mean[mirror] * [-1, 1, 1]) / 2
        mean /= np.linalg.norm(mean)
    return mean


def _fractions(points: Array) -> Array:
    """Return the share of the way (N,) at which each point of a chain of landmarks lies."""
    steps = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()


def _on_lines(head: OpenHead, mean: Array, lines: Rails) -> dict[int, tuple[Indices, Array]]:
    """Place lids and lips, inner and border, by their share of the way from corner to corner."""
    neutral, border = head.neutral.astype(np.float64), _locals(head, c.LIP_BORDER_LOOP)
    upper, lower = _arcs(neutral, border)
    chains = [*lines.lines, (np.array(c.UPPER_LIP_BORDER), upper[::-1]),
              (np.array(c.LOWER_LIP_BORDER), lower[::-1])]  # fmt: skip
    placed: dict[int, tuple[Indices, Array]] = {}
    corners: Indices = chains[0][0]
    for landmarks, chain in chains:
        whole = landmarks[0] in (263, 33, 78, 61)
        corners = landmarks[[0, -1]] if whole else corners
        along = landmarks if whole else np.array([corners[0], *landmarks, corners[1]])
        found = at_fractions(neutral, chain, _fractions(mean[along]))
        for i, landmark in enumerate(along):
            if landmark in landmarks:
                placed[int(landmark)] = (found.triangles[i], found.weights[i])
    return placed


def place(head: OpenHead, mean: Array, lines: Rails) -> SurfacePoints:
    """Place all 478 landmarks on the neutral head.

    mean  (478, 3) the teacher's mean face, any scale
    """
    neutral = head.neutral.astype(np.float64)
    placed = _on_lines(head, mean, lines)
    fixed = np.array(sorted(placed))
    targets = SurfacePoints(
        np.array([placed[i][0] for i in fixed]), np.array([placed[i][1] for i in fixed])
    ).at(neutral)
    middle = head.in_regions("face", "nose", "mouth") & (np.abs(neutral[:, 0]) < 0.004)
    nose = neutral[middle][neutral[middle, 2].argmin()]
    below = middle & (neutral[:, 1] > 0.085)
    chin = neutral[below][(neutral[below, 1] - neutral[below, 2]).argmax()]
    keys = np.concatenate([fixed, [c.NOSE_TIP, c.CHIN]])
    goals = np.concatenate([targets, [nose, chin]])
    scale = np.ptp(goals[:, 0]) / np.ptp(mean[keys, 0])
    warp = RBFInterpolator(mean[keys] * scale, goals, smoothing=1e-5, degree=1)
    points = nearest(warp(mean * scale), neutral, lines.surface)
    for landmark, (corners, weights) in placed.items():
        points.triangles[landmark], points.weights[landmark] = corners, weights
    return with_irises(head, points, IRIS_RADIUS)


def with_irises(head: OpenHead, points: SurfacePoints, radius: float) -> SurfacePoints:
    """Return `points` with the ten iris landmarks on the eyeballs' fronts.

    radius  of the iris, metres
    """
    neutral = head.neutral.astype(np.float64)
    triangles, weights = points.triangles.copy(), points.weights.copy()
    for eye, landmarks in (("left", c.LEFT_IRIS), ("right", c.RIGHT_IRIS)):
        inside = head.in_regions(f"eyeball_{eye}")
        faces = head.triangles[inside[head.triangles].all(1)].astype(np.int64)
        centre = head.joint_neutral[2 if eye == "left" else 3].astype(np.float64)
        ball = np.linalg.norm(neutral[inside] - centre, axis=1).max()
        across = radius * np.array([[0, 0], [1, 0], [0, -1], [-1, 0], [0, 1.0]])
        depth = -np.sqrt(ball**2 - (across**2).sum(1, keepdims=True))
        found = nearest(centre + np.concatenate([across, depth], 1), neutral, faces)
        triangles[list(landmarks)], weights[list(landmarks)] = found.triangles, found.weights
    return SurfacePoints(triangles, weights)


def snapped(points: Array, head: OpenHead, lines: Rails, before: SurfacePoints) -> SurfacePoints:
    """Put moved landmarks (478, 3) back onto their lines and onto the surface; irises stay."""
    neutral = head.neutral.astype(np.float64)
    result = nearest(points, neutral, lines.surface)
    for landmarks, chain in lines.lines:
        found = nearest_on_line(points[landmarks], neutral, chain)
        result.triangles[landmarks], result.weights[landmarks] = found.triangles, found.weights
    irises = list(c.RIGHT_IRIS + c.LEFT_IRIS)
    result.triangles[irises], result.weights[irises] = (
        before.triangles[irises],
        before.weights[irises],
    )
    return result
