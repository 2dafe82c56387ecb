"""Decodes linear timecode (LTC) from one channel of sound.

Source: SMPTE ST 12-1:2014, section 9: 80 bits a frame, biphase mark: the level changes at every
bit's beginning, and once more in the middle of a one; the last 16 bits are the sync word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 80
_SYNC = (0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1)  # in the order sent
_RATES = (24.0, 25.0, 30.0)  # 29.97 and 23.976 lie within the tolerance
_QUIET = 0.02  # of full scale; below that nothing is there


@dataclass(frozen=True)
class LtcFrame:
    """One decoded label.

    sample  where its first bit begins, samples since the decoder was made
    label   hh:mm:ss:ff; ; before ff in drop-frame
    """

    sample: float
    label: str
    drop_frame: bool


class LtcDecoder:
    """Fed with blocks of any size; whatever is no timecode is passed over.

    sample_rate  of the sound, Hz
    """

    def __init__(self, sample_rate: int) -> None:
        self._shortest = sample_rate / (max(_RATES) * BITS) / 4  # half a bit of the fastest, less
        self._longest = sample_rate / (min(_RATES) * BITS) * 1.5
        self._position, self._last_edge, self._high = 0, 0.0, False
        self._before = 0.0
        self._bit = sample_rate / (25.0 * BITS)  # running length of a bit, samples
        self._half_at: float | None = None
        self._bits: list[int] = []
        self._starts: list[float] = []

    def feed(self, samples: NDArray[np.float32]) -> list[LtcFrame]:
        """Take a block (n,) in [-1, 1]; returns the frames that end in it."""
        found: list[LtcFrame] = []
        for edge in self._edges(samples):
            length, self._last_edge = edge - self._last_edge, edge
            frame = self._after(length, edge)
            if frame is not None:
                found.append(frame)
        self._position += len(samples)
        return found

    def _edges(self, samples: NDArray[np.float32]) -> list[float]:
        """Return where the level crosses zero, to a fraction of a sample; with hysteresis."""
        levels = np.concatenate([[self._before], samples]).astype(np.float64)
        self._before = float(levels[-1])
        peak = float(np.abs(levels).max(initial=0.0))
        threshold = max(_QUIET, 0.2 * peak)
        sure = np.where(levels > threshold, 1, np.where(levels < -threshold, -1, 0))
        edges: list[float] = []
        crossing = np.flatnonzero(np.diff(np.signbit(levels)))
        decided = np.flatnonzero(sure)
        for index in crossing:
            after = decided[np.searchsorted(decided, index + 1) :][:1]
            if len(after) == 0:
                break
            high = bool(sure[after[0]] > 0)
            if high == self._high:
                continue
            self._high = high
            low, up = levels[index], levels[index + 1]
            edges.append(self._position - 1 + index + low / (low - up))
        return edges

    def _after(self, length: float, edge: float) -> LtcFrame | None:
        """Take note of the time since the edge before; returns a frame when one is complete."""
        if not self._shortest < length < self._longest:
            self._forget()
            return None
        if length > 0.75 * self._bit:
            self._half_at = None
            self._bit += 0.1 * (length - self._bit)
            return self._push(0, edge - length)
        if self._half_at is None:
            self._half_at = edge - length
            return None
        start, self._half_at = self._half_at, None
        self._bit += 0.1 * (edge - start - self._bit)
        return self._push(1, start)

    def _forget(self) -> None:
        self._half_at = None
        self._bits.clear()
        self._starts.clear()

    def _push(self, bit: int, start: float) -> LtcFrame | None:
        self._bits.append(bit)
        self._starts.append(start)
        del self._bits[:-BITS], self._starts[:-BITS]
        if len(self._bits) < BITS or tuple(self._bits[-16:]) != _SYNC:
            return None
        label, drop = _label(self._bits)
        return None if label is None else LtcFrame(self._starts[0], label, drop)


def _label(bits: list[int]) -> tuple[str | None, bool]:
    """Return the label of 80 bits, None if its digits are impossible, and the drop-frame flag."""

    def digit(start: int, width: int) -> int:
        return sum(bits[start + place] << place for place in range(width))

    frame = digit(0, 4) + 10 * digit(8, 2)
    second = digit(16, 4) + 10 * digit(24, 3)
    minute = digit(32, 4) + 10 * digit(40, 3)
    hour = digit(48, 4) + 10 * digit(56, 2)
    drop = bool(bits[10])
    if hour > 23 or minute > 59 or second > 59 or frame > 29:
        return None, drop
    mark = ";" if drop else ":"
    return f"{hour:02}:{minute:02}:{second:02}{mark}{frame:02}", drop
