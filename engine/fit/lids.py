"""Two eyes, one of them badly seen: it does what the other does, rather than what it did last.

Turned heads, hair and glare leave one eye without information. Held to the last frame it would
freeze; left to what the network guesses it would droop. How well an eye is seen is the information
that the picture gives on its blink.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.fit.residuals import EXPRESSION_START
from engine.fit.settings import FitSettings
from engine.types import Array


class Lids:
    """Ties the blinks of both eyes as firmly as one of them is badly seen.

    names     of the expression coefficients
    settings  how firmly
    balls     fitted vertices of the left and of the right eyeball, rows of a measurement
    """

    def __init__(
        self,
        names: tuple[str, ...],
        settings: FitSettings,
        balls: tuple[NDArray[np.intp], NDArray[np.intp]],
    ) -> None:
        self._settings, self._balls = settings, balls
        self.columns = [EXPRESSION_START + names.index(f"eyeBlink{s}") for s in ("Left", "Right")]

    def uncovered(self, information: Array, expression: Array, touching: Array) -> Array:
        """Return what fitted vertices count, (N,): an eyeball nothing behind a lid that is shut.

        The network still says where it thinks the iris is; with half the opening it is believed.

        expression (E,) of the state; touching (2,) eyeBlink at which the lids meet
        """
        result = information.copy()
        for rows, column, shut in zip(self._balls, self.columns, touching, strict=True):
            opening = 1.0 - float(expression[column - EXPRESSION_START] / shut)
            result[rows] *= min(max(2.0 * opening - 0.2, 0.0), 1.0)
        return result

    def seen(self, hessian: Array) -> Array:
        """Return how well each eye is seen beside the better one, (2,) in [0, 1].

        hessian  (P, P) of the picture alone
        """
        information = np.maximum(hessian[self.columns, self.columns], 1e-12)
        return information / information.max()

    def held(self, step: Array, seen: Array) -> Array:
        """Return the information (P,) on changes since the last frame: little of an unseen eye."""
        result = step.copy()
        result[self.columns] *= seen
        return result

    def tie(self, seen: Array, values: Array, hessian: Array, gradient: Array) -> None:
        """Charge the difference of the blinks: hardly, if both eyes are seen, or none could wink.

        values (P,), hessian (P, P) and gradient (P,) of the state; the last two are changed
        """
        settings = self._settings
        worse = float(seen.min())
        charge = worse / settings.wink_sigma**2 + (1.0 - worse) / settings.unseen_lid_sigma**2
        left, right = self.columns
        apart = charge * (values[left] - values[right])
        hessian[[left, right], [left, right]] += charge
        hessian[[left, right], [right, left]] -= charge
        gradient[left] += apart
        gradient[right] -= apart
