"""Tones that tell what the eyes may not see: get ready, hold, done. Silence is no obstacle."""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.mailbox import Slot
from engine.types import Array
from engine.worker import Worker

_RATE_HZ, _FADE_S, _LOUDNESS = 48_000, 0.01, 0.2


class Cue(Enum):
    """What is told; the value is its tones, each (frequency in Hz, seconds)."""

    READY = ((523.25, 0.12),)
    HOLD = ((783.99, 0.12),)
    DONE = ((783.99, 0.10), (1046.5, 0.18))


class Cues:
    """Plays on a thread of its own: a sound device may take its time.

    silent  why nothing is heard; empty while sounds are heard, or none has been played
    """

    def __init__(self) -> None:
        self.silent = ""
        self._asked: Slot[Cue] = Slot()
        self._worker = Worker("cues", self._asked, self._play)

    def play(self, cue: Cue) -> None:
        """Begin to play; returns at once."""
        self._asked.put(cue)

    def close(self) -> None:
        """End the thread, after the tone that is being played."""
        self._worker.stop()

    def _play(self, cue: Cue) -> None:
        try:
            import sounddevice  # needs PortAudio, which not every machine has
        except (ImportError, OSError) as error:
            self.silent = str(error)
            return
        try:
            sounddevice.play(samples(cue), _RATE_HZ, blocking=True)
            self.silent = ""
        except (sounddevice.PortAudioError, ValueError) as error:
            self.silent = str(error)


def samples(cue: Cue) -> Array:
    """Return a cue as (N,) samples in [-1, 1] at 48 kHz; it begins and ends without a click."""
    parts: list[Array] = []
    for frequency_hz, seconds in cue.value:
        at = np.arange(round(seconds * _RATE_HZ)) / _RATE_HZ
        fade = np.minimum(1.0, np.minimum(at, at[::-1]) / _FADE_S)
        parts.append((_LOUDNESS * fade * np.sin(2 * np.pi * frequency_hz * at)).astype(np.float32))
    return np.concatenate(parts)
