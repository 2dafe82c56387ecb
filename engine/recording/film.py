"""The pictures and the sound of a take: one Matroska file, readable at any moment.

Pictures carry the time of their capture, sound the time at which its device heard it; both on the
clock that frames are stamped with, counted from the first picture. Matroska states milliseconds;
the exact times are in frames.arrows, in the order of the pictures.

Sound is stored as it was sampled, without a sample more or less: a device that is 50 parts in a
million fast has its drift in the times of its packets, not in its samples.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.audio.stream import AudioStream
from av.error import FFmpegError
from numpy.typing import NDArray

from engine import clock
from engine.errors import TakeError
from engine.recording.sample_clock import SampleClock
from engine.recording.settings import FilmSettings
from engine.types import Frame

FILM_FILE = "film.mkv"
_MILLISECOND = Fraction(1, 1000)
_CLUSTER_MS = 500  # what Matroska holds back before it writes
_HARDWARE = ("h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox", "h264_mf")
# Every tenth picture stands for itself: jumping in a take is quick, and damage is short.
_H264 = {"preset": "ultrafast", "tune": "zerolatency", "crf": "16", "g": "10"}
_FFV1 = {"level": "3", "coder": "1", "context": "0", "g": "1", "slices": "4", "slicecrc": "1"}


@dataclass(frozen=True, eq=False)
class Sound:
    """A block of samples as the device gave it."""

    samples: NDArray[np.int16]  # (n, channels)
    first_sample: int  # how many were before it, those that were lost included
    heard_ns: int  # when its first sample was heard, monotonic; jitters


@dataclass(frozen=True)
class SoundFormat:
    """Of a device."""

    device: str = ""
    sample_rate: int = 48000
    channels: int = 1


@dataclass
class FilmFigures:
    """What went into the file so far."""

    pictures: int = 0
    samples: int = 0
    samples_lost: int = 0
    video_codec: str = ""
    drift: float = 0.0
    first_ns: int = 0
    sound_starts_ns: int | None = None


class Film:
    """Writes the file; all calls on one thread.

    path      must not exist
    settings  codecs
    first     the first picture: its size is that of all, its time is the file's zero
    rate      nominal frames a second, for the file's header
    sound     None without sound

    Raises TakeError if the disk or the encoder refuses.
    """

    def __init__(
        self,
        path: Path,
        settings: FilmSettings,
        first: Frame,
        rate: float,
        sound: SoundFormat | None,
    ) -> None:
        self._path, self._first_ns = path, first.captured_ns
        self.figures = FilmFigures(first_ns=first.captured_ns)
        self._last_ms = -1
        try:
            self._file: BinaryIO = path.open("xb", buffering=0)
            self._container = av.open(
                self._file,
                "w",
                format="matroska",
                options={"cluster_time_limit": str(_CLUSTER_MS), "flush_packets": "1"},
            )
            self._video = self._add_video(settings.codec, first, rate)
        except (FFmpegError, OSError) as error:
            raise TakeError(f"{path}: cannot be written ({error})") from error
        self._sound = None if sound is None else _SoundTrack(self._container, settings, sound)

    @property
    def sound_clock(self) -> SampleClock | None:
        """When samples were heard; None without sound."""
        return None if self._sound is None or self.figures.samples == 0 else self._sound.clock

    def write(self, frame: Frame) -> None:
        """Append a picture."""
        # Two pictures of one millisecond would be one to the file.
        since_ms = (frame.captured_ns - self._first_ns) / clock.NS_PER_MS
        self._last_ms = max(self._last_ms + 1, round(since_ms))
        picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
        picture.pts, picture.time_base = self._last_ms, _MILLISECOND
        self._mux(self._video, picture)
        self.figures.pictures += 1

    def write_sound(self, sound: Sound) -> None:
        """Append a block of sound; what was heard before the first picture is left out."""
        if self._sound is None:
            return
        self._append(self._sound, self._sound.frames(sound, self._first_ns))

    def secure(self) -> None:
        """Have the system put on the disk what was written."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise TakeError(f"{self._path}: cannot be written ({error.strerror})") from error

    def close(self) -> None:
        """Write what the encoders hold back, and the file's index."""
        try:
            if self._sound is not None:
                self._append(self._sound, self._sound.rest())
                self._mux(self._sound.stream, None)
            self._mux(self._video, None)
            self._container.close()
        except (FFmpegError, OSError) as error:
            raise TakeError(f"{self._path}: cannot be written ({error})") from error
        finally:
            self._file.close()

    def _append(self, track: _SoundTrack, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            self._mux(track.stream, frame)
        figures = self.figures
        figures.samples, figures.samples_lost = track.written, track.lost
        figures.drift, figures.sound_starts_ns = track.clock.drift, track.starts_ns

    def _mux(self, stream: Any, frame: Any) -> None:
        try:
            self._container.mux(stream.encode(frame))
        except (FFmpegError, OSError) as error:
            raise TakeError(f"{self._path}: cannot be written ({error})") from error

    def _add_video(self, codec: str, first: Frame, rate: float) -> Any:
        height, width = first.image.shape[:2]
        for name in _encoders(codec):
            stream: Any = self._container.add_stream(
                name, rate=Fraction(rate).limit_denominator(1001)
            )
            stream.width, stream.height = width, height
            stream.codec_context.time_base = stream.time_base = _MILLISECOND
            stream.pix_fmt = _pixel_format(name, width, height)
            if name == "libx264":
                stream.options = _H264
            elif name == "ffv1":
                stream.options = _FFV1
            stream.codec_context.thread_count = 2
            self.figures.video_codec = name
            return stream
        raise TakeError(f"{self._path}: this machine has no encoder for {codec}")


class _SoundTrack:
    """Cuts blocks into the encoder's frames and says when each was heard."""

    def __init__(self, container: Any, settings: FilmSettings, sound: SoundFormat) -> None:
        self.clock, self._format = SampleClock(sound.sample_rate), sound
        name = {"flac": "flac", "opus": "libopus"}[settings.sound_codec]
        self.stream: AudioStream = container.add_stream(name, rate=sound.sample_rate)
        self._layout = {1: "mono", 2: "stereo"}[sound.channels]
        self.stream.layout, self.stream.format = self._layout, "s16"
        self._unit = Fraction(1, sound.sample_rate)
        self._size = sound.sample_rate // 50  # 20 ms, which both codecs take
        if settings.sound_codec == "flac":
            self._size = 1024
            self.stream.codec_context.options = {"frame_size": "1024"}
        self._waiting = np.zeros((0, sound.channels), np.int16)
        self._next: int | None = None  # number of the first sample that waits
        self._last_pts = -1
        self.written = self.lost = 0
        self.starts_ns: int | None = None

    def frames(self, sound: Sound, first_ns: int) -> list[av.AudioFrame]:
        self.clock.observe(sound.first_sample, sound.heard_ns)
        samples, number = sound.samples, sound.first_sample
        if self._next is None:
            before = round((first_ns - sound.heard_ns) * self._format.sample_rate / clock.NS_PER_S)
            skipped = min(max(before, 0), len(samples))
            samples, number = samples[skipped:], number + skipped
            if len(samples) == 0:
                return []
            self._next, self._zero_ns = number, first_ns
            self.starts_ns = self.clock.heard_ns(number)
        gap = number - (self._next + len(self._waiting))
        if gap > 0:
            # What the device lost is silence: the file's samples keep to the device's count.
            self.lost += gap
            samples = np.concatenate([np.zeros((gap, samples.shape[1]), np.int16), samples])
        self._waiting = np.concatenate([self._waiting, samples])
        whole = len(self._waiting) // self._size
        return [self._cut(self._size) for _ in range(whole)]

    def rest(self) -> list[av.AudioFrame]:
        return [self._cut(len(self._waiting))] if len(self._waiting) else []

    def _cut(self, size: int) -> av.AudioFrame:
        assert self._next is not None
        part, self._waiting = self._waiting[:size], self._waiting[size:]
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(part.reshape(1, -1)), format="s16", layout=self._layout
        )
        frame.sample_rate = self._format.sample_rate
        since_ns = self.clock.heard_ns(self._next) - self._zero_ns
        heard = round(since_ns * self._format.sample_rate / clock.NS_PER_S)
        self._last_pts = frame.pts = max(self._last_pts + 1, heard)
        frame.time_base = self._unit
        self._next += size
        self.written += size
        return frame


def _encoders(codec: str) -> list[str]:
    """Return the encoders to try, best first; one in hardware only if it opens here."""
    if codec == "ffv1":
        return ["ffv1"]
    hardware = [name for name in _HARDWARE if codec == "auto" and _opens(name)]
    return [*hardware[:1], "libx264"]


def _opens(name: str) -> bool:
    try:
        context: Any = av.CodecContext.create(name, "w")
        context.width, context.height, context.pix_fmt = 640, 480, "yuv420p"
        context.time_base = _MILLISECOND
        context.open()
    except (FFmpegError, OSError, ValueError):
        return False
    return True


def _pixel_format(encoder: str, width: int, height: int) -> str:
    if encoder == "ffv1":
        return "bgr0"
    return "yuv420p" if width % 2 == 0 and height % 2 == 0 else "yuv444p"
