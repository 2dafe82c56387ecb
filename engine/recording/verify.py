"""Checks that a take is what take.yaml says: streams, counts, checksums, sync."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from engine import clock
from engine.errors import TakeError
from engine.recording.film import FILM_FILE
from engine.recording.frame_times import read_frame_times
from engine.recording.reader import Take, read_take
from engine.recording.take import COMPLETE, TakeInfo, load_info
from engine.resources import sha256

SYNC_TOLERANCE_NS = 2 * clock.NS_PER_MS  # Matroska states whole milliseconds


def verify(folder: Path, progress: Callable[[float], None] = lambda done: None) -> list[str]:
    """Return what is wrong, in words; nothing if the take is whole.

    progress  called with the share that is done; what it raises ends the check

    Raises TakeError if the folder is no take.
    """
    info = load_info(folder)
    if info.status != COMPLETE:
        return ["take.yaml: says that it was not finished; `flowface takes recover` mends it"]
    wrong = _hashes(folder, info)
    try:
        take = read_take(folder)
    except TakeError as error:
        return [*wrong, str(error)]
    wrong += _rows(take)
    if info.film is not None:
        try:
            wrong += _film(folder, info, take, progress)
        except (TakeError, FFmpegError, OSError) as error:
            wrong.append(str(error))
    return wrong


def _hashes(folder: Path, info: TakeInfo) -> list[str]:
    wrong: list[str] = []
    for asset in info.streams:
        path = folder / asset.path
        if not path.is_file():
            wrong.append(f"{asset.path}: is absent")
        elif sha256(path) != asset.sha256:
            wrong.append(f"{asset.path}: has changed since it was recorded")
    return wrong


def _rows(take: Take) -> list[str]:
    wrong: list[str] = []
    if len(take.captured_ns) and (np.diff(take.captured_ns) <= 0).any():
        wrong.append("tracking.arrows: the times do not increase")
    if len(take.frame_index) and (np.diff(take.frame_index) <= 0).any():
        wrong.append("tracking.arrows: the frames do not increase")
    face = ~np.isnan(take.values["camera_from_head"]).any(axis=(1, 2))
    if (face != (take.status == "tracking")).any():
        wrong.append("tracking.arrows: status and head contradict one another")
    return wrong


def _film(folder: Path, info: TakeInfo, take: Take, progress: Callable[[float], None]) -> list[str]:
    assert info.film is not None
    wrong: list[str] = []
    index, captured_ns = read_frame_times(folder, whole=True)
    shown_ns, samples, sample_rate = film_times(
        folder / FILM_FILE, lambda pictures: progress(pictures / max(len(index), 1))
    )
    if not len(index) == len(shown_ns) == info.film.pictures:
        wrong.append(
            f"film.mkv: has {len(shown_ns)} pictures, frames.arrows {len(index)}, "
            f"take.yaml says {info.film.pictures}"
        )
        return wrong
    off_ns = np.abs((captured_ns - captured_ns[0]) - (shown_ns - shown_ns[0]))
    if off_ns.max() > SYNC_TOLERANCE_NS:
        wrong.append(
            f"film.mkv: picture {int(off_ns.argmax())} is {off_ns.max() / clock.NS_PER_MS:.1f} ms "
            "from its time in frames.arrows"
        )
    known = dict(zip(index.tolist(), captured_ns.tolist(), strict=True))
    for frame, time_ns in zip(take.frame_index.tolist(), take.captured_ns.tolist(), strict=True):
        if frame in known and known[frame] != time_ns:
            wrong.append(f"tracking.arrows: frame {frame} has another time than its picture")
            break
    sound = info.sound
    if sound is not None and (samples, sample_rate) != (sound.samples, sound.sample_rate):
        wrong.append(
            f"film.mkv: has {samples} samples at {sample_rate} Hz, take.yaml says "
            f"{sound.samples} at {sound.sample_rate}"
        )
    return wrong


def film_times(
    path: Path, pulse: Callable[[int], None] = lambda pictures: None
) -> tuple[NDArray[np.int64], int, int]:
    """Return the times of the pictures (N,) ns, and how many samples at which rate the sound has.

    pulse  called with the number of pictures so far

    Every packet is decoded, so that a damaged one is found. Raises FFmpegError for damage.
    """
    times: list[int] = []
    samples, rate = 0, 0
    with av.open(str(path)) as film:
        for packet in film.demux():
            for decoded in packet.decode():
                if isinstance(decoded, av.VideoFrame):
                    times.append(round((decoded.time or 0.0) * clock.NS_PER_S))
                    pulse(len(times))
                elif isinstance(decoded, av.AudioFrame):
                    samples, rate = samples + decoded.samples, decoded.sample_rate
    return np.array(times, np.int64), samples, rate
