"""Who people are: MakeHuman's sliders, sampled near their middle, turned into principal components.

A sample is a macro shape (a mixture of ethnicities, a gender, an age from 25 up, muscle, weight)
plus local sliders of head, face and neck. Sliders are drawn from narrow normal distributions:
uniform ones give caricatures.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.head_build.source import VERTEX_COUNT, Array, Indices, read_target

RACES, GENDERS, AGES = ("african", "asian", "caucasian"), ("female", "male"), ("young", "old")
BUILDS = ("min", "average", "max")

# Standard deviation of a slider in [-1, 1], by folder of targets.
SPREAD = {
    "head": 0.17,
    "forehead": 0.25,
    "eyebrows": 0.25,
    "eyes": 0.22,
    "nose": 0.25,
    "mouth": 0.22,
    "cheek": 0.28,
    "chin": 0.28,
    "ears": 0.25,
    "neck": 0.15,
}
ASYMMETRY_SPREAD = 0.12  # of the slider, for each single-sided deformation
# Sliders that only move a feature as a whole would shift the mean; these lie outside normal people.
SKIPPED = ("ears/*-shape-*", "head/head-age-*", "neck/measure-*", "head/head-trans-*")
OPPOSITES = (
    ("decr", "incr"),
    ("down", "up"),
    ("in", "out"),
    ("backward", "forward"),
    ("concave", "convex"),
    ("compress", "uncompress"),
)


@dataclass(frozen=True, eq=False)
class IdentityModel:
    """Mean and principal components of sampled people.

    mean   (P, 3) metres
    basis  (K, P, 3) metres for one standard deviation
    rms    what the K components leave over at the weighted vertices, metres
    """

    mean: Array
    basis: Array
    rms: float


def _macro_targets(folder: Path) -> tuple[list[Path], list[tuple[int, ...]]]:
    """List the macro targets with the factors (see _macro_factors) whose product weighs each."""
    paths: list[Path] = []
    factors: list[tuple[int, ...]] = []
    for (r, race), (g, gender), (a, age) in itertools.product(
        enumerate(RACES), enumerate(GENDERS), enumerate(AGES)
    ):
        paths.append(folder / f"{race}-{gender}-{age}.target.gz")
        factors.append((r, 3 + g, 5 + a))
    for (g, gender), (a, age), (m, muscle), (w, weight) in itertools.product(
        enumerate(GENDERS), enumerate(AGES), enumerate(BUILDS), enumerate(BUILDS)
    ):
        paths.append(folder / f"universal-{gender}-{age}-{muscle}muscle-{weight}weight.target.gz")
        factors.append((3 + g, 5 + a, 7 + m, 10 + w))
    return paths, factors


def _macro_factors(rng: np.random.Generator, count: int) -> Array:
    """Draw (count, 13) factors: 3 races, 2 genders, 2 ages, 3 muscle, 3 weight.

    Each group sums to 1.
    """
    race = rng.dirichlet((0.7, 0.7, 0.7), count)
    male = np.clip(rng.integers(0, 2, count) * 0.7 + 0.15 + rng.normal(0.0, 0.12, count), 0, 1)
    old = 0.75 * rng.beta(1.2, 2.6, count)
    groups = [race, np.stack([1 - male, male], 1), np.stack([1 - old, old], 1)]
    for spread in (0.2, 0.22):
        value = np.clip(rng.normal(0.0, spread, count), -1.0, 1.0)
        groups.append(
            np.stack([np.maximum(-value, 0), 1 - np.abs(value), np.maximum(value, 0)], axis=1)
        )
    return np.concatenate(groups, axis=1)


def average_adult(targets: Path) -> Array:
    """Return the displacement (19158, 3), metres, of a middling adult: all races, both genders."""
    paths, factors = _macro_targets(targets / "macrodetails")
    share = np.array([1, 1, 1, 1.5, 1.5, 2.1, 0.9, 0, 3, 0, 0, 3, 0]) / 3.0
    weight = [np.prod(share[list(one)]) for one in factors]
    return sum(
        (w * read_target(path) for w, path in zip(weight, paths, strict=True) if w > 0),
        start=np.zeros((VERTEX_COUNT, 3)),
    )


def _local_sliders(targets: Path) -> list[tuple[str, Path | None, Path, float]]:
    """List (name, negative target, positive target, spread) of every local slider."""
    sliders: list[tuple[str, Path | None, Path, float]] = []
    for folder, spread in SPREAD.items():
        for path in sorted((targets / folder).glob("*.target.gz")):
            if any(path.match(pattern + ".target.gz") for pattern in SKIPPED):
                continue
            stem = path.name.removesuffix(".target.gz")
            head, _, word = stem.rpartition("-")
            if any(word == low for low, _ in OPPOSITES):
                continue
            low = next((low for low, high in OPPOSITES if word == high), None)
            negative = targets / folder / f"{head}-{low}.target.gz" if low else None
            sliders.append((f"{folder}/{stem}", negative, path, spread))
    sliders += [
        (f"asym/{path.name}", None, path, ASYMMETRY_SPREAD)
        for path in sorted((targets / "asym").glob("asym-*.target.gz"))
    ]
    return sliders


def _local_values(
    rng: np.random.Generator, sliders: list[tuple[str, Path | None, Path, float]], count: int
) -> Array:
    """Draw slider values (count, S); the right side of a pair nearly repeats the left."""
    values = np.empty((count, len(sliders)))
    index = {name: i for i, (name, *_) in enumerate(sliders)}
    for i, (name, negative, _, spread) in enumerate(sliders):
        values[:, i] = rng.normal(0.0, spread, count)
        twin = index.get(name.replace("/r-", "/l-", 1)) if "/r-" in name else None
        if twin is not None:
            values[:, i] = values[:, twin] + rng.normal(0.0, 0.15 * spread, count)
        values[:, i] = np.clip(values[:, i], 0.0 if negative is None else -1.0, 1.0)
    return values


def sample_people(targets: Path, points: Indices, count: int, rng: np.random.Generator) -> Array:
    """Return displacements (count, P, 3) float32, metres, of sampled adults at base vertices."""
    paths, factors = _macro_targets(targets / "macrodetails")
    drawn = _macro_factors(rng, count)
    weights = [np.prod(drawn[:, list(one)], axis=1) for one in factors]
    sliders = _local_sliders(targets)
    values = _local_values(rng, sliders, count)
    for i, (_, negative, positive, _) in enumerate(sliders):
        paths.append(positive)
        weights.append(np.maximum(values[:, i], 0.0))
        if negative is not None:
            paths.append(negative)
            weights.append(np.maximum(-values[:, i], 0.0))
    shapes = np.stack([read_target(path)[points].ravel() for path in paths]).astype(np.float32)
    mixed = np.stack(weights, axis=1).astype(np.float32) @ shapes
    return mixed.reshape(count, len(points), 3)


def principal_components(samples: Array, importance: Array, components: int) -> IdentityModel:
    """Fit mean and components to samples (N, P, 3) under vertex weights (P,).

    Source: Cootes et al., Active Shape Models (1995), principal components of shapes.
    """
    mean = samples.mean(axis=0)
    centred = samples - mean
    weighted = (centred * np.sqrt(importance)[None, :, None]).reshape(len(samples), -1)
    gram = (weighted @ weighted.T).astype(np.float64)
    value, vector = np.linalg.eigh(gram)
    value, vector = value[::-1][:components], vector[:, ::-1][:, :components]
    # Unit-variance scores; the basis is the regression of the samples on them.
    scores = vector * np.sqrt(len(samples))
    basis = np.einsum("nk,npc->kpc", scores / len(samples), centred, optimize=True)
    left_over = (gram.trace() - value.sum()) / (len(samples) * importance.sum())
    return IdentityModel(mean, basis, float(np.sqrt(left_over)))
