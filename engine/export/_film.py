"""Pictures and sound of a take, for formats that carry them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from engine import clock
from engine.errors import TakeError
from engine.export._series import Series
from engine.recording.film import FILM_FILE
from engine.recording.frame_times import read_frame_times
from engine.recording.reader import Take
from engine.types import Array


@dataclass(frozen=True, eq=False)
class Heard:
    """Sound on the clock of the pictures: sample n was heard at n / rate after the take's start."""

    samples: NDArray[np.int16]  # (n, channels)
    rate: int


def pictures(take: Take, found: Series) -> Iterator[NDArray[np.uint8]]:
    """Yield for every frame of a series the picture (H, W, 3) RGB that was before the camera then.

    Raises TakeError if the take has no film.
    """
    index, captured_ns = _times(take)
    wanted_ns = take.captured_ns[0] + np.round(found.seconds * clock.NS_PER_S).astype(np.int64)
    # The newest picture that is not later, within half a millisecond of rounding.
    rows = np.maximum(np.searchsorted(captured_ns, wanted_ns + 500_000, side="right") - 1, 0)
    try:
        with av.open(str(take.folder / FILM_FILE)) as film:
            decoded = enumerate(film.decode(video=0))
            number, image = -1, None
            for row in rows:
                while number < row:
                    number, frame = next(decoded)
                    image = None
                    if number == row:
                        image = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                if image is None:
                    raise TakeError(f"{take.folder / FILM_FILE}: picture {row} is missing")
                yield image
    except (FFmpegError, StopIteration) as error:
        raise TakeError(
            f"{take.folder / FILM_FILE}: breaks off before picture {len(index)}"
        ) from error


def sound(take: Take) -> Heard | None:
    """Return a take's sound from its first tracked frame on; None if it has none.

    The file's packets say when they were heard; between them samples are interpolated linearly, so
    that the device's drift is gone. What was before the sound began is silence.
    """
    if take.info.sound is None:
        return None
    _, captured_ns = _times(take)
    begins_s = (int(take.captured_ns[0]) - int(captured_ns[0])) / clock.NS_PER_S
    blocks: list[NDArray[np.int16]] = []
    starts: list[float] = []
    try:
        with av.open(str(take.folder / FILM_FILE)) as film:
            for frame in film.decode(audio=0):
                samples = frame.to_ndarray()
                channels = frame.layout.nb_channels
                if frame.format.is_planar:
                    samples = samples.T
                samples = samples.reshape(-1, channels)
                if samples.dtype != np.int16:
                    samples = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
                blocks.append(samples.astype(np.int16, copy=False))
                starts.append(float(frame.time or 0.0) - begins_s)
    except FFmpegError as error:
        raise TakeError(f"{take.folder / FILM_FILE}: its sound breaks off ({error})") from error
    rate = take.info.sound.sample_rate
    return Heard(_on_clock(blocks, np.array(starts), rate), rate)


def _on_clock(blocks: list[NDArray[np.int16]], starts_s: Array, rate: int) -> NDArray[np.int16]:
    """Return samples at n / rate, of blocks that begin at times of their own."""
    lengths = np.array([len(block) for block in blocks])
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    # A line through the blocks: their times are rounded to milliseconds.
    slope, offset = np.polyfit(first, starts_s, 1) if len(blocks) > 1 else (1 / rate, starts_s[0])
    flat = np.concatenate(blocks).astype(np.float32)
    heard = offset + slope * np.arange(len(flat))
    count = max(0, int(np.floor(heard[-1] * rate)) + 1)
    at = np.arange(count) / rate
    mixed = [np.interp(at, heard, flat[:, channel], left=0.0) for channel in range(flat.shape[1])]
    return np.round(np.stack(mixed, axis=1)).astype(np.int16)


def _times(take: Take) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if take.info.film is None:
        raise TakeError(f"{take.folder}: has no film; this format needs the pictures")
    return read_frame_times(take.folder, whole=True)
