"""Whether the lids and lips of a rendered face are seen well enough for an opening to count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.regions import LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from engine.fit.heads import HeadModel

RIMS = {"left_eye": LEFT_EYE, "right_eye": RIGHT_EYE, "mouth": OUTER_LIPS}
SEEN_SHARE = 0.6  # of a rim's points, for its opening to count


def rim_seen(head: HeadModel, seen: NDArray[np.bool_], name: str) -> bool:
    """Tell whether the rim of an opening is visible, given the visible vertices (V,)."""
    points = list(RIMS[name])
    heaviest = head.landmark_weights[points].argmax(axis=1)
    share = seen[head.landmark_triangles[points, heaviest]].mean()
    return bool(share >= SEEN_SHARE)
