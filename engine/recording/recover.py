"""Mends takes that were cut off: by a crash, a kill, a power cut, a full disk.

Every stream is read as far as it goes and written again in whole; the broken file is replaced when
that has succeeded, and one that cannot be read at all is kept as `.broken`: mending loses nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from engine import clock
from engine.errors import TakeError
from engine.recording import schema
from engine.recording.batches import whole_batches
from engine.recording.film import FILM_FILE
from engine.recording.frame_times import FRAMES_FILE, FrameTimesWriter, read_frame_times
from engine.recording.hashes import stream_hashes
from engine.recording.take import (
    COMPLETE,
    RECORDING,
    TRACKING_FILE,
    FilmRecord,
    SoundRecord,
    TakeInfo,
    load_info,
    save_info,
)
from engine.types import Status

_MENDED, _BROKEN = ".mended", ".broken"
_SPARE_BYTES = 1_000_000


@dataclass(frozen=True)
class Recovered:
    """What could be kept of a take."""

    folder: Path
    frames: int  # rows of the tracking
    pictures: int
    seconds: float  # of the film


def unfinished(root: Path) -> list[Path]:
    """Return the takes in a folder that were cut off, oldest first."""
    found: list[Path] = []
    for folder in sorted(path for path in root.glob("*") if path.is_dir()):
        with contextlib.suppress(TakeError):
            if load_info(folder).status == RECORDING:
                found.append(folder)
    return found


def recover(folder: Path) -> Recovered:
    """Mend one take. Raises TakeError if it is complete already, or nothing can be kept."""
    info = load_info(folder)
    if info.status == COMPLETE:
        raise TakeError(f"{folder}: is complete; there is nothing to mend")
    _check_room(folder)
    tracking, tracked = _mend_tracking(folder / TRACKING_FILE, info.vertices)
    pictures, seconds = _mend_film(folder / FILM_FILE)
    _mend_times(folder, pictures, info.started_ns)
    if tracking == 0 and pictures == 0:
        raise TakeError(f"{folder}: was cut off before anything was written; remove it")
    save_info(folder, _mended_info(folder, info, tracking, tracked, pictures))
    return Recovered(folder, tracking, pictures, seconds)


def _check_room(folder: Path) -> None:
    """Raise TakeError if the largest file cannot be written a second time."""
    largest = max((path.stat().st_size for path in folder.iterdir() if path.is_file()), default=0)
    free = shutil.disk_usage(folder).free
    if free < largest + _SPARE_BYTES:
        raise TakeError(
            f"{folder}: mending needs {(largest + _SPARE_BYTES) / 1e6:.0f} MB on its disk, "
            f"{free / 1e6:.0f} MB are free; make room, or copy the folder elsewhere"
        )


def _put_aside(path: Path) -> None:
    """Keep what cannot be read under another name: nothing is ever removed."""
    os.replace(path, path.with_name(path.name + _BROKEN))


def _mended_info(
    folder: Path, info: TakeInfo, frames: int, tracked: int, pictures: int
) -> TakeInfo:
    film = info.film or FilmRecord()
    started_ns, sound = info.started_ns, None
    if pictures:
        started_ns = int(read_frame_times(folder, whole=True)[1][0])
        sound = _sound(folder / FILM_FILE, info.sound, started_ns)
    return replace(
        info,
        status=COMPLETE,
        recovered=True,
        frames=frames,
        tracked=tracked,
        started_ns=started_ns,
        film=replace(film, pictures=pictures) if pictures else None,
        sound=sound,
        streams=stream_hashes(folder),
    )


def _sound(path: Path, record: SoundRecord | None, started_ns: int) -> SoundRecord | None:
    """Return what is true of the sound that could be kept; None if there is none."""
    samples, start_s, rate, channels = 0, 0.0, 0, 0
    with av.open(str(path)) as film:
        if not film.streams.audio:
            return None
        for frame in film.decode(film.streams.audio[0]):
            if samples == 0:
                start_s, rate = float(frame.time or 0.0), frame.sample_rate
                channels = frame.layout.nb_channels
            samples += frame.samples
        codec = film.streams.audio[0].codec_context.name
    if samples == 0:
        return None
    starts_ns = started_ns + round(start_s * clock.NS_PER_S)
    known = record or SoundRecord(sample_rate=rate, channels=channels, codec=codec)
    return replace(known, samples=samples, starts_ns=starts_ns)


def _mend_tracking(path: Path, vertices: int) -> tuple[int, int]:
    """Write the whole batches of the stream again; returns rows and rows with a face."""
    rows = tracked = 0
    if not path.is_file() or path.stat().st_size == 0:
        return _no_rows(path, vertices)
    mended = path.with_name(path.name + _MENDED)
    try:
        with path.open("rb") as file, mended.open("wb") as new:
            stream = pa.ipc.open_stream(file)
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            with pa.ipc.new_stream(new, stream.schema, options=options) as writer:
                for batch in whole_batches(stream):
                    writer.write_batch(batch)
                    rows += batch.num_rows
                    tracked += batch["status"].to_pylist().count(Status.TRACKING.value)
    except OSError as error:
        mended.unlink(missing_ok=True)
        raise TakeError(f"{path}: cannot be mended ({error.strerror or error})") from error
    except pa.ArrowInvalid:
        # Cut within the header: no row was whole.
        mended.unlink(missing_ok=True)
        _put_aside(path)
        return _no_rows(path, vertices)
    os.replace(mended, path)
    return rows, tracked


def _no_rows(path: Path, vertices: int) -> tuple[int, int]:
    """Write a stream without rows: what there is of the film can still be played and tracked."""
    with path.open("wb") as file, pa.ipc.new_stream(file, schema.schema(vertices)):
        return 0, 0


def _mend_film(path: Path) -> tuple[int, float]:
    """Copy every whole packet into a new file with an index; returns pictures and seconds."""
    if not path.is_file():
        return 0, 0.0
    mended = path.with_name(path.name + _MENDED)
    try:
        broken = av.open(str(path))
    except (FFmpegError, OSError):
        _put_aside(path)
        return 0, 0.0
    try:
        with broken, av.open(str(mended), "w", format="matroska") as new:
            pictures, last_s = _copy_packets(broken, new)
    except (FFmpegError, OSError) as error:
        mended.unlink(missing_ok=True)
        raise TakeError(f"{path}: cannot be mended ({error})") from error
    if pictures == 0:
        mended.unlink(missing_ok=True)
        _put_aside(path)
        return 0, 0.0
    os.replace(mended, path)
    return pictures, last_s


def _copy_packets(broken: InputContainer, new: OutputContainer) -> tuple[int, float]:
    pictures, last_s = 0, 0.0
    streams = {
        stream.index: new.add_stream_from_template(stream)
        for stream in (*broken.streams.video, *broken.streams.audio)
    }
    packets = broken.demux()
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return pictures, last_s  # here it was cut off
        if packet.pts is None or packet.is_corrupt or packet.stream.index not in streams:
            continue
        if packet.stream.type == "video":
            pictures += 1
            last_s = float(packet.pts * packet.time_base)
        packet.stream = streams[packet.stream.index]
        new.mux(packet)


def _mend_times(folder: Path, pictures: int, started_ns: int) -> None:
    """Bring the times to the length of the film.

    started_ns  of the first picture, as take.yaml has it

    Times that were not written are told by the film itself, to a millisecond, and where the same
    frame was tracked by its result, exactly.
    """
    try:
        index, captured_ns = read_frame_times(folder, whole=False)
    except TakeError:
        index = captured_ns = np.zeros(0, np.int64)
    if pictures == 0:
        return
    if len(index) < pictures:
        more = _shown_ns(folder / FILM_FILE, started_ns)[len(index) :]
        more_index, more_ns = _matched(folder, index, more)
        index = np.concatenate([index, more_index])
        captured_ns = np.concatenate([captured_ns, more_ns])
    (folder / FRAMES_FILE).unlink(missing_ok=True)
    mended = FrameTimesWriter(folder)
    for one, time_ns in zip(index[:pictures], captured_ns[:pictures], strict=True):
        mended.add(int(one), int(time_ns))
    mended.close()


def _shown_ns(path: Path, started_ns: int) -> NDArray[np.int64]:
    with av.open(str(path)) as film:
        times = [
            started_ns + round(float(packet.pts * packet.time_base) * clock.NS_PER_S)
            for packet in film.demux(film.streams.video[0])
            if packet.pts is not None
        ]
    return np.array(times, np.int64)


def _matched(
    folder: Path, before: NDArray[np.int64], shown_ns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return index and time of pictures of which only the film's time is known."""
    tracked_index, tracked_ns = _tracked_times(folder / TRACKING_FILE)
    indices, times = list(before[-1:]) or [-1], list[int]()
    for time_ns in shown_ns:
        row = int(np.argmin(np.abs(tracked_ns - time_ns))) if len(tracked_ns) else -1
        close = row >= 0 and abs(int(tracked_ns[row]) - int(time_ns)) <= clock.NS_PER_MS
        indices.append(int(tracked_index[row]) if close else int(indices[-1]) + 1)
        times.append(int(tracked_ns[row]) if close else int(time_ns))
    return np.array(indices[1:], np.int64), np.array(times, np.int64)


def _tracked_times(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not path.is_file():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    with path.open("rb") as file:
        table = pa.ipc.open_stream(file).read_all()
    return table["frame_index"].to_numpy(), table["captured_ns"].to_numpy()
