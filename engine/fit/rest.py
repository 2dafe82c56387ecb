"""What a face reads at rest, learnt while it performs: that is sent as nothing.

A network takes a person's brows for lowered ones, or their lips for pressed ones, in every frame
alike. The rest of somebody new is what is usually read. Of a person it is a low quantile of the
shape's readings, which is followed by stochastic approximation: a reading below it draws it down,
one above lets it rise, nine times slower for a quantile of 0.1. So a smile that is held is not soon
taken for rest, and what was is given back at once when the face relaxes.
Source: Robbins and Monro 1951, A stochastic approximation method; as a quantile, Tierney 1983.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.clock import NS_PER_S
from engine.errors import ConfigError
from engine.settings import check, setting
from engine.types import Array

_LONGEST_S = 0.1  # what a frame counts at most, however long ago the last one was


@dataclass(frozen=True)
class RestSettings:
    """How rest is learnt where there is no guided calibration."""

    on: bool = setting(True, "What this face reads at rest is learnt; off: it is the usual.")
    quantile: float = setting(
        0.1, "Share of the readings that are taken to be at rest.", minimum=0.01, maximum=0.5
    )
    rate_per_s: float = setting(
        0.15, "How fast the rest follows, in readings a second.", minimum=0.0, maximum=10.0
    )
    first_rate_per_s: float = setting(
        1.0, "The same of somebody new; it slows down.", minimum=0.0, maximum=10.0
    )
    first_s: float = setting(
        2.0, "Time after which it is half of that.", minimum=0.1, maximum=600.0
    )

    def __post_init__(self) -> None:
        check(self, "retarget.rest")
        if self.first_rate_per_s < self.rate_per_s:
            raise ConfigError(
                f"retarget.rest.first_rate_per_s: {self.first_rate_per_s}; "
                f"must not be below rate_per_s {self.rate_per_s}"
            )


@dataclass(frozen=True, eq=False)
class LearntRest:
    """What has been learnt of one person's rest, as it outlives a session."""

    offset: Array  # (52,) reading at rest
    seen_s: float  # time that it was learnt in


class Rest:
    """The rest of the person in front of the camera; a `PersonCalibration` that goes on.

    usual  (52,) reading at rest of people in general, by shape
    most   (52,) the largest reading that is taken for rest
    """

    def __init__(self, settings: RestSettings, usual: Array, most: Array) -> None:
        self._settings, self._usual, self._most = settings, usual, most
        self.forget()

    @property
    def offset(self) -> Array:
        """(52,) reading at rest."""
        return self._offset

    @property
    def gain(self) -> Array:
        """(52,) what is above the rest is stretched: a reading of 1 stays 1."""
        return 1.0 / (1.0 - self._offset)

    def forget(self) -> None:
        """Begin with somebody new."""
        self._offset = self._usual.copy()
        self._seen_s, self._last_ns = 0.0, None

    def recall(self, learnt: LearntRest) -> None:
        """Go on from what an earlier session has learnt of the person in front of the camera."""
        if self._settings.on:
            self._offset = np.clip(learnt.offset, 0.0, self._most)
            self._seen_s, self._last_ns = learnt.seen_s, None

    def learnt(self) -> LearntRest | None:
        """Return what has been learnt; None if nothing has."""
        return LearntRest(self._offset.copy(), self._seen_s) if self._seen_s > 0.0 else None

    def watch(self, read: Array, captured_ns: int) -> None:
        """Take in the readings (52,) of the next frame of the same face."""
        last, self._last_ns = self._last_ns, captured_ns
        if last is None or not self._settings.on:
            return
        settings = self._settings
        since_s = min(max((captured_ns - last) / NS_PER_S, 0.0), _LONGEST_S)
        first = settings.first_rate_per_s / (1.0 + self._seen_s / settings.first_s)
        step = since_s * max(settings.rate_per_s, first)
        way = np.where(read < self._offset, settings.quantile - 1.0, settings.quantile)
        self._offset = np.clip(self._offset + step * way, 0.0, self._most)
        self._seen_s += since_s
