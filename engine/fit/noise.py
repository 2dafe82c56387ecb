"""How a network errs: neighbouring vertices together, and alike from one frame to the next.

The error of vertex i, in units of its stated sigma, is `modes[i] @ a + e_i`: amplitudes a ~ N(0, I)
of K patterns that the whole face shares, in x and in y of the image alike, and an own error of
variance `own[i]`. The fit marginalises the amplitudes: whatever looks like a shared error says
little, and what neighbours differ by says much. What the patterns leave over is still alike among
close neighbours, by exp(-distance / reach_uv): there they count by their number. All this is
measured for each network (engine/evaluation/noise.py) and lies beside its weights.
Source: factor analysis, Rubin and Thayer 1982; marginalised nuisances, Triggs et al. 2000, 6.1.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from engine.errors import AssetError
from engine.types import Array

USUAL_INTERVAL_S = 1 / 30  # the interval that `persistence` is stated for


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """The errors of one network, at the V vertices of its head model."""

    modes: Array  # (V, K) float32, units of sigma
    own: Array  # (V,) float32, units of sigma^2, above 0
    reach_uv: float  # distance on the UV map over which own errors are alike
    persistence: Array  # (K,) correlation of an amplitude with itself 1/30 s before, 0 .. 1


def read_noise(path: Path, vertices: int) -> NoiseModel:
    """Read a noise model. Raises AssetError if it is damaged or belongs to another head."""
    try:
        with np.load(path, allow_pickle=False) as file:
            modes, own = file["modes"].astype(np.float32), file["own"].astype(np.float32)
            persistence = file["persistence"].astype(np.float64)
            reach = float(file["reach_uv"])
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise AssetError(f"{path}: not a noise model ({error})") from error
    shapes = (modes.shape[:1], own.shape, modes.shape[1:])
    if shapes != ((vertices,), (vertices,), persistence.shape):
        raise AssetError(f"{path}: made for {len(own)} vertices, the head has {vertices}")
    honest = (own > 0).all() and (abs(persistence) < 1).all() and reach > 0
    if not (honest and np.isfinite(modes).all()):
        raise AssetError(f"{path}: holds values that are no variances")
    return NoiseModel(modes, own, reach, persistence)


def write_noise(path: Path, noise: NoiseModel) -> None:
    """Write a noise model."""
    np.savez_compressed(
        path,
        modes=noise.modes.astype(np.float16),
        own=noise.own.astype(np.float16),
        reach_uv=np.float32(noise.reach_uv),
        persistence=noise.persistence.astype(np.float32),
    )


class Expected(NamedTuple):
    """What is known of the amplitudes before the frame."""

    mean: Array  # (K, 2) x and y
    precision: Array  # (K,)


def expected(persistence: Array, before: Array | None, interval_s: float) -> Expected:
    """Return what amplitudes (K, 2) of `interval_s` ago say of now; N(0, I) without any.

    Source: a stationary autoregression of order 1.
    """
    count = len(persistence)
    if before is None:
        return Expected(np.zeros((count, 2)), np.ones(count))
    kept = persistence ** (interval_s / USUAL_INTERVAL_S)
    return Expected(kept[:, None] * before, 1.0 / np.maximum(1.0 - kept**2, 1e-4))


class Discount:
    """The amplitudes eliminated from the normal equations, at one linearisation.

    modes   (N, K) float32, of the fitted vertices
    sigma   (N,) px
    misfit  (N, 2) px, projection less what the network says
    place   (N,) weight of the network's word: its rows are multiplied by the root of it
    total   (N,) weight of all that the rows of a vertex hold, place or more
    """

    def __init__(
        self,
        modes: Array,
        sigma: Array,
        misfit: Array,
        place: Array,
        total: Array,
        prior: Expected,
    ) -> None:
        pull = (sigma * place)[:, None]
        across = pull / np.sqrt(np.maximum(total, 1e-30))[:, None]
        self._weighted = modes * across.astype(np.float32)
        own = modes * (sigma * np.sqrt(place))[:, None].astype(np.float32)
        inner = (own.T @ own).astype(np.float64)
        self._mean = prior.mean
        self._slope = modes.T.astype(np.float64) @ (pull * misfit) + inner @ prior.mean
        np.einsum("ii->i", inner)[:] += prior.precision
        self._lower = np.linalg.cholesky(inner)
        by_slope = solve_triangular(self._lower, self._slope, lower=True, check_finite=False)
        self._pull = (by_slope - self._lower.T @ prior.mean).ravel()

    def cross(self, rows: Array) -> Array:
        """Return (2K, P) for weighted rows (2N, P): of a product A'B, cross(A)'cross(B) is noise.

        The rows of a vertex are x and y, one after the other.
        """
        count, width = len(self._weighted), rows.shape[1]
        product = self._weighted.T @ rows.reshape(count, 2 * width)
        explained = solve_triangular(
            self._lower, product.astype(np.float64), lower=True, check_finite=False
        )
        return explained.reshape(-1, width)

    def slope(self, cross: Array) -> Array:
        """Return (P,) what is taken off the slope A'r of columns with this cross (2K, P)."""
        return self._pull @ cross

    def amplitudes(self, moved: Array) -> Array:
        """Return the likeliest amplitudes (K, 2) after a step that moved the rows by (2N,)."""
        product = self._weighted.T @ moved.reshape(-1, 2)
        slope = self._slope + product.astype(np.float64)
        return self._mean - cho_solve((self._lower, True), slope, check_finite=False)
