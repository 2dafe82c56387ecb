"""Sound from a device, stamped on the clock of the frames.

Source: PortAudio's PaStreamCallbackTimeInfo: when the first sample of a block reached the converter
and when the callback was called, on the stream's own clock; their difference is the block's age.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import clock
from engine.errors import SourceError
from engine.recording.film import Sound, SoundFormat
from engine.recording.settings import SoundSettings

CLIPPED = 32700  # of 32767: the converter's end
_HOLD_NS = 2 * clock.NS_PER_S  # how long the clipping light stays on
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Level:
    """Of the sound just heard."""

    peak: float  # of full scale, [0, 1]
    rms: float
    clipped: bool  # within the last two seconds


class Microphone:
    """Hands blocks to `heard` from the device's own thread until it is closed.

    settings  see SoundSettings
    heard     must not block

    Raises SourceError naming the devices that there are.
    """

    def __init__(self, settings: SoundSettings, heard: Callable[[Sound], None]) -> None:
        self._heard, self._samples, self._clipped_ns = heard, 0, 0
        self.level = Level(0.0, 0.0, False)
        self.lost = 0
        sounddevice = sound_library()
        try:
            number = _device(sounddevice, settings.device)
            about = sounddevice.query_devices(number, "input")
            channels = min(settings.channels, int(about["max_input_channels"]))
            self._stream = sounddevice.InputStream(
                device=number,
                samplerate=settings.sample_rate,
                channels=channels,
                dtype="int16",
                callback=self._on_block,
            )
            self.format = SoundFormat(str(about["name"]), settings.sample_rate, channels)
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            name = settings.device or "the usual input"
            raise SourceError(f"sound {name}: cannot be opened ({error}); {_found()}") from error

    def close(self) -> None:
        """Let the device go."""
        self._stream.close()

    def _on_block(self, block: NDArray[np.int16], count: int, times: Any, flags: Any) -> None:
        now_ns = clock.now_ns()
        age_s = times.currentTime - times.inputBufferAdcTime
        if not 0.0 <= age_s < 1.0:  # a driver that does not say
            age_s = count / self.format.sample_rate
        if flags.input_overflow:
            self.lost += 1
        heard_ns = now_ns - round(age_s * clock.NS_PER_S)
        sound = Sound(block.copy(), self._samples, heard_ns)
        self._samples += count
        self.level, self._clipped_ns = measured(sound.samples, now_ns, self._clipped_ns)
        self._heard(sound)


def measured(samples: NDArray[np.int16], now_ns: int, clipped_ns: int) -> tuple[Level, int]:
    """Return the level of a block, and when clipping was last heard.

    samples     (n, channels)
    clipped_ns  when it was last heard before this block; 0 for never
    """
    if samples.size == 0:
        return Level(0.0, 0.0, False), clipped_ns
    loud = np.abs(samples.astype(np.int32))
    peak = int(loud.max())
    if peak >= CLIPPED:
        clipped_ns = now_ns
    rms = float(np.sqrt(np.mean((loud / 32768.0) ** 2)))
    held = clipped_ns > 0 and now_ns - clipped_ns < _HOLD_NS
    return Level(peak / 32768.0, rms, held), clipped_ns


def devices() -> list[str]:
    """Return the names of the inputs; none where sound cannot be had at all."""
    try:
        sounddevice = sound_library()
        return [
            str(device["name"])
            for device in sounddevice.query_devices()
            if device["max_input_channels"] > 0
        ]
    except SourceError as error:
        _log.info("%s", error)
        return []


def sound_library() -> Any:
    """Return PortAudio's library. Raises SourceError where the machine has none."""
    try:
        import sounddevice
    except OSError as error:  # PortAudio itself is absent
        raise SourceError(f"sound: not available on this machine ({error})") from error
    return sounddevice


def _device(sounddevice: Any, name: str | None) -> int | None:
    if name is None:
        return None
    for number, device in enumerate(sounddevice.query_devices()):
        if device["name"] == name and device["max_input_channels"] > 0:
            return number
    raise SourceError(f"sound {name!r}: no such input; {_found()}")


def _found() -> str:
    names = devices()
    return f"found are {', '.join(names)}" if names else "no input was found"
