"""The pictures of a folder as a video: in the order of their numbers, at a rate that is named."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.capture.pictures import Picture, VideoInfo
from engine.errors import SourceError

KINDS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
_NUMBER = re.compile(r"\d+")
_MOST_MISSING = 1.0  # of what is there: more, and the numbers count something else


class PictureFiles:
    """Reads a folder as engine.capture.pictures.Pictures reads a file; all calls on one thread.

    folder  of pictures of one size, KINDS
    rate    pictures a second

    Where all names are alike but for their last number, that number counts: a missing one is a
    lost picture. Other names are taken in their natural order, without gaps.

    Raises SourceError if there is none, if one cannot be read or has another size.
    """

    def __init__(self, folder: Path, rate: float | None) -> None:
        if rate is None:
            raise SourceError(f"{folder}: a folder of pictures needs a rate, in pictures a second")
        self.files = picture_files(folder)
        self._numbers, self._rate, self._next = _numbers(folder, self.files), rate, 0
        height, width = _read(self.files[0]).shape[:2]
        self.info = VideoInfo(
            size_px=(width, height),
            frame_rate=rate,
            frame_count=len(self.files),
            duration_s=(self._numbers[-1] + 1) / rate,
        )

    def next(self) -> Picture | None:
        """Return the picture after the last one; None at the end."""
        if self._next == len(self.files):
            return None
        at, self._next = self._next, self._next + 1
        image = _read(self.files[at])
        width, height = self.info.size_px
        if image.shape[:2] != (height, width):
            found = f"{image.shape[1]}x{image.shape[0]}"
            raise SourceError(f"{self.files[at]}: is {found}, the first is {width}x{height}")
        lost = self._numbers[at] - self._numbers[at - 1] - 1 if at else 0
        decoded = av.VideoFrame.from_ndarray(image, format="rgb24")
        return Picture(decoded, self._numbers[at] / self._rate, lost)

    def rewind(self) -> None:
        """Go on with the first picture."""
        self._next = 0

    def at(self, position_s: float) -> Picture | None:
        """Return the picture that is seen at a time, the last one beyond the end."""
        self._next = max(self._seen_until(position_s), 1) - 1
        return self.next()

    def before(self, position_s: float) -> Picture | None:
        """Return the picture before the one that is seen at a time; None before the first."""
        seen = self._seen_until(position_s)
        if seen < 2:
            return None
        self._next = seen - 2
        return self.next()

    def close(self) -> None:
        """Nothing is open."""

    def _seen_until(self, position_s: float) -> int:
        """Return how many pictures have begun at a time."""
        return int(np.searchsorted(self._numbers, position_s * self._rate + 1e-6, side="right"))


def picture_files(folder: Path) -> list[Path]:
    """Return the pictures of a folder in their order. Raises SourceError if there is none."""
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in KINDS]
    except OSError as error:
        raise SourceError(f"{folder}: cannot be read ({error.strerror})") from error
    if not files:
        raise SourceError(f"{folder}: has no picture; allowed are {', '.join(KINDS)}")
    return sorted(files, key=_natural)


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 of names and contents of all pictures, as hexadecimal digits."""
    whole = sha256()
    for path in picture_files(folder):
        content = sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.name} {content}\n".encode())
    return whole.hexdigest()


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Order `a2` before `a10`."""
    parts = re.split(r"(\d+)", path.stem)
    return [int(part) if at % 2 else part for at, part in enumerate(parts)], path.suffix


def _numbers(folder: Path, files: list[Path]) -> list[int]:
    """Return the number of every picture, counted from the first."""
    found = [list(_NUMBER.finditer(path.stem)) for path in files]
    if not all(found):
        return list(range(len(files)))
    last = [matches[-1] for matches in found]
    frames = {
        (path.stem[: match.start()], path.stem[match.end() :], path.suffix)
        for path, match in zip(files, last, strict=True)
    }
    numbers = [int(match.group()) for match in last]
    if len(frames) > 1 or len(set(numbers)) < len(numbers):
        return list(range(len(files)))
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if missing > _MOST_MISSING * len(numbers):
        raise SourceError(
            f"{folder}: is numbered from {numbers[0]} to {numbers[-1]} but has {len(numbers)} "
            "pictures: more are missing than there are. Number them one after the other"
        )
    return [number - numbers[0] for number in numbers]


def _read(path: Path) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) RGB, upright."""
    try:
        stored = np.fromfile(path, np.uint8)  # OpenCV itself fails at names beyond ASCII on Windows
        image = cv2.imdecode(stored, cv2.IMREAD_COLOR) if stored.size else None
    except (OSError, cv2.error) as error:
        raise SourceError(f"{path}: cannot be read ({error})") from error
    if image is None:
        raise SourceError(f"{path}: not a picture that can be read")
    return np.ascontiguousarray(image[..., ::-1], np.uint8)
