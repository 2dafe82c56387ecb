"""The overlay as a video file: drawn without a window, H.264 in MP4."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import moderngl
import numpy as np
from av.container import OutputContainer

from app.render.look import Look
from app.render.offscreen import Canvas, create_context
from app.render.scene import Scene
from engine.clock import NS_PER_S
from engine.errors import OutputError
from engine.export._film import Heard
from engine.fit.heads import HeadModel
from engine.types import Frame, TrackResult

_TIME_BASE = Fraction(1, 90_000)  # fine enough for every usual frame rate
_LEAST_STEP = 90  # one millisecond, the finest that Matroska stores
_NOMINAL_HEIGHT_PX = 720  # the picture height at which lines and texts have their nominal size
_LAYOUTS = ("mono", "stereo")
_QUALITY = {"crf": "18", "preset": "fast"}


class OverlayWriter:
    """Writes every frame with its overlay. Until `close`, the file is called NAME.writing.

    path        ends in .mp4, .mkv or .mov; an older file of that name is replaced
    size_px     width, height of the frames; odd sides grow by one pixel, as the format needs
    frame_rate  nominal, per second; the true times are those at which frames were captured
    head        the model that the results were fitted with
    look        what to draw
    sound       to go with it: its first sample was heard at the first frame

    `write` and `close` may be called from any thread, one at a time.
    Raises OutputError if the file cannot be made, or where there is no OpenGL.
    """

    def __init__(
        self,
        path: Path,
        size_px: tuple[int, int],
        frame_rate: float,
        head: HeadModel,
        look: Look | None = None,
        sound: Heard | None = None,
    ) -> None:
        self._path, self._head, self._look = Path(path), head, look or Look()
        self._unfinished = self._path.with_name(self._path.name + ".writing")
        self._size_px = (size_px[0] + size_px[0] % 2, size_px[1] + size_px[1] % 2)
        self._container = _open(self._path, self._unfinished)
        rate = Fraction(frame_rate).limit_denominator(1001)
        self._stream = self._container.add_stream("libx264", rate, options=dict(_QUALITY))
        self._stream.width, self._stream.height = self._size_px
        self._stream.pix_fmt, self._stream.time_base = "yuv420p", _TIME_BASE
        self._stream.codec_context.time_base = _TIME_BASE
        self._sound = None if sound is None else _SoundTrack(self._container, sound)
        self._first_ns: int | None = None
        self._last_tick = -_LEAST_STEP
        self._drawn: tuple[moderngl.Context, Scene, Canvas] | None = None

    def write(self, frame: Frame, result: TrackResult | None) -> None:
        """Draw one frame and append it; frames come in the order of their capture."""
        context, scene, canvas = self._drawn or self._start()
        with context:
            scene.show(frame.image, result)
            scale = max(self._size_px[1] / _NOMINAL_HEIGHT_PX, 0.75)
            scene.draw(canvas.target, self._size_px, self._look, scale)
            picture = av.VideoFrame.from_ndarray(canvas.read(), format="rgb24")
        self._first_ns = frame.captured_ns if self._first_ns is None else self._first_ns
        tick = round((frame.captured_ns - self._first_ns) / NS_PER_S / _TIME_BASE)
        # Players refuse time that stands still.
        self._last_tick = max(tick, self._last_tick + _LEAST_STEP)
        picture.pts, picture.time_base = self._last_tick, _TIME_BASE
        self._container.mux(self._stream.encode(picture))
        if self._sound is not None:
            self._sound.write_until(float(self._last_tick * _TIME_BASE))

    def _start(self) -> tuple[moderngl.Context, Scene, Canvas]:
        context = create_context()
        with context:  # current only while drawing, so that another thread may go on
            self._drawn = (context, Scene(context, self._head), Canvas(context, self._size_px))
        return self._drawn

    def close(self) -> None:
        """Finish the file and give it its name; without a single frame there is no file."""
        written = self._last_tick >= 0
        if written:
            self._container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.close()
        self._container.close()
        if written:
            os.replace(self._unfinished, self._path)
        else:
            self._unfinished.unlink()
        self._release()

    def drop(self) -> None:
        """Leave no file behind."""
        self._container.close()
        self._unfinished.unlink(missing_ok=True)
        self._release()

    def _release(self) -> None:
        if self._drawn is not None:
            context, scene, canvas = self._drawn
            with context:
                scene.release()
                canvas.release()
            context.release()
            self._drawn = None


class _SoundTrack:
    """Puts samples beside the pictures, as far as these have come."""

    def __init__(self, container: OutputContainer, sound: Heard) -> None:
        samples = sound.samples
        if samples.shape[1] > len(_LAYOUTS):
            samples = samples.mean(axis=1, keepdims=True).astype(np.int16)
        self._container, self._samples, self._rate = container, samples, sound.rate
        self._layout = _LAYOUTS[samples.shape[1] - 1]
        self._stream = container.add_stream("aac", rate=sound.rate, layout=self._layout)
        self._written = 0

    def write_until(self, seconds: float) -> None:
        end = min(int(seconds * self._rate) + 1, len(self._samples))
        part = np.ascontiguousarray(self._samples[self._written : end])
        if not len(part):
            return
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout=self._layout)
        frame.sample_rate, frame.pts = self._rate, self._written
        frame.time_base = Fraction(1, self._rate)
        self._written = end
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))


def _open(path: Path, unfinished: Path) -> OutputContainer:
    formats = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}
    if path.suffix.lower() not in formats:
        raise OutputError(f"{path}: cannot write this kind of video; allowed: {', '.join(formats)}")
    try:
        unfinished.touch()  # PyAV itself opens the file only with the first packet
        return av.open(str(unfinished), "w", format=formats[path.suffix.lower()])
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
