"""Whether keyframes show somebody who is known from earlier."""

from __future__ import annotations

import numpy as np

from engine.types import Array

_FAINT = 1e-3  # of the largest information: directions that the keyframes say nothing about


def misfit(shape: Array, information: Array, pull: Array) -> float:
    """Return how badly a person explains keyframes, relative to how badly the mean head does.

    shape        (S,) coefficients of the person
    information  (S, S) of the keyframes about the shape
    pull         (S,) information times the shape that explains them best

    0 for the shape that explains them best, 1 for one that does no better than the mean head. A
    ratio, since a network that errs alike in every frame makes any absolute misfit look certain.
    """
    ridge = _FAINT * float(np.trace(information)) / len(shape)
    best = np.linalg.solve(information + ridge * np.eye(len(shape)), pull)
    return _distance(shape - best, information) / max(_distance(best, information), 1e-12)


def _distance(way: Array, information: Array) -> float:
    return float(way @ information @ way)
