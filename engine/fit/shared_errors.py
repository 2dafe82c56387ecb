"""What looks like a shared error of the network moves nothing: amplitudes marginalised in the fit.

Source: marginalised nuisances, Triggs et al. 2000, Bundle adjustment, section 6.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from engine.fit.residuals import Measurement, Rows
from engine.types import Array

USUAL_INTERVAL_S = 1 / 30  # the interval that `persistence` is stated for


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


class SharedErrors:
    """The network's shared errors in one fit.

    modes        (N, K) float32, of the fitted vertices
    persistence  (K,) see NoiseModel
    """

    def __init__(self, modes: Array, persistence: Array) -> None:
        self._modes, self._persistence = modes, persistence

    def discount(
        self, rows: Rows, measurement: Measurement, before: Array | None, interval_s: float
    ) -> Discount:
        """Return what linearised rows owe to the shared errors.

        before  amplitudes (K, 2) of the last frame, `interval_s` ago
        """
        return Discount(
            self._modes,
            measurement.sigma,
            rows.projected - measurement.points,
            rows.by_place,
            rows.weight**2,
            expected(self._persistence, before, interval_s),
        )
