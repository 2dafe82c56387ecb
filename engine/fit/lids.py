"""Two eyes, one of them badly seen: it does what the other does, rather than what it did last.

Turned heads, hair and glare leave one eye without information. Held to the last frame it would
freeze; left to what the network guesses it would droop. How well an eye is seen is the information
that the picture gives on its blink.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.fit.residuals import EXPRESSION_START, Rows
from engine.fit.settings import FitSettings
from engine.types import Array


class Lids:
    """Ties blinks and squints of both eyes as firmly as one of them is badly seen.

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
        self._settings, self.balls = settings, balls
        self.columns, self.squints = (
            [EXPRESSION_START + names.index(f"{shape}{side}") for side in ("Left", "Right")]
            for shape in ("eyeBlink", "eyeSquint")
        )

    def uncovered(self, information: Array, expression: Array, touching: Array) -> Array:
        """Return what fitted vertices count, (N,): an eyeball nothing behind a lid that is shut.

        The network still says where it thinks the iris is; with half the opening it is believed.

        expression (E,) of the state; touching (2,) eyeBlink at which the lids meet
        """
        result = information.copy()
        for rows, column, shut in zip(self.balls, self.columns, touching, strict=True):
            opening = 1.0 - float(expression[column - EXPRESSION_START] / shut)
            result[rows] *= min(max(2.0 * opening - 0.2, 0.0), 1.0)
        return result

    def seen(self, rows: Rows) -> Array:
        """Return how well each eye is seen beside the better one, (2,) in [0, 1].

        By the alignment's part of the linearised rows alone: what is carried over from the last
        frame is as sure of an eye that the network only guesses.
        """
        share = rows.by_place / np.maximum(rows.weight**2, 1e-30)
        slopes = rows.jacobian[:, self.columns].reshape(len(share), -1)  # by x, y; two columns each
        information = share @ slopes**2
        information = np.maximum(information[:2] + information[2:], 1e-12)
        return information / information.max()

    def held(self, step: Array, seen: Array) -> Array:
        """Return the information (P,) on changes since the last frame: little of an unseen eye."""
        result = step.copy()
        result[self.columns] *= seen
        result[self.squints] *= seen
        return result

    def tie(self, seen: Array, values: Array, hessian: Array, gradient: Array) -> None:
        """Charge the difference of the blinks: hardly, if both eyes are seen, or none could wink.

        That of the squints is charged besides what symmetry charges: nothing, if both are seen.

        values (P,), hessian (P, P) and gradient (P,) of the state; the last two are changed
        """
        settings = self._settings
        worse = float(seen.min())
        firm = (1.0 - worse) / settings.unseen_lid_sigma**2
        _tie(self.columns, firm + worse / settings.wink_sigma**2, values, hessian, gradient)
        _tie(self.squints, firm, values, hessian, gradient)


def _tie(pair: list[int], charge: float, values: Array, hessian: Array, gradient: Array) -> None:
    left, right = pair
    apart = charge * (values[left] - values[right])
    hessian[left, left] += charge
    hessian[right, right] += charge
    hessian[left, right] -= charge
    hessian[right, left] -= charge
    gradient[left] += apart
    gradient[right] -= apart
