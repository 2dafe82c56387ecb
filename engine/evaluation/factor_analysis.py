"""Factor analysis of samples with gaps, by expectation-maximisation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.types import Array

_RIDGE = 1.0  # samples' worth of belief that a loading is zero: rarely seen columns stay tame
_LEAST_OWN = 0.02


class Factors(NamedTuple):
    """x = loadings z + e with z ~ N(0, I) and independent e ~ N(0, own)."""

    loadings: Array  # (N, K) float32
    own: Array  # (N,) float32


class Scores(NamedTuple):
    """What is known of z in every sample."""

    mean: Array  # (S, K)
    second: Array  # (S, K, K) expected z z'


def fit(samples: Array, known: NDArray[np.bool_], count: int, passes: int, seed: int) -> Factors:
    """Find K = `count` factors of samples (S, N), of which only `known` (S, N) are there.

    Source: Rubin and Thayer 1982, EM algorithms for ML factor analysis; Ghahramani and Jordan 1994
    for the gaps; Liu, Rubin and Wu 1998, parameter expansion, for the scale.
    """
    x = np.where(known, samples, 0.0).astype(np.float32)
    rows = np.random.default_rng(seed).permutation(len(x))[: 4 * max(samples.shape[1], count)]
    _, size, axes = np.linalg.svd(x[rows], full_matrices=False)
    loadings = axes[:count].T * (size[:count] / np.sqrt(len(rows)))
    spread = (x**2).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    own = np.maximum(spread - (loadings**2).sum(axis=1), 0.1 * spread + _LEAST_OWN)
    factors = Factors(loadings.astype(np.float32), own.astype(np.float32))
    for _ in range(passes):
        given = scores(x, known, factors)
        found = explain(x, known, given)
        # The scores' own covariance goes into the loadings: plain EM would take hundreds of passes.
        size = np.linalg.cholesky(given.second.mean(axis=0)).astype(np.float32)
        factors = Factors(found.loadings @ size, found.own)
    return factors


def scores(samples: Array, known: NDArray[np.bool_], factors: Factors) -> Scores:
    """Return the factors' posterior in every sample."""
    x = np.where(known, samples, 0.0).astype(np.float32)
    scaled = factors.loadings / factors.own[:, None]
    size, count = factors.loadings.shape
    outer = (scaled[:, :, None] * factors.loadings[:, None, :]).reshape(size, count * count)
    information = (known.astype(np.float32) @ outer).reshape(len(x), count, count)
    covariance = np.linalg.inv(information.astype(np.float64) + np.eye(count))
    mean = np.einsum("skl,sl->sk", covariance, (x @ scaled).astype(np.float64))
    return Scores(mean, covariance + mean[:, :, None] * mean[:, None, :])


def explain(samples: Array, known: NDArray[np.bool_], given: Scores) -> Factors:
    """Return the loadings and own variances of columns (S, N) that fit given scores best."""
    x = np.where(known, samples, 0.0).astype(np.float32)
    count = given.mean.shape[1]
    flat = given.second.reshape(len(x), count * count).astype(np.float32)
    gram = (known.T.astype(np.float32) @ flat).reshape(-1, count, count).astype(np.float64)
    cross = (x.T @ given.mean.astype(np.float32)).astype(np.float64)
    gram += _RIDGE * np.eye(count)
    loadings = np.linalg.solve(gram, cross[:, :, None])[:, :, 0]
    seen = known.sum(axis=0)
    left = (x.astype(np.float64) ** 2).sum(axis=0) - (loadings * cross).sum(axis=1)
    own = (left + _RIDGE) / (seen + _RIDGE)
    return Factors(loadings.astype(np.float32), np.maximum(own, _LEAST_OWN).astype(np.float32))
