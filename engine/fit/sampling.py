"""Which vertices are fitted, chosen once per head model, and their arrays as the loops want."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import HeadModel
from engine.fit.noise import NoiseModel
from engine.fit.settings import FitSettings, SamplingSettings
from engine.types import Array


@dataclass(frozen=True, eq=False)
class FitVertices:
    """The fitted vertices of a head: N of its V. The person's own shape is not in here."""

    vertex: NDArray[np.int64]  # (N,) vertices of the head model
    expression: Array  # (N, 3, E) float32, metres
    identity: Array  # (N, 3, K) float32, metres
    joint_identity: Array  # (4, 3, K) float32
    skin: Array  # (N, 4) float32, weights of neck, jaw, left eye, right eye
    eyeballs: tuple[NDArray[np.intp], NDArray[np.intp]]  # rows of the left one, of the right one
    information: Array  # (N,) what a vertex counts beside 1 / sigma^2
    modes: Array  # (N, K) float32, what vertices err together, units of sigma; K = 0: not told


def fit_vertices(
    head: HeadModel, settings: FitSettings, noise: NoiseModel | None = None
) -> FitVertices:
    """Choose the fitted vertices of a head and gather what the residuals need of them."""
    index = choose_vertices(head, settings.sampling)
    distance = np.linalg.norm(head.uv[index, None] - head.uv[None, index], axis=2)
    if noise is None:
        alike = np.exp(-0.5 * (distance / settings.correlation_uv) ** 2).sum(axis=1)
        information = settings.common_share / alike
        modes = np.zeros((len(index), 0), np.float32)
    else:
        alike = np.exp(-distance / noise.reach_uv).sum(axis=1)
        information = settings.own_share / (noise.own[index] * alike)
        modes = np.ascontiguousarray(noise.modes[index], dtype=np.float32)
    eyeballs = _eyeballs(head, index)
    information[np.concatenate(eyeballs)] *= settings.eyeball_weight
    return FitVertices(
        vertex=index,
        expression=_rows(head.expression_basis[:, index]),
        identity=_rows(head.identity_basis[:, index]),
        joint_identity=_rows(head.joint_identity),
        skin=np.ascontiguousarray(head.skin_weights[index, 1:], dtype=np.float32),
        eyeballs=eyeballs,
        information=information,
        modes=modes,
    )


def _eyeballs(
    head: HeadModel, index: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    names, region = head.region_names, head.region[index]
    left, right = (
        np.flatnonzero(region == names.index(name)) if name in names else np.zeros(0, np.intp)
        for name in ("eyeball_left", "eyeball_right")
    )
    return left, right


def _rows(basis: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(basis, 0, -1), dtype=np.float32)


def choose_vertices(head: HeadModel, settings: SamplingSettings) -> NDArray[np.int64]:
    """Return sorted indices of at most `settings.count` vertices by farthest-point sampling.

    Distances are measured in wished spacings, so that lids and lips are dense and ears sparse.
    Source: Eldar et al. 1997, The farthest point strategy for progressive image sampling.
    """
    spacing = _spacing(head, settings)
    candidates = np.flatnonzero(np.isfinite(spacing))
    places = head.neutral[candidates].astype(np.float64)
    wished = spacing[candidates]
    chosen = [int(np.argmin(places[:, 2]))]  # the tip of the nose
    gap = np.full(len(candidates), np.inf)
    for _ in range(min(settings.count, len(candidates)) - 1):
        last = chosen[-1]
        distance = np.linalg.norm(places - places[last], axis=1) / np.minimum(wished, wished[last])
        gap = np.minimum(gap, distance)
        gap[last] = -1.0
        chosen.append(int(np.argmax(gap)))
    return np.sort(candidates[chosen])


def _spacing(head: HeadModel, settings: SamplingSettings) -> Array:
    """Wished distance (V,) to the nearest other fitted vertex, relative; inf where not fitted."""
    by_region = dict(settings.spacing)
    spacing = np.array([by_region.get(name, np.inf) for name in head.region_names])[head.region]
    motion = np.linalg.norm(head.expression_basis, axis=2).max(axis=0)
    spacing *= np.maximum(1.0 / (1.0 + motion / settings.motion_m), settings.densest)
    for side, joint in (("eyeball_left", 2), ("eyeball_right", 3)):
        if side not in head.region_names:
            continue
        eyeball = head.region == head.region_names.index(side)
        outward = head.neutral - head.joint_neutral[joint]
        ahead = -outward[:, 2] / np.maximum(np.linalg.norm(outward, axis=1), 1e-9)
        spacing[eyeball & (ahead < settings.eyeball_front)] = np.inf
    return spacing


def vertex_normals(points: Array, triangles: NDArray[np.int32]) -> Array:
    """Return outward unit normals (V, 3) of a mesh, weighted by triangle area.

    points     (V, 3) metres
    triangles  (F, 3) counter-clockwise seen from outside
    """
    corners = points[triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = triangles.ravel()
    spread = np.repeat(face, 3, axis=0)
    normals = np.stack(
        [np.bincount(flat, spread[:, axis], minlength=len(points)) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.maximum(length, 1e-12)
