"""How sure a fit is: a standard deviation for every unknown of a frame.

Near the solution the fit moves by the inverse Hessian times what pulls at it. The network's errors
pull alike at neighbours, so that their covariance, not the fit's own weights, goes between two
inverse Hessians; what is known before the picture pulls with the spread of its prior. The past
adds nothing: the network errs in the next frame much as in this one. What no picture tells, above
all the person's shape, is met by a factor for each group of unknowns, measured on single pictures.
Source: White 1980, A heteroskedasticity-consistent covariance matrix estimator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

from engine.fit.heads import HeadModel
from engine.fit.noise import NoiseModel
from engine.fit.priors import add_priors
from engine.fit.residuals import EXPRESSION_START, GAZE, NECK, POSE, Rows
from engine.fit.solver import Solver
from engine.fit.state import FitState
from engine.fit.traits import Guess
from engine.types import Array, Deviations

GROUPS: tuple[str, ...] = ("rotation", "shift", "gaze", "neck", "lids", "mouth", "brows", "others")
_STARTS = (
    ("eyeBlink", "lids"), ("eyeSquint", "lids"), ("eyeWide", "lids"), ("jaw", "mouth"),
    ("mouth", "mouth"), ("tongue", "mouth"), ("brow", "brows"), ("", "others"),
)  # fmt: skip
_EVERY = 4  # vertices of which one is read for the own errors; they are smooth enough
_AT_BOUND = 1e-9
_USUAL_MODES, _USUAL_REACH_M, _USUAL_OWN = 32, 0.023, 0.15
_USUAL_SCALE = (2.0, 2.7, 2.2, 2.0, 1.1, 0.75, 1.3, 1.0)  # of `nano`, by GROUPS


def groups_of(names: tuple[str, ...]) -> list[str]:
    """Return the group of every unknown, pose, gaze, neck and the named shapes (13 + E)."""
    fixed = ["rotation"] * 3 + ["shift"] * 3 + ["gaze"] * 4 + ["neck"] * 3
    shapes = [next(group for start, group in _STARTS if name.startswith(start)) for name in names]
    return fixed + shapes


class Sureness:
    """Tells the deviations of a solver's fits.

    solver  whose last linearisation is asked
    noise   how the network errs; None: as networks usually do, see `usual_noise`
    """

    def __init__(self, solver: Solver, noise: NoiseModel | None) -> None:
        self._solver, chosen = solver, solver.chosen.vertex
        self._noise = noise or usual_noise(solver.head, chosen)
        uv = solver.head.uv[chosen]
        distance = np.linalg.norm(uv[:, None] - uv[None], axis=2)
        crowd = np.exp(-distance / self._noise.reach_uv).sum(axis=1)
        self._modes = np.ascontiguousarray(self._noise.modes[chosen], np.float32)
        self._own = self._noise.own[chosen] * crowd
        of_group = dict(zip(GROUPS, self._noise.scale, strict=True))
        self._scale = np.array([of_group[g] for g in groups_of(solver.head.expression_names)])

    def of(self, sigma_px: Array, state: FitState, guess: Guess | None) -> Deviations:
        """Return the deviations of a state that the solver has just found.

        sigma_px  (N,) of the measurement it was found with; guess, the prior it was found with
        """
        prior, pull = self._prior(state, guess)
        seen, slope = self._solver.picture
        inverse = np.linalg.inv(seen + prior)
        between = self._errors(self._solver.rows, sigma_px) + prior
        honest = ((inverse @ between) * inverse).sum(axis=1)
        steep = (slope + pull) * np.diag(inverse) / honest
        sd = self._scale * np.sqrt(_bounded_variance(state, honest, steep))
        return Deviations(
            pose=sd[POSE],
            expression=sd[EXPRESSION_START:],
            gaze=sd[GAZE].reshape(2, 2),
            neck=sd[NECK],
        )

    def _prior(self, state: FitState, guess: Guess | None) -> tuple[Array, Array]:
        """Return second and first derivatives of what is known inside the frame."""
        values = state.values()
        prior, pull = np.zeros((len(values), len(values))), np.zeros(len(values))
        add_priors(self._solver.priors, values, 0.0 * values, 0.0, 0, 1.0, prior, pull)
        if guess is not None:
            shapes = slice(EXPRESSION_START, None)
            np.einsum("ii->i", prior)[shapes] += guess.information
            pull[shapes] += guess.information * (state.expression - guess.mean)
        return prior, pull

    def _errors(self, rows: Rows, sigma_px: Array) -> Array:
        """Return the covariance (P, P) of what the network's errors pull with.

        What was carried over counts as seen now: it errs as the alignments did that it came from.
        """
        count, width = len(sigma_px), rows.jacobian.shape[1]
        root = (sigma_px * rows.weight).astype(np.float32)
        weighted = self._modes * root[:, None]
        shared = (weighted.T @ rows.jacobian.reshape(count, 2 * width)).reshape(-1, width)
        own = (np.sqrt(_EVERY * self._own) * root)[::_EVERY].astype(np.float32)
        apart = rows.jacobian.reshape(count, 2, width)[::_EVERY] * own[:, None, None]
        apart = apart.reshape(-1, width)
        return (shared.T @ shared + apart.T @ apart).astype(np.float64)


def _bounded_variance(state: FitState, variance: Array, slope: Array) -> Array:
    """Return the mean square distance (P,) of the truth from a solution, bounds respected.

    A coefficient that pushes against a bound is off to one side only, by a Gaussian cut there: what
    is returned is its second moment about the bound.
    Source: Johnson, Kotz and Balakrishnan 1994, Continuous univariate distributions, section 13.10.
    """
    values, result = state.values(), variance.copy()
    shapes = np.arange(EXPRESSION_START, len(values))
    low, high = values[shapes] <= _AT_BOUND, values[shapes] >= 1.0 - _AT_BOUND
    held = shapes[(low & (slope[shapes] > 0.0)) | (high & (slope[shapes] < 0.0))]
    steep = np.abs(slope[held]) * np.sqrt(variance[held])
    # Beyond 8 the Gaussian is an exponential, and the formula would subtract equals.
    cut = 1.0 - steep * (np.sqrt(2.0 / np.pi) / erfcx(steep / np.sqrt(2.0)) - steep)
    result[held] *= np.where(steep < 8.0, cut, 2.0 / np.maximum(steep, 1.0) ** 2)
    return result


def usual_noise(head: HeadModel, vertices: NDArray[np.int64]) -> NoiseModel:
    """Return errors as the networks measured so far make them, for one that was not measured.

    Their correlation falls with the distance on the face by about exp(-distance / 23 mm).
    """
    places = head.neutral[vertices].astype(np.float64)
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    values, axes = np.linalg.eigh((1.0 - _USUAL_OWN) * np.exp(-distance / _USUAL_REACH_M))
    modes = np.zeros((len(head.neutral), _USUAL_MODES), np.float32)
    modes[vertices] = axes[:, -_USUAL_MODES:] * np.sqrt(values[-_USUAL_MODES:])
    own = np.maximum(1.0 - (modes**2).sum(axis=1), _USUAL_OWN)
    return NoiseModel(modes, own, 1e-3, np.zeros(_USUAL_MODES), np.array(_USUAL_SCALE))
