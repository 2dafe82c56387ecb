"""The development clips: real videos with the teacher's track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError, SourceError
from engine.types import Array

VIDEO_SUFFIXES = (".mp4", ".mpg", ".gif")


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One video file and the teacher's track of its first frames."""

    name: str
    path: Path
    teacher_px: Array  # (T, 478, 2) pixels of the clip; NaN where the teacher found no face


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
    return Clip(name=path.stem, path=path, teacher_px=teacher)


def frames(path: Path, limit: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield the images (H, W, 3) RGB of a video in order, every frame, at most `limit`.

    Raises SourceError if the file is no video.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise SourceError(f"{path}: has no video stream")
            for count, frame in enumerate(container.decode(video=0)):
                if limit is not None and count >= limit:
                    return
                yield frame.to_ndarray(format="rgb24")
    except av.FFmpegError as error:
        raise SourceError(f"{path}: not a video ({error})") from error
