"""Whether a face smears while it moves, which an exposure that is too long does.

Motion along x fades what changes along x and leaves what changes along y. So the energies of both
gradients are compared, with what their ratio is while the same face keeps still: light, focus and
noise change both alike.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine import clock
from engine.types import Array

STILL, FAST = 0.15, 0.6  # face widths a second
ONE_WAY = 2.0  # how much more along one axis than along the other
FADED = math.log(0.6)  # of the ratio of energies
LASTING_NS = 4 * clock.NS_PER_S
_MOVES, _FEWEST_MOVES, _FEWEST_PX = 6, 3, 24
_LEARNT = 0.2  # share of a new look in what is known of the face at rest
_REACH_PX = 2  # of a difference


class MotionBlur:
    """Follows one face; `seen` tells whether it smeared in most of its latest fast moves."""

    def __init__(self) -> None:
        self.seen = False
        self._at: tuple[int, Array] | None = None
        self._velocity = np.zeros(2)  # px a second
        self._rest: float | None = None
        self._moves: list[bool] = []
        self._moved_ns = 0

    def move(self, centre: Array, at_ns: int) -> None:
        """Take note of where the face is, in every frame."""
        if self._at is not None and at_ns > self._at[0]:
            since_s = (at_ns - self._at[0]) / clock.NS_PER_S
            self._velocity = (centre - self._at[1]) / since_s
        self._at = at_ns, centre

    def lose(self) -> None:
        """The face is gone; the next one may be another."""
        self._at, self._velocity, self._rest = None, np.zeros(2), None
        self._moves, self.seen = [], False

    def look(self, light: Array | NDArray[np.uint8], points: Array, at_ns: int) -> None:
        """Look at the face now and then.

        light   (H, W) of 255, every pixel
        points  (N, 2) of the face, pixels
        """
        ratio = _log_ratio(light, points)
        width = float(np.ptp(points[:, 0]))
        if ratio is not None:
            self._judge(ratio, np.abs(self._velocity) / max(width, 1.0), at_ns)
        mostly = len(self._moves) >= _FEWEST_MOVES and sum(self._moves) > len(self._moves) / 2
        self.seen = mostly and at_ns - self._moved_ns < LASTING_NS

    def _judge(self, ratio: float, speed: Array, at_ns: int) -> None:
        along_x, along_y = float(speed[0]), float(speed[1])
        if math.hypot(along_x, along_y) < STILL:
            known = ratio if self._rest is None else self._rest
            self._rest = known + _LEARNT * (ratio - known)
        elif self._rest is not None and max(along_x, along_y) > FAST:
            if max(along_x, along_y) < ONE_WAY * min(along_x, along_y):
                return
            change = ratio - self._rest
            faded = (change if along_x > along_y else -change) < FADED
            self._moves, self._moved_ns = [*self._moves[1 - _MOVES :], faded], at_ns


def _log_ratio(light: Array | NDArray[np.uint8], points: Array) -> float | None:
    """Return the logarithm of the energy of changes along x over that along y; None if unknown."""
    low = np.maximum(points.min(axis=0), 0).astype(int)
    high = np.minimum(points.max(axis=0), light.shape[::-1]).astype(int)
    if min(high - low) < _FEWEST_PX:
        return None
    face = light[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    across = float(np.square(face[:, _REACH_PX:] - face[:, :-_REACH_PX]).mean())
    down = float(np.square(face[_REACH_PX:] - face[:-_REACH_PX]).mean())
    return math.log(across / down) if min(across, down) > 1.0 else None
