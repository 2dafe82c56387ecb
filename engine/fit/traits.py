"""What the network says of the whole face, as priors of the fit: the person and the expression.

The points of an alignment say where the surface is; the traits say what such faces look like. The
first is trusted where it speaks, the second fills in what no point shows: the depth of the face.
Source: the role of MICA's shape in the paper (method.md section 4, E_MICA).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.fit.sides import shares, spread
from engine.types import Array, FaceTraits

SUREST = 0.05  # smallest standard deviation of a coefficient that is believed


class Guess(NamedTuple):
    """A Gaussian about the expression coefficients of one frame."""

    mean: Array  # (E,)
    information: Array  # (E,) 1 / variance


def guess_of(traits: FaceTraits | None, weight: float, size: int = 52) -> Guess | None:
    """Return the prior that a frame's traits are on its expression; None without them.

    weight  share of the information that the network claims; 0 for no prior
    size    E of the fitted head; the network speaks of whole shapes, halves share what it says
    """
    if traits is None or weight <= 0.0:
        return None
    sigma = np.maximum(traits.expression_sigma.astype(np.float64), SUREST)
    mean, information = traits.expression.astype(np.float64), weight / sigma**2
    return Guess(spread(mean, size), spread(information, size) * shares(size))


class PersonBelief:
    """The identity coefficients that the network reads off one person's frames, averaged.

    size         K
    correlation  of the errors in two frames of one person, 0 to 1

    The mean is weighted by inverse variance. Its error does not vanish with the number of frames:
    a network that takes a face for rounder than it is does so in every frame. With errors of one
    size that are alike by `correlation`, the mean of n has the variance of one frame times
    correlation + (1 - correlation) / n, so that no number of frames is worth more than
    1 / correlation of them.
    """

    def __init__(self, size: int, correlation: float) -> None:
        self._correlation = correlation
        self._size = size
        self.forget()

    def forget(self) -> None:
        """Begin with a new person."""
        self.frames = 0
        self.information = np.zeros(self._size)
        self.weighted = np.zeros(self._size)

    def restore(self, frames: int, information: Array, weighted: Array) -> None:
        """Add what an earlier session has read: frames, information (K,), weighted sum (K,)."""
        self.frames += frames
        self.information = self.information + information
        self.weighted = self.weighted + weighted

    def add(self, traits: FaceTraits | None) -> None:
        """Take in a frame; one without traits says nothing."""
        if traits is None:
            return
        sigma = np.maximum(traits.identity_sigma.astype(np.float64), SUREST)
        if not (np.isfinite(sigma).all() and np.isfinite(traits.identity).all()):
            return
        self.frames += 1
        self.information += sigma**-2.0
        self.weighted += traits.identity / sigma**2

    def prior(self, sigma: float, weight: float) -> tuple[Array, Array]:
        """Return precision (K,) and precision x mean (K,) of the prior on the identity.

        sigma   of people in general about the mean head: the prior is never looser than that
        weight  share of what the network adds to that; 0 leaves people in general
        """
        general = np.full(self._size, sigma**-2.0)
        if not self.frames or weight <= 0.0:
            return general, np.zeros(self._size)
        worth = 1.0 / (self._correlation + (1.0 - self._correlation) / self.frames)
        information = self.information / self.frames * worth
        mean = self.weighted / self.information
        # The network has learnt from people in general: its variance already contains them, its
        # mean is already drawn to theirs, which is zero.
        added = np.maximum(information - general, 0.0)
        return general + weight * added, weight * information * mean
