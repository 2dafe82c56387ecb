"""`flowface bench noise`: how the errors of a network hang together, measured on pictures.

The errors of rendered pictures (every visible vertex) and of the validation portraits (the
teacher's points, each at the vertex next to it), in units of the sigma that the network states.
What `--write` leaves beside the weights is read by the fit (engine/fit/noise.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation import factor_analysis, fit_scenes, fit_truth, sureness
from engine.evaluation.align import align_in, read_landmarks, upright_crop
from engine.evaluation.datasets import portraits, sequences
from engine.evaluation.factor_analysis import Factors
from engine.evaluation.following import aligned
from engine.evaluation.regions import MESH_POINTS
from engine.evaluation.tables import table
from engine.fit.deviations import GROUPS
from engine.fit.heads import HeadModel, landmarks
from engine.fit.noise import NoiseModel
from engine.fit.sampling import choose_vertices
from engine.fit.settings import SamplingSettings, TrackerSettings
from engine.fit.solver import Solver
from engine.network.backends import Backend
from engine.training.packs import read_pack
from engine.types import Array

MODES = 32
_PASSES = 30
_LARGEST = 6.0  # sigma: a gross error is the robust weight's business
_NEAR_M = 0.005  # a teacher's point stands for the fitted vertex that is that near
_DISTANCES_MM = (2, 4, 6, 10, 15, 20, 30, 50, 80, 120)
_REACHES_UV = np.geomspace(0.002, 0.3, 120)
_NEAR_UV = 0.05  # what is left over is alike no farther away
_FEWEST = 50  # samples, for a correlation to count


@dataclass(frozen=True, eq=False)
class ErrorFields:
    """Errors of S pictures at N vertices, in units of sigma."""

    error: Array  # (S, N, 2)
    known: NDArray[np.bool_]  # (S, N)

    def at(self, vertices: NDArray[np.int64]) -> ErrorFields:
        """Return the fields at some vertices."""
        return ErrorFields(self.error[:, vertices], self.known[:, vertices])

    def samples(self) -> tuple[Array, NDArray[np.bool_]]:
        """Return x and y of the pictures as samples (2S, N) of one kind, gross errors cut."""
        cut = np.clip(self.error, -_LARGEST, _LARGEST)
        both = np.concatenate([cut[:, :, 0], cut[:, :, 1]])
        return both, np.concatenate([self.known, self.known])


def of_pictures(backend: Backend, head: HeadModel, path: Path, limit: int | None) -> ErrorFields:
    """Return the errors on rendered pictures, each in a window around the truth."""
    pack, errors, seen = read_pack(path), [], []
    for index in range(len(pack) if limit is None else min(limit, len(pack))):
        true = pack.points_px(index).astype(np.float64)
        crop = upright_crop(landmarks(head, true), backend.crop_side_px)
        found = align_in(backend, pack.image(index), crop)
        errors.append((found.points_px - true) / found.sigma_px[:, None])
        seen.append(pack.seen(index))
    return ErrorFields(np.array(errors, np.float32), np.array(seen))


def of_portraits(
    backend: Backend,
    head: HeadModel,
    folder: Path,
    vertices: NDArray[np.int64],
    limit: int | None,
) -> ErrorFields:
    """Return the errors on portraits, at the vertices that a teacher's point stands for."""
    point, vertex = _pairs(head, vertices)
    errors: list[Array] = []
    for person in portraits.read(folder, "validation", limit):
        crop = upright_crop(person.landmarks_px, backend.crop_side_px)
        found, sigma = read_landmarks(head, align_in(backend, person.image, crop))
        error = np.zeros((len(head.neutral), 2))
        error[vertex] = ((found - person.landmarks_px) / sigma[:, None])[point]
        errors.append(error)
    known = np.zeros((len(errors), len(head.neutral)), bool)
    known[:, vertex] = True
    return ErrorFields(np.array(errors, np.float32), known)


