"""The film of a take that was tracked from a file: the file's own pictures and sound.

They are copied as they are stored. Only a video that is stored lying, or of which a part was
tracked, is encoded again: its pictures must be those that were tracked. A folder of pictures
becomes a film that loses nothing (FFV1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from engine import clock
from engine.capture.video import VideoReader
from engine.errors import TakeError
from engine.recording.film import FILM_FILE, Film
from engine.recording.frame_times import FrameTimesWriter
from engine.recording.hashes import stream_hashes
from engine.recording.reader import read_take
from engine.recording.settings import FilmSettings
from engine.recording.take import FilmRecord, SoundRecord, TakeInfo, save_info


def add_film(
    folder: Path, source: Path, progress: Callable[[int], None] = lambda pictures: None
) -> TakeInfo:
    """Put the film beside the tracking of a complete take; returns what take.yaml says then.

    source    the video, or the folder of pictures, that was tracked
    progress  called with the number of pictures so far
    Raises TakeError if the video cannot be read or the disk refuses.
    """
    take = read_take(folder)
    info, count = take.info, len(take.frame_index)
    if source.is_dir() or info.quarter_turns or count < _count(source):
        codec = _encode(folder, source, count, info.frame_rate, progress)
        sound = None
    else:
        codec, sound = _copy(folder, source, int(take.captured_ns[0]), progress)
    times = FrameTimesWriter(folder)
    for index, captured_ns in zip(take.frame_index, take.captured_ns, strict=True):
        times.add(int(index), int(captured_ns))
    times.close()
    info = replace(
        info,
        film=FilmRecord(codec, count),
        sound=sound,
        started_ns=int(take.captured_ns[0]),
        streams=stream_hashes(folder),
    )
    save_info(folder, info)
    return info


def _count(source: Path) -> int:
    with av.open(str(source)) as video:
        packets = video.demux(video.streams.video[0])
        return sum(packet.pts is not None or packet.dts is not None for packet in packets)


def _copy(
    folder: Path, source: Path, first_ns: int, progress: Callable[[int], None]
) -> tuple[str, SoundRecord | None]:
    path, pictures, samples, sound_s = folder / FILM_FILE, 0, 0, None
    try:
        with av.open(str(source)) as old, av.open(str(path), "w", format="matroska") as new:
            streams: dict[int, Any] = {}
            for stream in (old.streams.video[:1], old.streams.audio[:1]):
                for one in stream:
                    streams[one.index] = new.add_stream_from_template(one)
            codec = old.streams.video[0].codec_context.name
            for packet in old.demux([old.streams[index] for index in streams]):
                if packet.dts is None:
                    continue
                if packet.stream.type == "video":
                    pictures += 1
                    progress(pictures)
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
        with av.open(str(path)) as film:
            if not film.streams.audio:
                return codec, None
            for frame in film.decode(film.streams.audio[0]):
                if sound_s is None:
                    sound_s = float(frame.time or 0.0)
                samples += frame.samples
            audio = film.streams.audio[0]
            picture_s = _first_picture_s(path)
            return codec, SoundRecord(
                device=source.name,
                sample_rate=audio.rate or 0,
                channels=audio.channels,
                codec=audio.codec_context.name,
                samples=samples,
                starts_ns=first_ns + round(((sound_s or 0.0) - picture_s) * clock.NS_PER_S),
            )
    except (FFmpegError, OSError, ValueError) as error:
        raise TakeError(f"{source}: cannot be copied into the take ({error})") from error


def _first_picture_s(path: Path) -> float:
    with av.open(str(path)) as film:
        return float(next(film.decode(video=0)).time or 0.0)


def _encode(
    folder: Path, source: Path, count: int, rate: float, progress: Callable[[int], None]
) -> str:
    field_rad = float(np.deg2rad(60.0))  # of no consequence here
    reader = VideoReader(source, paced=False, rate=rate, field_of_view_rad=field_rad, live=False)
    settings = FilmSettings("ffv1") if source.is_dir() else FilmSettings()
    film: Film | None = None
    for number in range(count):
        frame = reader.take()
        if frame is None:
            raise TakeError(f"{source}: has fewer pictures than were tracked")
        if film is None:
            film = Film(folder / FILM_FILE, settings, frame, rate, None)
        film.write(frame)
        progress(number + 1)
    reader.close()
    reader.take()  # lets go of the file
    if film is None:
        raise TakeError(f"{source}: has no picture")
    film.close()
    return film.figures.video_codec
