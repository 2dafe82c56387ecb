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

    def copy(self) -> Evidence:
        """Return the same evidence, to be added to separately."""
        other = Evidence(len(self.pull), self._remembered)
        other.information, other.pull = self.information.copy(), self.pull.copy()
        other.worth = self.worth
        return other

    def add(self, information: Array, pull: Array, worth: float) -> None:
        """Add a keyframe's quadratic: information (S, S), pull (S,), both times `worth`."""
        self.fade(max(self._remembered - worth, 0.0))
        self.information = self.information + worth * (information + information.T) / 2
        self.pull = self.pull + worth * pull
        self.worth += worth

    def fade(self, most: float) -> None:
        """Forget so much of it that it is worth at most so many keyframes."""
        share = min(1.0, most / max(self.worth, 1e-9))
        self.information, self.pull = share * self.information, share * self.pull
        self.worth *= share

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

    def without_last(self, precision: float, pull: float = 0.0) -> tuple[Array, Array]:
        """Return information (S-1, S-1) and pull (S-1,) with the last unknown marginalised.

        precision, pull  of its prior: 1 / variance, and mean / variance
        Source: Schur complement, Triggs et al. 2000, section 6.1.
        """
        shared, last = self.information[:-1, -1], self.information[-1, -1] + precision
        information = self.information[:-1, :-1] - np.outer(shared, shared) / last
        return information, self.pull[:-1] - shared * (self.pull[-1] + pull) / last
