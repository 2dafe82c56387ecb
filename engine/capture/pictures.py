"""The pictures of a video file with their times, from any place in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.errors import SourceError

FALLBACK_RATE = 25.0  # for files that state none
_SAME_S = 0.0005  # times this near are one: the coarsest files state milliseconds
_BACK_S = (0.0, 3.0, 20.0)  # how far before a time to begin, where the file's index is wrong


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before it is read."""

    size_px: tuple[int, int]  # width, height, upright
    frame_rate: float
    frame_count: int | None  # None where the file does not say
    quarter_turns: int = 0  # counter-clockwise, that set the stored picture upright
    duration_s: float | None = None  # None where the file does not say


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture and when it is shown, in seconds after the first."""

    decoded: VideoFrame
    position_s: float
    lost: int = 0  # pictures that are missing before it

    def upright(self) -> NDArray[np.uint8]:
        """Return the picture (H, W, 3) as it is meant to be seen: phones store it lying."""
        image = self.decoded.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        return np.ascontiguousarray(np.rot90(image, _quarter_turns(self.decoded)))


class Pictures:
    """Decodes a file; all calls on one thread.

    path    the file
    halted  asked while it looks for a picture: True ends the search

    Raises SourceError if there is no such file, if it is no video, or if it breaks off.
    """

    def __init__(self, path: Path, halted: Callable[[], bool] = lambda: False) -> None:
        self._path, self._halted = path, halted
        self._container, self._frames, first = _open(path)
        self.info = _info(self._container, first)
        self._frame_s = 1.0 / self.info.frame_rate
        self._first_s = None if first.pts is None else float(first.time)
        self._last_s: float | None = None  # of the picture before the one that is decoded next
        self._ahead: list[VideoFrame] = [first]

    def next(self) -> Picture | None:
        """Return the picture after the last one; None at the end."""
        decoded = self._ahead.pop() if self._ahead else self._decoded()
        return None if decoded is None else self._timed(decoded)

    def rewind(self) -> None:
        """Go on with the first picture."""
        self._container.close()
        self._container, self._frames, first = _open(self._path)
        self._ahead, self._last_s = [first], None

    def at(self, position_s: float) -> Picture | None:
        """Return the picture that is seen at a time, the last one beyond the end."""
        return self._latest_until(position_s + _SAME_S)

    def before(self, position_s: float) -> Picture | None:
        """Return the picture before the one that is seen at a time; None before the first."""
        found = self._latest_until(position_s - _SAME_S)
        return None if found is None or found.position_s > position_s - _SAME_S else found

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _latest_until(self, end_s: float) -> Picture | None:
        """Return the last picture not after a time, or the first; `next` goes on after it."""
        self._go_before(end_s)
        found, picture = None, self.next()
        while picture is not None and (found is None or picture.position_s <= end_s):
            if self._halted():
                return None
            found, picture = picture, self.next()
        if found is not None and picture is not None:
            self._ahead, self._last_s = [picture.decoded], found.position_s
        return found

    def _go_before(self, position_s: float) -> None:
        """Jump to a picture that can be decoded by itself and is not after a time."""
        for back_s in _BACK_S if self._first_s is not None else ():
            if position_s - back_s <= 0.0:
                break
            if self._jumped(position_s - back_s, position_s):
                return
        self.rewind()

    def _jumped(self, target_s: float, latest_s: float) -> bool:
        stream = self._container.streams.video[0]
        assert stream.time_base is not None
        assert self._first_s is not None
        try:
            offset = int((self._first_s + target_s) / stream.time_base)
            self._container.seek(offset, backward=True, stream=stream)
            self._frames = self._container.decode(stream)
            decoded = next(self._frames, None)
        except FFmpegError:
            return False  # many a format cannot jump
        if decoded is None or decoded.pts is None or decoded.time - self._first_s > latest_s:
            return False
        self._ahead, self._last_s = [decoded], None
        return True

    def _decoded(self) -> VideoFrame | None:
        try:
            return next(self._frames, None)
        except FFmpegError as error:
            self._container.close()
            raise SourceError(
                f"{self._path}: breaks off after {self._last_s or 0.0:.2f} s ({error.strerror})"
            ) from error

    def _timed(self, decoded: VideoFrame) -> Picture:
        """Give a picture its time; where the file's time stands still, the nominal one."""
        last_s = self._last_s
        nominal_s = 0.0 if last_s is None else last_s + self._frame_s
        known = decoded.pts is not None and self._first_s is not None
        stated_s = float(decoded.time) - (self._first_s or 0.0) if known else nominal_s
        position_s = stated_s if last_s is None or stated_s > last_s else nominal_s
        self._last_s = position_s
        return Picture(decoded, position_s)


def _open(path: Path) -> tuple[InputContainer, Iterator[VideoFrame], VideoFrame]:
    """Open a file and decode its first frame, which proves that it is a video."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    try:
        container = av.open(str(path))
    except (FFmpegError, OSError) as error:
        raise SourceError(f"{path}: not a video that can be read ({error.strerror})") from error
    try:
        if not container.streams.video:
            raise SourceError(f"{path}: has no video stream")
        frames = container.decode(container.streams.video[0])
        first = next(frames, None)
        if first is None:
            raise SourceError(f"{path}: has no picture in it")
    except FFmpegError as error:
        container.close()
        raise SourceError(f"{path}: not a video that can be read ({error.strerror})") from error
    except SourceError:
        container.close()
        raise
    return container, frames, first


def _info(container: InputContainer, first: VideoFrame) -> VideoInfo:
    stream = container.streams.video[0]
    rate = stream.average_rate or stream.guessed_rate or Fraction(0)
    lying = first.rotation % 180 != 0
    return VideoInfo(
        size_px=(first.height, first.width) if lying else (first.width, first.height),
        frame_rate=float(rate) or FALLBACK_RATE,
        frame_count=stream.frames or None,
        quarter_turns=_quarter_turns(first),
        duration_s=_duration_s(container),
    )


def _duration_s(container: InputContainer) -> float | None:
    stream = container.streams.video[0]
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _quarter_turns(decoded: VideoFrame) -> int:
    return round(decoded.rotation / 90) % 4
