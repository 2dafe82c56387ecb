"""What is known before the picture: quadratic energies on pose, gaze, neck and expression."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.fit.residuals import EXPRESSION_START, GAZE, NECK, POSE, ROTATION, SHIFT
from engine.fit.settings import FitSettings, per_shape
from engine.types import Array

USUAL_INTERVAL_S = 1 / 30  # the interval for which the step sigmas are stated


class Priors(NamedTuple):
    """The constant part. P = 13 + E unknowns, in the order of the Jacobian's columns."""

    within: Array  # (P, P) energy (x - centre)'Q(x - centre)/2 inside a frame
    centre: Array  # (P,) zero, but for eyes that converge
    step: Array  # (P,) 1 / variance of a change in 1/30 s
    lid_column: NDArray[np.int64]  # (8,) column of an eyeLook coefficient
    lid_gaze: NDArray[np.int64]  # (8,) column of the angle that drives it
    lid_slope: Array  # (8,) coefficient per rad
    lid_information: float


# Which angle drives which lid shape, and its sign (yaw + to the subject's left, pitch + down).
_LIDS = (
    ("In", "Left", 6, -1), ("Out", "Left", 6, 1), ("Up", "Left", 7, -1), ("Down", "Left", 7, 1),
    ("In", "Right", 8, 1), ("Out", "Right", 8, -1), ("Up", "Right", 9, -1), ("Down", "Right", 9, 1),
)  # fmt: skip


def priors_for(
    names: tuple[str, ...], settings: FitSettings, look_limits_rad: dict[str, float]
) -> Priors:
    """Build the priors of a head model with these expression names.

    look_limits_rad  angle at which an eyeLook shape is 1, by the words Up, Down, In, Out
    Raises ConfigError if the settings name a shape that the head does not have.
    """
    within = np.zeros((EXPRESSION_START + len(names),) * 2)
    _expression_prior(within[EXPRESSION_START:, EXPRESSION_START:], names, settings)
    # A step of the pose stays within a radian and a metre where nothing is seen.
    within[POSE, POSE] += np.eye(6)
    within[GAZE, GAZE] += np.eye(4) / settings.gaze_sigma_rad**2
    within[NECK, NECK] += np.eye(3) / settings.neck_sigma_rad**2
    for axis, sigma in ((0, settings.vergence_sigma_rad), (1, settings.tilt_sigma_rad)):
        _tie(within, GAZE.start + axis, GAZE.start + 2 + axis, sigma)
    centre = np.zeros(len(within))
    # The left eye turns to the right, by half of it.
    centre[[GAZE.start, GAZE.start + 2]] = [-settings.vergence_rad / 2, settings.vergence_rad / 2]
    step = np.empty(len(within))
    step[ROTATION] = settings.rotation_step_sigma_rad
    step[SHIFT] = settings.shift_step_sigma_m
    step[GAZE] = settings.gaze_step_sigma_rad
    step[NECK] = settings.neck_step_sigma_rad
    step[EXPRESSION_START:] = per_shape(names, settings.expression_step_sigma)
    columns = [EXPRESSION_START + _index(names, f"eyeLook{way}{side}") for way, side, _, _ in _LIDS]
    slopes = [sign / look_limits_rad[way] for way, _, _, sign in _LIDS]
    return Priors(
        within=within,
        centre=centre,
        step=1.0 / step**2,
        lid_column=np.array(columns, np.int64),
        lid_gaze=np.array([column for _, _, column, _ in _LIDS], np.int64),
        lid_slope=np.array(slopes),
        lid_information=1.0 / settings.lid_follows_gaze_sigma**2,
    )


def _expression_prior(within: Array, names: tuple[str, ...], settings: FitSettings) -> None:
    precision = 1.0 / per_shape(names, settings.expression_sigma) ** 2
    within += np.diag(precision)
    for first, second, share in settings.exclusive:
        a, b = _index(names, first), _index(names, second)
        # Both coefficients are >= 0, so charging the square of their sum charges using both at
        # once, and stays convex however many pairs share a shape.
        charge = share * np.sqrt(precision[a] * precision[b])
        within[np.ix_([a, b], [a, b])] += charge
    for start, sigma in settings.symmetric:
        if start in names:  # whole, in a head that does not split it
            continue
        _tie(within, _index(names, f"{start}Left"), _index(names, f"{start}Right"), sigma)


def _index(names: tuple[str, ...], name: str) -> int:
    if name not in names:
        raise ConfigError(f"fit: unknown shape {name}; the head has {', '.join(names)}")
    return names.index(name)


def _tie(within: Array, a: int, b: int, sigma: float) -> None:
    within[[a, b], [a, b]] += 1 / sigma**2
    within[[a, b], [b, a]] -= 1 / sigma**2


@njit(cache=True, nogil=True)
def add_priors(
    priors: Priors,
    values: Array,
    change: Array,
    interval_s: float,
    first_held: int,
    step_dof: float,
    hessian: Array,
    gradient: Array,
) -> None:
    """Add the priors' second and first derivatives to the normal equations.

    values      (P,) the state; pose entries are ignored
    change      (P,) the state less the last frame's; pose as rotation vector and shift
    interval_s  time since that frame; 0 or less if there is none
    first_held  unknowns before this one are not held to the last frame
    step_dof    degrees of freedom of the Student-t that lets real movements go
    """
    size = values.shape[0]
    for i in range(size):
        for j in range(size):
            hessian[i, j] += priors.within[i, j]
            gradient[i] += priors.within[i, j] * (values[j] - priors.centre[j])
    for n in range(priors.lid_column.shape[0]):
        column, angle = priors.lid_column[n], priors.lid_gaze[n]
        implied = priors.lid_slope[n] * values[angle]
        slope = priors.lid_slope[n] if 0.0 < implied < 1.0 else 0.0
        miss = values[column] - min(max(implied, 0.0), 1.0)
        information = priors.lid_information
        hessian[column, column] += information
        gradient[column] += information * miss
        hessian[angle, angle] += information * slope * slope
        gradient[angle] -= information * slope * miss
        hessian[column, angle] -= information * slope
        hessian[angle, column] -= information * slope
    if interval_s <= 0.0:
        return
    for i in range(first_held, size):
        information = priors.step[i] * USUAL_INTERVAL_S / interval_s
        squared = change[i] * change[i] * information
        information *= (step_dof + 1.0) / (step_dof + squared)
        hessian[i, i] += information
        gradient[i] += information * change[i]
