"""Whether the network tells that the tongue is out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from engine.types import BLENDSHAPE_NAMES, Array

OUT, IN = 0.3, 0.05  # of the coefficient; what lies between is neither
_TONGUE = BLENDSHAPE_NAMES.index("tongueOut")


def tongue_summary(probability: Array, expression: Array) -> dict[str, Any]:
    """Return accuracy at 0.5 and the area under the ROC curve.

    probability  (N,) that the tongue is out; NaN where the network does not tell
    expression   (N, 52) true coefficients
    """
    amount = expression[:, _TONGUE]
    known = np.isfinite(probability) & ((amount >= OUT) | (amount <= IN))
    said, out = probability[known], amount[known] >= OUT
    missed = said[out] < 0.5
    alarms = said[~out] >= 0.5
    return {
        "out": int(out.sum()),
        "in": int((~out).sum()),
        "found_percent": float(100 * (1 - missed.mean())) if out.any() else float("nan"),
        "false_percent": float(100 * alarms.mean()) if (~out).any() else float("nan"),
        "auc": area_under_roc(said, out),
    }


def area_under_roc(score: Array, positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive scores above a negative, (N,) each; NaN if one is absent.

    Source: Hanley and McNeil 1982 (Mann-Whitney's U).
    """
    first, second = int(positive.sum()), int((~positive).sum())
    if not first or not second:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - first * (first + 1) / 2) / (first * second))
