"""How far eyeBlink must go for the lids of one face to meet."""

from __future__ import annotations

import numpy as np

from engine.fit.heads import HeadModel, landmarks
from engine.fit.skinning import joints_of, neutral_of, posed
from engine.types import BLENDSHAPE_NAMES, Array

# Landmarks of upper and lower lid one above the other, in the middle of each eye.
UPPER, LOWER = ((385, 386, 387), (158, 159, 160)), ((380, 374, 373), (153, 145, 144))
OVERLAP = 0.0002  # metres that closed lids are pressed together
SMALLEST, LARGEST = 0.3, 1.0


def closing(head: HeadModel, identity: Array, expression: Array) -> Array:
    """Return the values (2,) of eyeBlinkLeft and eyeBlinkRight at which the lids just meet.

    The rest of `expression` (52,) stays as it is. Gaps are linear in the coefficient, since the
    lids hang on the skull alone.
    """
    neutral, joints = neutral_of(head, identity), joints_of(head, identity)
    gaps = np.empty((2, 2))  # open or blinking, side
    for amount in (0, 1):
        blinking = expression.copy()
        for side in ("Left", "Right"):
            blinking[BLENDSHAPE_NAMES.index(f"eyeBlink{side}")] = amount
        at = landmarks(head, posed(head, neutral, joints, blinking, np.zeros((2, 2)), np.zeros(3)))
        for side in (0, 1):
            gaps[amount, side] = (at[list(LOWER[side]), 1] - at[list(UPPER[side]), 1]).mean()
    travel = np.maximum(gaps[0] - gaps[1], 1e-4)
    return np.clip((gaps[0] + OVERLAP) / travel, SMALLEST, LARGEST)
