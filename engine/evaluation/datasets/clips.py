"""The development clips: real videos with the teacher's track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.capture.orientation import stored_from_upright
from engine.capture.video import VideoReader, probe
from engine.errors import AssetError
from engine.geometry import DEFAULT_FIELD_OF_VIEW_RAD, transform_points
from engine.types import Array, Frame

VIDEO_SUFFIXES = (".mp4", ".mpg", ".gif")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One video file and the teacher's track of its first frames."""

    name: str
    path: Path
    teacher_px: Array  # (T, 478, 2) pixels of the upright clip; NaN where the teacher found no face


def find(folder: Path, names: list[str] | None = None) -> list[Clip]:
    """Return the clips of a data folder, sorted by name.

    names  only these
    Raises AssetError if there is none, or one of `names` is not among them.
    """
    videos = [p for p in sorted((folder / "clips").glob("*.*")) if p.suffix in VIDEO_SUFFIXES]
    videos = [p for p in videos if p.with_suffix(".teacher.npz").is_file()]
    if not videos:
        raise AssetError(f"{folder / 'clips'}: no clips; set FLOWFACE_DATA to the data folder")
    missing = set(names or []) - {p.stem for p in videos}
    if missing:
        allowed = ", ".join(p.stem for p in videos)
        raise AssetError(f"{folder / 'clips'}: no clip {sorted(missing)[0]!r}; there are {allowed}")
    return [_clip(p) for p in videos if not names or p.stem in names]


def _clip(path: Path) -> Clip:
    with np.load(path.with_suffix(".teacher.npz"), allow_pickle=False) as file:
        teacher = file["landmarks"][..., :2].astype(np.float64)
    # The teacher saw the pictures as they are stored, we see them upright.
    video = probe(path)
    upright = np.linalg.inv(stored_from_upright(video.quarter_turns, video.size_px))
    return Clip(name=path.stem, path=path, teacher_px=transform_points(upright, teacher))


def frames(path: Path, limit: int | None = None) -> Iterator[Frame]:
    """Yield the frames of a video in order, every one, at most `limit`, stamped with their times.

    Raises SourceError if the file is no video.
    """
    reader = VideoReader(
        path,
        paced=False,
        max_frames=limit,
        field_of_view_rad=DEFAULT_FIELD_OF_VIEW_RAD,
        live=False,
    )
    try:
        while (frame := reader.take()) is not None:
            yield frame
    finally:
        reader.close()
        reader.take()  # a closed reader lets go of its file when it is next read
