"""Reads a video file frame by frame, with the times that the file itself states."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine import clock
from engine.errors import SourceError
from engine.geometry import assumed_camera
from engine.types import Camera, Frame

LONGEST_NAP_S = 0.1  # so that a close is noticed while waiting for a late frame
FALLBACK_RATE = 25.0  # for files that state none


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before it is read."""

    size_px: tuple[int, int]  # width, height, upright
    frame_rate: float
    frame_count: int | None  # None where the file does not say
    quarter_turns: int = 0  # counter-clockwise, that set the stored picture upright


class VideoReader:
    """A Source over a video file; VideoReader.take follows engine.capture.sources.Source.

    path          the file
    paced         True: every frame is handed over when its time has come, as a camera would;
                  False: as fast as it is asked for
    loop          start again at the end
    max_frames    end after so many frames; all if None
    field_of_view_rad  of the assumed camera, across the longer image side
    live          whether a frame that is not taken in time is lost

    captured_ns of a frame is the time of the first `take` plus the frame's presentation time, in
    both cases. Paced, that is the moment when a camera would have handed it over: time lost by
    decoding late counts as latency.

    Raises SourceError if there is no such file, if it is no video, or if it breaks off.
    """

    def __init__(
        self,
        path: Path,
        *,
        paced: bool,
        loop: bool = False,
        max_frames: int | None = None,
        field_of_view_rad: float,
        live: bool,
    ) -> None:
        self.name, self.live = path.name, live
        self._path, self._paced, self._loop, self._max_frames = path, paced, loop, max_frames
        self._closing = False
        self._index, self._start_ns, self._time_s = 0, 0, 0.0
        self._loop_start_s = 0.0
        self._container, self._frames, self._first = _open(path)
        self.info = _info(self._container, self._first)
        self.camera: Camera = assumed_camera(*self.info.size_px, field_of_view_rad)

    @property
    def frame_rate(self) -> float:
        """Nominal frames a second."""
        return self.info.frame_rate

    def take(self) -> Frame | None:
        """Wait for the next frame; None at the end."""
        ended = self._max_frames is not None and self._index >= self._max_frames
        decoded = None if ended or self._closing else self._next()
        if decoded is None:
            self._container.close()
            return None
        self._time_s = self._presented_s(decoded)
        if self._index == 0:
            self._start_ns = clock.now_ns() - round(self._time_s * clock.NS_PER_S)
        captured_ns = self._start_ns + round(self._time_s * clock.NS_PER_S)
        frame = Frame(_upright(decoded), self._index, captured_ns)
        self._index += 1
        if self._paced and not self._waited_until(captured_ns):
            self._container.close()
            return None
        return frame

    def close(self) -> None:
        """Ask for the end; the reading thread closes the file."""
        self._closing = True

    def _next(self) -> VideoFrame | None:
        if (first := self._first) is not None:
            self._first = None
            return first
        try:
            decoded = next(self._frames, None)
        except FFmpegError as error:
            self._container.close()
            raise SourceError(
                f"{self._path}: breaks off after {self._index} frames ({error.strerror})"
            ) from error
        if decoded is None and self._loop:
            self._container.close()
            self._container, self._frames, decoded = _open(self._path)
            self._loop_start_s = self._time_s + 1.0 / self.info.frame_rate
        return decoded

    def _presented_s(self, decoded: VideoFrame) -> float:
        """Return the frame's time; where the file's time stands still, the nominal one."""
        nominal_s = self._time_s + 1.0 / self.info.frame_rate if self._index else 0.0
        if decoded.pts is None:
            return nominal_s
        stated_s = self._loop_start_s + decoded.time
        return stated_s if self._index == 0 or stated_s > self._time_s else nominal_s

    def _waited_until(self, deadline_ns: int) -> bool:
        """Wait; False if the reader was closed before the time had come."""
        while (left_ns := deadline_ns - clock.now_ns()) > 0:
            if self._closing:
                return False
            time.sleep(min(left_ns / clock.NS_PER_S, LONGEST_NAP_S))
        return True


def probe(path: Path) -> VideoInfo:
    """Return what a video file says of itself. Raises SourceError if it is none."""
    container, _, first = _open(path)
    with container:
        return _info(container, first)


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
    )


def _upright(decoded: VideoFrame) -> NDArray[np.uint8]:
    """Return the picture (H, W, 3) as it is meant to be seen: phones store it lying."""
    image = decoded.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    return np.ascontiguousarray(np.rot90(image, _quarter_turns(decoded)))


def _quarter_turns(decoded: VideoFrame) -> int:
    return round(decoded.rotation / 90) % 4
