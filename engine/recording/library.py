"""The takes that a folder holds: listed, renamed, noted, put into the bin and taken out again."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from engine.errors import TakeError
from engine.recording.film import FILM_FILE
from engine.recording.recording import make_folder
from engine.recording.take import RECORDING, TakeInfo, load_info, save_info

BIN = ".bin"
THUMBNAIL_FILE = "thumbnail.jpg"
_THUMBNAIL_WIDTH_PX = 160


@dataclass(frozen=True)
class Listed:
    """A take in the list; `problem` says in words why it cannot be read."""

    folder: Path
    info: TakeInfo | None
    problem: str = ""

    @property
    def seconds(self) -> float:
        """How long it is."""
        if self.info is None or not self.info.frame_rate:
            return 0.0
        frames = self.info.frames + self.info.dropped_by_tracker
        return frames / self.info.frame_rate


def takes(root: Path) -> list[Listed]:
    """Return the takes of a folder, the newest first."""
    found: list[Listed] = []
    if not root.is_dir():
        return found
    for folder in root.iterdir():
        if not folder.is_dir() or folder.name == BIN:
            continue
        try:
            found.append(Listed(folder, load_info(folder)))
        except TakeError as error:
            if (folder / "take.yaml").exists():
                found.append(Listed(folder, None, str(error)))
    return sorted(found, key=_age)


def annotate(folder: Path, *, notes: str | None = None, rating: int | None = None) -> TakeInfo:
    """Change notes or stars. Raises TakeError while it is being recorded."""
    info = load_info(folder)
    if info.status == RECORDING:
        raise TakeError(f"{folder}: is not finished; stop it, or mend it with `takes recover`")
    if notes is not None:
        info = replace(info, notes=notes)
    if rating is not None:
        info = replace(info, rating=rating)
    save_info(folder, info)
    return info


def rename(folder: Path, slate: str) -> Path:
    """Give a take another slate and that slate's next number; returns its new folder."""
    info = load_info(folder)
    place, number = make_folder(folder.parent, slate)
    place.rmdir()
    try:
        folder.rename(place)
    except OSError as error:
        raise TakeError(f"{folder}: cannot be renamed ({error.strerror})") from error
    save_info(place, replace(info, slate=slate, take=number))
    return place


def put_into_bin(folder: Path) -> Path:
    """Move a take into the bin beside it; `take_out` is the undo. Returns where it is now."""
    load_info(folder)
    bin_ = folder.parent / BIN
    try:
        bin_.mkdir(exist_ok=True)
        place = bin_ / folder.name
        number = 1
        while place.exists():
            number += 1
            place = bin_ / f"{folder.name} ({number})"
        folder.rename(place)
    except OSError as error:
        raise TakeError(f"{folder}: cannot be put into the bin ({error.strerror})") from error
    return place


def take_out(binned: Path, folder: Path) -> None:
    """Move a take back to where it was. Raises TakeError if something else is there now."""
    if folder.exists():
        raise TakeError(f"{folder}: there is a take of this name again; rename it first")
    try:
        binned.rename(folder)
    except OSError as error:
        raise TakeError(f"{binned}: cannot be taken out ({error.strerror})") from error


def empty_bin(root: Path) -> int:
    """Remove for good what is in the bin; returns how many takes that were."""
    binned = [path for path in (root / BIN).glob("*") if path.is_dir()]
    for path in binned:
        shutil.rmtree(path)
    return len(binned)


def thumbnail(folder: Path) -> NDArray[np.uint8] | None:
    """Return a small picture (H, W, 3) RGB from the middle of a take, kept beside it; None if none.

    Slow the first time: not for a display thread.
    """
    path = folder / THUMBNAIL_FILE
    if path.is_file():
        read = cv2.imread(str(path))
        return None if read is None else np.ascontiguousarray(read[..., ::-1], np.uint8)
    image = _middle(folder / FILM_FILE)
    if image is None:
        return None
    height = max(1, round(image.shape[0] * _THUMBNAIL_WIDTH_PX / image.shape[1]))
    small = cv2.resize(image, (_THUMBNAIL_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    with contextlib.suppress(OSError, cv2.error):
        unfinished = path.with_name("thumbnail.writing.jpg")
        cv2.imwrite(str(unfinished), small[..., ::-1])
        os.replace(unfinished, path)
    return small.astype(np.uint8, copy=False)


def _middle(film: Path) -> NDArray[np.uint8] | None:
    if not film.is_file():
        return None
    try:
        with av.open(str(film)) as container:
            if container.duration:
                container.seek(container.duration // 2)
            frame = next(container.decode(video=0), None)
            return None if frame is None else frame.to_ndarray(format="rgb24").astype(np.uint8)
    except FFmpegError:
        return None


def _age(listed: Listed) -> tuple[int, str]:
    """Sort key: the newest first, then by name."""
    info = listed.info
    wall_ns = 0 if info is None else info.started_ns + info.wall_from_monotonic_ns
    return -wall_ns, listed.folder.name
