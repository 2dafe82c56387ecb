"""Whether the deviations that a fit states are honest, by groups of unknowns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.stats import norm

from engine.evaluation.accuracy import QUANTILES
from engine.evaluation.tables import table
from engine.fit.deviations import GROUPS, groups_of
from engine.fit.residuals import EXPRESSION_START
from engine.fit.state import FitState
from engine.types import Array, Deviations

_MOVES = 0.02  # a shape counts if it is truly or supposedly beyond: most are rightly at zero
_HALF = float(norm.ppf(0.75))  # half of a Gaussian's errors are smaller, in deviations

Told = tuple[FitState, Deviations, FitState]  # found, how surely, and true


def ratios(names: tuple[str, ...], frames: Iterable[Told]) -> dict[str, Array]:
    """Return the errors in units of their stated deviations, absolute, by group."""
    group, found = np.array(groups_of(names)), {name: list[Array]() for name in GROUPS}
    for ours, sd, true in frames:
        error = np.abs(ours.change_since(true))
        stated = np.concatenate([sd.pose, sd.gaze.ravel(), sd.neck, sd.expression])
        counts = np.ones(len(error), bool)
        counts[EXPRESSION_START:] = (ours.expression > _MOVES) | (true.expression > _MOVES)
        for name, rows in found.items():
            chosen = counts & (group == name)
            rows.append(error[chosen] / stated[chosen])
    return {name: np.concatenate([np.zeros(0), *rows]) for name, rows in found.items()}


def scales(of_groups: dict[str, Array]) -> Array:
    """Return the factors (8,) that make the median error a Gaussian's; 1 where there is none."""
    return np.array([float(np.median(z)) / _HALF if len(z) else 1.0 for z in of_groups.values()])


def figures(of_groups: dict[str, Array]) -> dict[str, dict[str, Any]]:
    """Return by group the expected calibration error, and the factor that is left to be honest.

    The first is the mean distance of a Gaussian's quantiles and the share of errors under them.
    """
    bounds = norm.ppf((1 + QUANTILES) / 2)
    return {
        name: {
            "values": len(z),
            "expected_error": float(np.abs((z[:, None] < bounds).mean(axis=0) - QUANTILES).mean()),
            "scale": factor,
        }
        for (name, z), factor in zip(of_groups.items(), scales(of_groups), strict=True)
        if len(z)
    }


def text(title: str, by_group: dict[str, dict[str, Any]]) -> str:
    """Return the table."""
    rows = [
        (name, row["values"], row["expected_error"], row["scale"]) for name, row in by_group.items()
    ]
    return table((f"{title}: deviations", "values", "calibration error", "should be x"), rows)
