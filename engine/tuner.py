"""Applies the user's tuning of the 52 shapes to results, between tracker and sinks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.clock import NS_PER_S
from engine.fit.sides import SPLIT_NAMES
from engine.fit.smoothing import OneEuro
from engine.tuning import SMOOTH, Tuning
from engine.types import BLENDSHAPE_NAMES, Array, Blendshapes, TrackResult

_INDEX = {name: index for index, name in enumerate(BLENDSHAPE_NAMES)}
_SHAPES = len(BLENDSHAPE_NAMES)
# The halves follow the 52 and are tuned like the whole that they are of.
_TUNED_LIKE = np.array([*range(_SHAPES), *(_INDEX[name] for name in SPLIT_NAMES for _ in range(2))])
_LOOSEST_HZ, _FIRMEST_HZ, _BETA = 10.0, 0.5, 3.0


class Tuner:
    """Tunes one result after the other. Called on one thread; `tuning` may be set from any."""

    def __init__(self, tuning: Tuning) -> None:
        self._plan = self._followed = _Plan(tuning)
        self._filter: OneEuro | None = None
        self._last_ns = 0

    @property
    def tuning(self) -> Tuning:
        """What is applied; set anew, it takes effect with the next result."""
        return self._plan.tuning

    @tuning.setter
    def tuning(self, tuning: Tuning) -> None:
        self._plan = _Plan(tuning)

    def __call__(self, result: TrackResult) -> TrackResult:
        """Return a result with its blendshapes tuned, and those before as `measured`.

        Without any tuning, and without a face, the result itself.
        """
        plan, found = self._plan, result.blendshapes
        if plan.usual or found is None:
            self._filter = None
            return result
        if plan is not self._followed:
            if not np.array_equal(plan.cutoff_hz, self._followed.cutoff_hz):
                self._filter = None
            self._followed = plan
        values, sd = plan.tuned(found)
        self._smooth(values, plan, result.captured_ns)
        sides = None if found.sides is None else values[_SHAPES:].astype(found.sides.dtype)
        tuned = Blendshapes(values[:_SHAPES].astype(found.weights.dtype), sides, sd)
        return replace(result, blendshapes=tuned, measured=found)

    def _smooth(self, values: Array, plan: _Plan, captured_ns: int) -> None:
        """Smooth, in place, those of the 52 and their halves that ask for it."""
        at = plan.smoothed
        if not len(at):
            return
        interval_s = (captured_ns - self._last_ns) / NS_PER_S
        self._last_ns = captured_ns
        if self._filter is None or interval_s <= 0.0:  # or a source that has started again
            self._filter = OneEuro(plan.cutoff_hz, _BETA)
        values[at] = self._filter(values[at], interval_s)  # between old and new: within [0, 1]


class _Plan:
    """A tuning as arrays: the 52 shapes and their four halves, but only those that it changes."""

    def __init__(self, tuning: Tuning) -> None:
        self.tuning, self.usual = tuning, not tuning.rows and not any(k.mean for k in tuning.links)
        rows = [tuning.of(BLENDSHAPE_NAMES[shape]) for shape in _TUNED_LIKE]
        self._at = np.array([i for i, row in enumerate(rows) if not row.usual], np.intp)
        chosen = [rows[i] for i in self._at]
        self._gain = np.array([0.0 if row.mute else row.gain for row in chosen])
        self._offset = np.array([0.0 if row.mute else row.offset for row in chosen])
        self._dead = np.array([row.dead_zone for row in chosen])
        self._stretch = 1.0 / (1.0 - self._dead)
        self._power = np.array([1.0 if row.curve == SMOOTH else row.gamma for row in chosen])
        self._bent = np.flatnonzero([row.curve == SMOOTH for row in chosen])
        strength = np.array([row.smoothing for row in rows])
        self.smoothed = np.flatnonzero(strength)
        # Every step of the slider is the same step for the eye.
        self.cutoff_hz = _LOOSEST_HZ * (_FIRMEST_HZ / _LOOSEST_HZ) ** strength[self.smoothed]
        means = [link.name for link in tuning.links if link.mean]
        self._left = np.array([_INDEX[f"{name}Left"] for name in means], np.intp)
        self._right = np.array([_INDEX[f"{name}Right"] for name in means], np.intp)
        touched = {*self._at[self._at < _SHAPES], *self._left, *self._right}
        self._changed = np.array(sorted(touched), np.intp)

    def tuned(self, found: Blendshapes) -> tuple[Array, Array | None]:
        """Return weights and halves (56,) tuned, and the standard deviations (52,) of the weights.

        A standard deviation of the measured weight, up or down, goes through the curve, whichever
        changes it more: at the ends of the curve a derivative would be 0 or infinite. Both sides of
        a mean count as wrong together, as the network errs.
        """
        values = np.zeros((1 if found.sd is None else 3, len(_TUNED_LIKE)))
        values[:, :_SHAPES] = found.weights
        if found.sides is not None:
            values[:, _SHAPES:] = found.sides
        if found.sd is not None:
            values[1, :_SHAPES] += found.sd
            values[2, :_SHAPES] -= found.sd
        if len(self._left):
            middle = (values[:, self._left] + values[:, self._right]) / 2
            values[:, self._left] = values[:, self._right] = middle
        values[:, self._at] = self._curved(values[:, self._at])
        if found.sd is None:
            return values[0], None
        sd = found.sd.copy()
        changed = self._changed
        here, above, below = values[:, changed]
        sd[changed] = np.maximum(np.abs(above - here), np.abs(here - below))
        return values[0], sd

    def _curved(self, values: Array) -> Array:
        curved = (values * self._gain + self._offset - self._dead) * self._stretch
        np.maximum(curved, 0.0, out=curved)
        np.minimum(curved, 1.0, out=curved)
        curved **= self._power
        if len(self._bent):
            x = curved[:, self._bent]
            curved[:, self._bent] = x * x * (3.0 - 2.0 * x)
        return curved
