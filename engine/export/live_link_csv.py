"""The layout of a Live Link Face take, which Unreal's importer, Faceit and others read: a folder.

::

    <slate>_<take>/
      <slate>_<take>_FlowFace.csv   61 values a frame, head and eyes in radians
      <slate>_<take>_FlowFace.mov   the same frames, the sound, the start timecode
      take.json, thumbnail.jpg

Rows stand at an exact rate (60 if none is asked for, as the app has it); a frame without a face has
a BlendShapeCount of 0 and no values.

Source: takes of the app, columns matched by name: the order differs from its UDP packets in the
jaw's and mouth's left and right. Timecodes count 60 frames a second whatever the rate.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from engine import axes
from engine.errors import TakeError
from engine.export._film import Heard, pictures, sound
from engine.export._job import Job, whole_folder
from engine.export._series import Series, series
from engine.fit.heads import HeadModel
from engine.recording.reader import Take
from engine.recording.timecode import Timecode, exact_rate
from engine.types import BLENDSHAPE_NAMES, Array

SUFFIX = ""  # a folder
DEFAULT_RATE = "60"
DEVICE = "FlowFace"
_SWAPPED = {"jawLeft": "jawRight", "mouthLeft": "mouthRight"}
_TURNS = tuple(f"{part}{turn}" for part in ("Head", "LeftEye", "RightEye")
               for turn in ("Yaw", "Pitch", "Roll"))  # fmt: skip
_BASE = 60  # frames a second that the app's timecode counts


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the folder. Raises TakeError if it exists or cannot be written."""
    found = series(take, job.rate or DEFAULT_RATE)
    name = f"{take.info.slate or destination.name}_{max(take.info.take, 1)}_{DEVICE}"
    with whole_folder(destination) as folder:
        (folder / f"{name}.csv").write_text(csv_text(found), encoding="utf-8", newline="\n")
        about = _about(take, found, name)
        (folder / "take.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        if take.info.film is not None:
            _movie(folder / f"{name}.mov", take, found, job, folder / "thumbnail.jpg")
    job.progress(1.0)


def csv_text(found: Series) -> str:
    """Return the table."""
    names = column_names()
    lines = [",".join(["Timecode", "BlendShapeCount", *names])]
    columns = _columns(found)
    rows = np.stack([columns[name] for name in names], axis=1)
    start = found.start
    for frame, values in enumerate(rows):
        label = _label(start, found.seconds[frame])
        if found.tracked[frame]:
            lines.append(f"{label},{len(names)}," + ",".join(f"{v:.10f}" for v in values))
        else:
            lines.append(f"{label},0," + "," * (len(names) - 1))
    return "\n".join(lines) + "\n"


def column_names() -> list[str]:
    """Return the 61 columns in the app's order of its files."""
    order = list(BLENDSHAPE_NAMES)
    for left, right in _SWAPPED.items():
        i, j = order.index(left), order.index(right)
        order[i], order[j] = order[j], order[i]
    return [name[0].upper() + name[1:] for name in order] + list(_TURNS)


def _columns(found: Series) -> dict[str, Array]:
    columns = {
        name[0].upper() + name[1:]: found.weights[:, index]
        for index, name in enumerate(BLENDSHAPE_NAMES)
    }
    turns = np.full((len(found), len(_TURNS)), np.nan)
    for frame in np.flatnonzero(found.tracked):
        rotation = found.camera_from_head[frame, :3, :3]
        turns[frame, :3] = axes.head_angles("live_link", rotation)
        for side in range(2):
            yaw, pitch = found.gaze[frame, side]
            # The app's eyes: + pitch down, + yaw to the subject's right; the head's are opposite.
            turns[frame, 3 + 3 * side : 6 + 3 * side] = (-yaw, pitch, 0.0)
    return columns | {name: turns[:, index] for index, name in enumerate(_TURNS)}


def _label(start: Timecode, seconds: float) -> str:
    """Return hh:mm:ss:ff.mmm with ff in sixtieths of a second."""
    since_start = Fraction(float(seconds)).limit_denominator(10**9)
    since_midnight = start.frames / exact_rate(start.rate) + since_start
    whole = int(since_midnight)
    frames = (since_midnight - whole) * _BASE
    frame, part = int(frames), float(frames - int(frames))
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours % 24:02}:{minutes:02}:{second:02}:{frame:02}.{min(int(part * 1000), 999):03}"


def _about(take: Take, found: Series, name: str) -> dict[str, object]:
    return {
        "slate": take.info.slate,
        "takeNumber": take.info.take,
        "subject": DEVICE,
        "frameRate": float(found.exact_rate),
        "frames": len(found),
        "startTimecode": str(found.start),
        "csv": f"{name}.csv",
        "mov": f"{name}.mov",
    }


def _movie(path: Path, take: Take, found: Series, job: Job, thumbnail: Path) -> None:
    """Write Motion JPEG at the series' exact rate, PCM sound, and a timecode track."""
    heard, rate = sound(take), found.exact_rate
    try:
        with av.open(str(path), "w", format="mov") as movie:
            movie.metadata["timecode"] = str(found.start)
            video = movie.add_stream("mjpeg", rate=rate)
            video.width, video.height = take.info.width_px, take.info.height_px
            video.pix_fmt = "yuvj420p"
            video.codec_context.options = {"qscale": "3"}
            audio = None
            if heard is not None:
                audio = movie.add_stream("pcm_s16le", rate=heard.rate)
                audio.layout = "mono" if heard.samples.shape[1] == 1 else "stereo"
            for frame, image in enumerate(pictures(take, found)):
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                picture.pts, picture.time_base = frame, 1 / rate
                movie.mux(video.encode(picture))
                if frame == len(found) // 2:
                    _thumbnail(thumbnail, image)
                if audio is not None and heard is not None:
                    for block in _blocks(heard, frame, len(found), rate):
                        movie.mux(audio.encode(block))
                job.progress((frame + 1) / len(found))
            movie.mux(video.encode(None))
            if audio is not None:
                movie.mux(audio.encode(None))
    except (FFmpegError, OSError) as error:
        raise TakeError(f"{path}: cannot be written ({error})") from error


def _blocks(heard: Heard, frame: int, frames: int, rate: Fraction) -> list[av.AudioFrame]:
    """Return the sound of one frame: exactly as long as the picture stands."""
    begin, end = (int(number * heard.rate / rate) for number in (frame, frame + 1))
    part = heard.samples[begin:end]
    missing = (end - begin) - len(part)
    if missing > 0:
        part = np.concatenate([part, np.zeros((missing, heard.samples.shape[1]), np.int16)])
    layout = "mono" if part.shape[1] == 1 else "stereo"
    flat: NDArray[np.int16] = np.ascontiguousarray(part.reshape(1, -1))
    block = av.AudioFrame.from_ndarray(flat, format="s16", layout=layout)
    block.sample_rate, block.pts, block.time_base = heard.rate, begin, Fraction(1, heard.rate)
    return [block]


def _thumbnail(path: Path, image: NDArray[np.uint8]) -> None:
    height = round(image.shape[0] * 320 / image.shape[1])
    small = cv2.resize(image, (320, height), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), np.ascontiguousarray(small[..., ::-1]))
