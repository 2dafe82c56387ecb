"""Plays the sound of a take beside its pictures, kept to their clock."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from engine import clock
from engine.capture.player import Player
from engine.errors import SourceError
from engine.mailbox import Slot
from engine.recording.microphone import sound_library
from engine.types import Array
from engine.worker import Worker

_OFF_S = 0.04  # from the picture's time before it jumps there
_PATIENCE_S = 5.0
_log = logging.getLogger(__name__)


class Loudspeaker:
    """Opens the usual output on a thread of its own. No device is no obstacle: `error` tells.

    film    with the sound
    player  whose place is followed
    """

    def __init__(self, film: Path, player: Player) -> None:
        self._player = player
        self._stream: Any = None
        self._track: Track | None = None
        self._at = -1.0  # the sample that is heard next, fractional
        self.error: str | None = None
        self._films: Slot[Path] = Slot()
        self._films.put(film)
        self._worker = Worker("take sound", self._films, self._open, self._shut)

    def close(self) -> None:
        """Fall silent and let the device go."""
        self._films.close()
        self._worker.join(_PATIENCE_S)

    def _open(self, film: Path) -> None:
        try:
            track = read_track(film)
            if track is None:
                return
            library = sound_library()
            self._track = track
            try:
                self._stream = library.OutputStream(
                    samplerate=track.rate,
                    channels=track.samples.shape[1],
                    dtype="int16",
                    callback=self._on_block,
                )
                self._stream.start()
            except (library.PortAudioError, ValueError) as error:
                raise SourceError(f"sound: no output can be opened ({error})") from error
        except SourceError as error:
            self.error = str(error)
            _log.info("%s", error)

    def _shut(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def _on_block(self, block: NDArray[np.int16], count: int, times: Any, _flags: Any) -> None:
        lead_s = times.outputBufferDacTime - times.currentTime
        lead_s = lead_s if 0.0 <= lead_s < 1.0 else 0.0  # a driver that does not say
        block[:] = self.heard(count, clock.now_ns() + round(lead_s * clock.NS_PER_S))

    def heard(self, count: int, at_ns: int) -> NDArray[np.int16]:
        """Return the samples (count, channels) for a block that begins at a moment of the clock."""
        track, shown, speed = self._track, self._player.shown, self._player.speed
        if track is None or shown is None:
            self._at = -1.0
            return np.zeros((count, 1 if track is None else track.samples.shape[1]), np.int16)
        place_s = shown[0] + speed * (at_ns - shown[1]) / clock.NS_PER_S
        due = (place_s - track.starts_s) * track.rate
        if self._at < 0 or abs(self._at - due) > _OFF_S * track.rate:
            self._at = due
        wanted = self._at + speed * np.arange(count)
        self._at += speed * count
        return track.between(wanted)


class Track:
    """Decoded sound.

    samples   (n, channels)
    rate      samples a second
    starts_s  the first one's time in the film
    """

    def __init__(self, samples: NDArray[np.int16], rate: int, starts_s: float) -> None:
        self.samples, self.rate, self.starts_s = samples, rate, starts_s

    def between(self, wanted: Array) -> NDArray[np.int16]:
        """Return samples at fractional places (m,), linearly; silence before and after."""
        last = len(self.samples) - 1
        inside = (wanted >= 0) & (wanted <= last)
        place = np.clip(wanted, 0, last)
        low = place.astype(np.int64)
        high, share = np.minimum(low + 1, last), (place - low)[:, None]
        mixed = self.samples[low] * (1 - share) + self.samples[high] * share
        return np.where(inside[:, None], np.rint(mixed), 0).astype(np.int16)


def read_track(film: Path) -> Track | None:
    """Decode the sound of a film; None if it has none. Raises SourceError if it is damaged."""
    blocks: list[NDArray[np.int16]] = []
    starts_s, rate = 0.0, 0
    try:
        with av.open(str(film)) as container:
            if not container.streams.audio:
                return None
            layout = container.streams.audio[0].layout.name
            resampler = av.AudioResampler(format="s16", layout=layout)
            channels = container.streams.audio[0].channels
            for frame in container.decode(container.streams.audio[0]):
                if not blocks:
                    starts_s, rate = float(frame.time or 0.0), frame.sample_rate
                for part in resampler.resample(frame):
                    blocks.append(part.to_ndarray().reshape(-1, channels).astype(np.int16))
    except (FFmpegError, OSError) as error:
        raise SourceError(f"{film}: the sound cannot be read ({error.strerror})") from error
    return Track(np.concatenate(blocks), rate, starts_s) if blocks else None
