"""What shuts eyes and mouth of one face: how far eyeBlink goes, and a little mouthClose.

The head's blink takes the upper lid past the lower one, and its neutral lips stand a little apart.
With the jaw at rest both gaps hang on the skull alone, so they are linear in all coefficients.
"""

from __future__ import annotations

import numpy as np

from engine.fit.heads import HeadModel
from engine.types import BLENDSHAPE_NAMES, Array

# Landmarks of the upper edge, then those of the lower edge below them.
LEFT_LIDS = (388, 387, 386, 385, 384), (390, 373, 374, 380, 381)
RIGHT_LIDS = (161, 160, 159, 158, 157), (163, 144, 145, 153, 154)
LIPS = (81, 82, 13, 312, 311), (178, 87, 14, 317, 402)
LID_OVERLAP_M = 0.0003  # by which the edges of closed lids are pressed past each other
LEAST_LIP_OVERLAP_M = 0.0003
LEAST_BLINK, MOST_SEAL = 0.3, 0.12
BLINKS = [BLENDSHAPE_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
MOUTH_CLOSE = BLENDSHAPE_NAMES.index("mouthClose")


class Closure:
    """The vertical gaps of lids and lips of one head model, metres, linear in its coefficients.

    head  whose first 52 expression coefficients are those of BLENDSHAPE_NAMES; more may follow
    """

    def __init__(self, head: HeadModel) -> None:
        upper, lower = (
            np.array([i for pair in (LEFT_LIDS, RIGHT_LIDS, LIPS) for i in pair[row]])
            for row in (0, 1)
        )

        def gaps(field: Array, axis: int = 1) -> Array:
            """Return how far the lower edge is below the upper one, (..., 3, 5), of (..., V, 3)."""
            corners = head.landmark_triangles
            at = [
                (head.landmark_weights[edge] * field[..., corners[edge], axis]).sum(-1)
                for edge in (upper, lower)
            ]
            return (at[1] - at[0]).reshape(*field.shape[:-2], 3, 5).astype(float)

        self._neutral = gaps(head.neutral)
        self.expression = gaps(head.expression_basis)
        self._by_shape = self.expression.reshape(len(self.expression), -1)
        self._by_person = gaps(head.identity_basis).reshape(len(head.identity_basis), -1)
        # lips are seen to meet in front of their contact, by as much as the upper one lies behind
        behind = -float(gaps(head.neutral, axis=2)[2, 1:4].mean())
        self.lip_overlap_m = max(behind, LEAST_LIP_OVERLAP_M)

    def blinks(self, identity: Array, expression: Array) -> Array:
        """Return the values (2,) of eyeBlinkLeft and eyeBlinkRight at which the lids just meet.

        They meet all along; the rest of `expression` (52,) stays as it is; identity (K,).
        """
        others = expression.copy()
        others[BLINKS] = 0.0
        gap = self.gaps_of(identity) + (others @ self._by_shape).reshape(3, 5)
        travel = -self.expression[BLINKS, [0, 1]]
        wanted = (gap[:2] + LID_OVERLAP_M) / np.maximum(travel, 1e-4)
        return np.clip(wanted.max(axis=1), LEAST_BLINK, 1.0)

    def seal(self, identity: Array) -> float:
        """Return the mouthClose at which the lips of identity (K,) touch with the jaw at rest."""
        gap = self.gaps_of(identity)[2, 1:4].mean() + self.lip_overlap_m
        return float(np.clip(gap / -self.expression[MOUTH_CLOSE, 2, 1:4].mean(), 0.0, MOST_SEAL))

    def gaps_of(self, identity: Array) -> Array:
        """Return the gaps (3, 5), m, of identity (K,) without expression."""
        return self._neutral + (identity @ self._by_person).reshape(3, 5)
