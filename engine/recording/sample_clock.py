"""When a sound device's samples were heard, on the clock that frames are stamped with.

A device counts samples by a crystal of its own, some 50 parts in a million off: after ten minutes
that is 30 ms. Every block tells when its first sample was heard, with some milliseconds of jitter;
a line through those moments is both steady and true.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from engine import clock

WINDOW_S = 60.0  # of the line; a crystal's warmth changes over minutes
SETTLED_S = 10.0  # before, jitter would be read as drift: the nominal rate is believed
MOST_DRIFT = 500e-6  # more is no crystal but a stalled device
SPACING_S = 0.25  # between the points of the line


class SampleClock:
    """Learns the line of one device.

    sample_rate  nominal, Hz
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._points: deque[tuple[int, int]] = deque()  # samples before, when heard (ns)
        self._origin: tuple[int, int] | None = None
        self._start_s, self._drift = 0.0, 0.0
        self._recent: list[tuple[int, int]] = []

    @property
    def drift(self) -> float:
        """How much faster than its nominal rate the device is; 50e-6 for 50 parts in a million."""
        return self._drift

    def observe(self, sample: int, heard_ns: int) -> None:
        """Take note of a block.

        sample    how many were before it
        heard_ns  when its first one was heard, monotonic
        """
        if self._origin is None:
            self._origin = (sample, heard_ns)
        self._recent.append((sample, heard_ns))
        if sample - self._recent[0][0] < SPACING_S * self._rate and self._points:
            return
        # The mean of the blocks in between: their jitter is not one another's.
        mean = np.mean(np.array(self._recent, np.float64) - self._origin, axis=0)
        self._recent.clear()
        self._points.append((round(mean[0]), round(mean[1])))
        while self._points[-1][0] - self._points[0][0] > WINDOW_S * self._rate:
            self._points.popleft()
        self._fit()

    def heard_ns(self, sample: int) -> int:
        """Return when a sample was heard, monotonic. Before any block that is not known: error."""
        if self._origin is None:
            raise ValueError("no block was observed")
        first, first_ns = self._origin
        seconds = self._start_s + (sample - first) / (self._rate * (1.0 + self._drift))
        return first_ns + round(seconds * clock.NS_PER_S)

    def _fit(self) -> None:
        points = np.array(self._points, np.float64)
        samples_s, heard_s = points[:, 0] / self._rate, points[:, 1] / clock.NS_PER_S
        if samples_s[-1] - samples_s[0] >= SETTLED_S:
            slope = float(np.polyfit(samples_s - samples_s.mean(), heard_s - heard_s.mean(), 1)[0])
            self._drift = float(np.clip(1.0 / slope - 1.0, -MOST_DRIFT, MOST_DRIFT))
        self._start_s = float(np.mean(heard_s - samples_s / (1.0 + self._drift)))