def _pairs(
    head: HeadModel, vertices: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Pair the teacher's points and the vertices that are each other's nearest."""
    places = landmarks(head, head.neutral)[:MESH_POINTS]
    distance = np.linalg.norm(places[:, None] - head.neutral[vertices][None], axis=2)
    to_vertex, to_point = distance.argmin(axis=1), distance.argmin(axis=0)
    point = np.arange(len(places))
    near = (to_point[to_vertex] == point) & (distance[point, to_vertex] < _NEAR_M)
    return point[near], vertices[to_vertex[near]]


def estimate(
    head: HeadModel, rendered: ErrorFields, real: ErrorFields, following: list[ErrorFields]
) -> NoiseModel:
    """Return the noise model of a network.

    rendered, real  errors on pictures of many people; following, on frames that follow one another
    """
    vertices = choose_vertices(head, SamplingSettings())
    both = _together(rendered, real)
    samples, known = both.at(vertices).samples()
    factors = factor_analysis.fit(samples, known, MODES, _PASSES, seed=0)
    scores = factor_analysis.scores(samples, known, factors)
    left = samples - scores.mean.astype(np.float32) @ factors.loadings.T
    everywhere, seen = both.samples()
    extended = factor_analysis.explain(everywhere, seen, scores)
    # No picture shows them: what they err by is anybody's guess.
    extended.own[~seen.any(axis=0)] = float(np.median(extended.own))
    return NoiseModel(
        modes=extended.loadings,
        own=extended.own,
        reach_uv=_reach(left, known, head.uv[vertices]),
        persistence=_persistence([fields.at(vertices) for fields in following], factors),
        scale=np.ones(len(GROUPS)),
    )


def _together(a: ErrorFields, b: ErrorFields) -> ErrorFields:
    return ErrorFields(np.concatenate([a.error, b.error]), np.concatenate([a.known, b.known]))


def _persistence(following: list[ErrorFields], factors: Factors) -> Array:
    """Return the correlation (K,) of the amplitudes in one frame and the next."""
    alike, size = np.zeros(MODES), np.zeros(MODES)
    for fields in following:
        mean = factor_analysis.scores(*fields.samples(), factors).mean
        both_axes = mean.reshape(2, -1, MODES)
        alike += (both_axes[:, 1:] * both_axes[:, :-1]).sum(axis=(0, 1))
        size += (both_axes**2).sum(axis=(0, 1)) * (1 - 1 / both_axes.shape[1])
    return np.clip(alike / np.maximum(size, 1e-9), 0.0, 0.999)


def correlation_matrix(samples: Array, known: NDArray[np.bool_]) -> Array:
    """Return the correlations (N, N) of samples (S, N) about zero; NaN if seen too rarely."""
    x = np.where(known, samples, 0.0).astype(np.float32)
    count = known.T.astype(np.float32) @ known.astype(np.float32)
    product = (x.T @ x) / np.maximum(count, 1)
    size = np.sqrt(np.maximum(np.diag(product), 1e-12))
    return np.where(count >= _FEWEST, product / np.outer(size, size), np.nan)


def by_distance(correlation: Array, distance: Array, bounds: Array) -> Array:
    """Return the mean correlation of different points in every interval of distance; NaN: none."""
    means = np.full(len(bounds) - 1, np.nan)
    apart = ~np.eye(len(distance), dtype=bool) & np.isfinite(correlation)
    for n, (low, high) in enumerate(pairwise(bounds)):
        chosen = correlation[apart & (distance >= low) & (distance < high)]
        if len(chosen):
            means[n] = chosen.mean()
    return means


def _reach(left: Array, known: NDArray[np.bool_], uv: Array) -> float:
    """Return the r for which exp(-d / r) makes a vertex as crowded as the found correlations do.

    Crowded: the sum of its correlations with all vertices near by, itself included.
    """
    distance = np.linalg.norm(uv[:, None] - uv[None], axis=2)
    near = distance < _NEAR_UV
    found = np.where(near, np.nan_to_num(correlation_matrix(left, known)), 0.0).sum(axis=1)
    used = known.sum(axis=0) >= _FEWEST
    crowd = [np.where(near, np.exp(-distance / r), 0.0).sum(axis=1) for r in _REACHES_UV]
    misses = [abs(np.log(one[used].mean() / found[used].mean())) for one in crowd]
    return float(_REACHES_UV[int(np.argmin(misses))])


def run(
    head: HeadModel,
    backend: Backend,
    data: Path,
    pack: Path,
    sequence_folder: Path,
    limit: int | None,
) -> tuple[NoiseModel, dict[str, Any]]:
    """Measure a network; return its noise model, and figures for a table.

    data  folder of the portraits; pack, rendered pictures; sequence_folder, rendered sequences
    """
    vertices = choose_vertices(head, SamplingSettings())
    rendered = of_pictures(backend, head, pack, limit)
    real = of_portraits(backend, head, data, vertices, limit)
    following: list[ErrorFields] = []
    for path in sequences.find(sequence_folder):
        sequence = sequences.read(path, limit)
        found = aligned(head, backend, sequence, warm=False)
        seen = np.array([sequence.pack.seen(t) for t in range(len(sequence))])
        sigma = found.sigma_px if found.sigma_px is not None else np.ones(seen.shape)
        error = (found.points_px - sequence.points_px) / sigma[:, :, None]
        following.append(ErrorFields(error.astype(np.float32), seen))
    noise = estimate(head, rendered, real, following)
    found = _stated(head, backend, noise, pack, limit)
    noise = replace(noise, scale=sureness.scales(found))
    return noise, _figures(head, noise, vertices, rendered, real)


def _stated(
    head: HeadModel, backend: Backend, noise: NoiseModel, pack: Path, limit: int | None
) -> dict[str, Array]:
    """Return the errors of fits of single pictures in units of their deviations, by group."""
    settings = TrackerSettings()
    solver = Solver(head, settings.fit, settings.retarget.look_limits_rad, settings.motion, noise)
    scenes = fit_scenes.from_pictures(head, backend, pack, limit)
    return sureness.ratios(head.expression_names, fit_truth.told(solver, settings, scenes, noise))


def _figures(
    head: HeadModel,
    noise: NoiseModel,
    vertices: NDArray[np.int64],
    rendered: ErrorFields,
    real: ErrorFields,
) -> dict[str, Any]:
    places = head.neutral[vertices].astype(np.float64)
    distance = 1e3 * np.linalg.norm(places[:, None] - places[None], axis=2)
    bounds = np.array(_DISTANCES_MM, float)
    rows = {
        name: by_distance(correlation_matrix(*fields.at(vertices).samples()), distance, bounds)
        for name, fields in (("rendered", rendered), ("portraits", real))
    }
    shared = (noise.modes[vertices] ** 2).sum(axis=1)
    return {
        "pictures": {"rendered": len(rendered.error), "portraits": len(real.error)},
        "distance_mm": list(_DISTANCES_MM),
        "correlation": {name: [float(v) for v in row] for name, row in rows.items()},
        "modes": int(noise.modes.shape[1]),
        "own_share": float(np.median(noise.own[vertices] / (shared + noise.own[vertices]))),
        "size": float(np.sqrt(np.median(shared + noise.own[vertices]))),
        "reach_uv": noise.reach_uv,
        "scale": {name: float(v) for name, v in zip(GROUPS, noise.scale, strict=True)},
        "persistence": [float(v) for v in np.percentile(noise.persistence, [0, 50, 100])],
    }


def text(figures: dict[str, Any]) -> str:
    """Return the tables of `bench noise`."""
    spans = pairwise(figures["distance_mm"])
    header = ("correlation of errors, mm apart", *(f"{low}-{high}" for low, high in spans))
    rows = [(name, *row) for name, row in figures["correlation"].items()]
    low, median, high = figures["persistence"]
    single = [
        ("modes", figures["modes"]),
        ("size of an error in units of sigma, median", figures["size"]),
        ("share of its variance that the modes leave over, median", figures["own_share"]),
        ("reach of what is left over, on the UV map", f"{figures['reach_uv']:.3f}"),
        ("correlation of amplitudes with the frame before", f"{low:.2f} {median:.2f} {high:.2f}"),
    ]
    factors = table(("deviations of a fit", "times"), list(figures["scale"].items()))
    return "\n".join([table(header, rows), table(("noise model", ""), single), factors])
