"""What keyframes say of the shared unknowns: a quadratic that adds up, fades, and has a minimum."""

from __future__ import annotations

import numpy as np

from engine.types import Array


class Evidence:
    """The energy x'Ax/2 - b'x in S unknowns, the sum over keyframes.

    size        S
    remembered  keyframes' worth of evidence that is kept; what is older fades
    """

    def __init__(self, size: int, remembered: float) -> None:
        self._remembered = remembered
        self.information = np.zeros((size, size))  # A
        self.pull = np.zeros(size)  # b
        self.worth = 0.0  # keyframes in it

    def add(self, information: Array, pull: Array, worth: float) -> None:
        """Add a keyframe's quadratic: information (S, S), pull (S,), both times `worth`."""
        fade = min(1.0, max(self._remembered - worth, 0.0) / max(self.worth, 1e-9))
        self.information = fade * self.information + worth * (information + information.T) / 2
        self.pull = fade * self.pull + worth * pull
        self.worth = fade * self.worth + worth

    def gain(self, information: Array, precision: Array) -> float:
        """Return how much a keyframe would narrow the unknowns down, in nats.

        information  (S, S) of the keyframe
        precision    (S,) of the prior

        That is half the logarithm of the ratio of the posterior's determinants with and without it.
        Source: MacKay 1992, Information-based objective functions for active data selection.
        """
        known = self.information + np.diag(precision)
        before, after = np.linalg.slogdet(known)[1], np.linalg.slogdet(known + information)[1]
        return 0.5 * float(after - before)

    def minimum(self, precision: Array, pull: Array) -> Array:
        """Return the unknowns (S,) of least energy under a prior of diagonal precision (S,)."""
        return np.linalg.solve(self.information + np.diag(precision), self.pull + pull)

    def without_last(self, precision: float) -> tuple[Array, Array]:
        """Return information (S-1, S-1) and pull (S-1,) with the last unknown marginalised.

        precision  of its prior about zero
        Source: Schur complement, Triggs et al. 2000, section 6.1.
        """
        shared, last = self.information[:-1, -1], self.information[-1, -1] + precision
        information = self.information[:-1, :-1] - np.outer(shared, shared) / last
        return information, self.pull[:-1] - shared * self.pull[-1] / last
