"""Moves the anchors until the fitted head agrees with the labelled portraits on average."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads.open_head import OpenHead
from engine.training.anchors.placement import Rails, snapped
from engine.training.anchors.surface import SurfacePoints
from engine.training.portraits.fit import Labels, PortraitFit, fit_all
from engine.types import Array

LARGEST_STEP = 0.004  # metres a round
STIFFNESS = 0.15  # of a displacement, against the mean weight of one portrait


def with_anchors(head: OpenHead, anchors: SurfacePoints) -> OpenHead:
    """Return the head with other landmark anchors."""
    return replace(
        head,
        landmark_triangles=anchors.triangles.astype(np.int32),
        landmark_weights=anchors.weights.astype(np.float32),
    )


def tangents(head: OpenHead, anchors: SurfacePoints) -> Array:
    """Return two unit tangents (478, 2, 3) of the neutral surface at every anchor."""
    neutral = head.neutral.astype(np.float64)
    first, second = head.triangles[:, 1], head.triangles[:, 2]
    origin = neutral[head.triangles[:, 0]]
    face = np.cross(neutral[first] - origin, neutral[second] - origin)
    normals = np.zeros_like(neutral)
    for corner in range(3):
        np.add.at(normals, head.triangles[:, corner], face)
    normal = np.einsum("lk,lkc->lc", anchors.weights, normals[anchors.triangles])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    across = np.cross(normal, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.stack([across, np.cross(normal, across)], 1)


def displacements(labels: Labels, fit: PortraitFit, frames: Array) -> Array:
    """Return the tangential move (478, 3) in metres that best explains the residuals.

    frames  (478, 2, 3) tangents in head space

    Least squares over the portraits, weighted by spread, robust, and biased to no move, so that an
    anchor that is only seen edge-on keeps still.
    """
    state = fit.state
    focal = np.exp(state.log_focal)
    residual = labels.landmarks_px - fit.points_px  # (N, L, 2)
    scale = (focal / state.translation[:, 2])[:, None, None]  # px per metre
    rotated = np.einsum("ncd,lkd->nlkc", state.rotation, frames)
    slopes = rotated[..., :2] * scale[..., None]  # (N, L, 2 tangents, 2 pixels)
    normal = np.cross(rotated[:, :, 0], rotated[:, :, 1])
    facing = np.clip(np.abs(normal[..., 2]), 0.05, 1.0)
    deviation = np.hypot(1.0, labels.spread_px)
    robust = 1 / (1 + (residual**2).sum(2) / (3 * deviation) ** 2)
    weight = facing * robust / deviation**2
    matrix = np.einsum("nl,nlip,nljp->lij", weight, slopes, slopes)
    right = np.einsum("nl,nlip,nlp->li", weight, slopes, residual)
    stiff = STIFFNESS * len(residual) * np.median(scale) ** 2 * np.median(weight)
    moved = np.linalg.solve(matrix + stiff * np.eye(2), right[..., None])[..., 0]
    return np.einsum("li,lic->lc", moved, frames)


def refine(
    head: OpenHead,
    anchors: SurfacePoints,
    lines: Rails,
    labels: Labels,
    mirror: NDArray[np.integer],
    rounds: int,
) -> tuple[SurfacePoints, list[float]]:
    """Alternate between fitting the portraits and moving the anchors.

    mirror   (478,) permutation of the landmarks under a left-right flip
    returns  the anchors and, by round, the mean error of the fits (share of the box side)
    """
    neutral, errors = head.neutral.astype(np.float64), list[float]()
    for _ in range(rounds):
        fit = fit_all(with_anchors(head, anchors), labels)
        errors.append(float(fit.error.mean()))
        move = displacements(labels, fit, tangents(head, anchors))
        move = (move + move[mirror] * [-1, 1, 1]) / 2
        length = np.linalg.norm(move, axis=1, keepdims=True)
        move *= np.minimum(1.0, LARGEST_STEP / np.maximum(length, 1e-9))
        points = anchors.at(neutral) + move
        points = (points + points[mirror] * [-1, 1, 1]) / 2
        anchors = snapped(points, head, lines, anchors)
    return anchors, errors
