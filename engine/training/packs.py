"""A pack: one file of training images with their labels, written once and read whole.

Rendered streams (a, b) label every vertex of the head model; the portrait stream (c) labels the
teacher's 478 landmarks and how far to trust them. Positions are stored as int16, 64ths of a pixel.
Both may carry the coefficients of the open head that belong to the picture.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.types import Array

UNITS_PER_PX = 64
STATES = ("expression", "identity", "gaze", "camera_from_head")


@dataclass(frozen=True, eq=False)
class Pack:
    """N images of one stream. A vertex pack has `visible`, a landmark pack has `spread`."""

    path: Path
    stream: str
    jpeg: NDArray[np.uint8]  # (bytes,) all files, one after another
    offsets: NDArray[np.int64]  # (N + 1,)
    points: NDArray[np.int16]  # (N, V or 478, 2) 64ths of a pixel
    visible: NDArray[np.uint8] | None  # (N, ceil(V / 8)) bits
    spread: Array | None  # (N, 478) px, the teacher's own disagreement
    mirror: NDArray[np.int64] | None  # (478,) landmarks under a left-right flip
    validation: NDArray[np.bool_]  # (N,)
    expression: Array | None = None  # (N, 52) coefficients
    identity: Array | None = None  # (N, K); of another head's people none are known
    gaze: Array | None = None  # (N, 2, 2) rad
    camera_from_head: Array | None = None  # (N, 4, 4)
    glasses: NDArray[np.bool_] | None = None  # (N,)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def is_test(self) -> bool:
        """Whether the file is named *_test.npz: measured on, never trained on."""
        return self.path.stem.endswith("_test")

    def image(self, index: int) -> NDArray[np.uint8]:
        """Decode one image, (S, S, 3) RGB."""
        data = self.jpeg[self.offsets[index] : self.offsets[index + 1]]
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if picture is None:
            raise AssetError(f"{self.path}: image {index} is damaged")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)  # pyright: ignore[reportReturnType]

    def points_px(self, index: int) -> Array:
        """Return the labels of one image in pixels, (V or 478, 2) float32."""
        return self.points[index].astype(np.float32) / UNITS_PER_PX

    def seen(self, index: int) -> NDArray[np.bool_]:
        """Return which vertices the camera sees, (V,)."""
        if self.visible is None:
            raise ValueError(f"{self.path}: a landmark pack does not say what is visible")
        return np.unpackbits(self.visible[index], count=self.points.shape[1]).astype(bool)


def read_pack(path: Path) -> Pack:
    """Read a pack into memory. Raises AssetError if the file is absent or is no pack."""
    if not path.is_file():
        raise AssetError(f"{path}: no such pack; make it with `flowface train pack` or its module")
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in file.files}
        count = len(data["offsets"]) - 1
        labels = data["points"] if "points" in data else data["landmarks"]
        split = data.get("split", np.zeros(count, np.uint8))
        spread, mirror = data.get("spread"), data.get("mirror")
        return Pack(
            path=path,
            stream=str(data["stream"]),
            jpeg=data["jpeg"],
            offsets=data["offsets"],
            points=labels,
            visible=data.get("visible"),
            spread=None if spread is None else spread.astype(np.float32),
            mirror=None if mirror is None else mirror.astype(np.int64),
            validation=split.astype(bool),
            glasses=data["glasses"].astype(bool) if "glasses" in data else None,
            **{key: data[key].astype(np.float32) for key in STATES if key in data},
        )
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise AssetError(f"{path}: not a training pack ({error})") from error


def read_packs(folder: Path) -> list[Pack]:
    """Read every pack of a folder, in the order of their names. AssetError if there is none."""
    paths = sorted(p for p in folder.glob("*.npz") if not p.stem.endswith(".writing"))
    if not paths:
        raise AssetError(f"{folder}: holds no training pack (*.npz)")
    return [read_pack(path) for path in paths]


def fixed_point(points_px: NDArray[np.floating]) -> NDArray[np.int16]:
    """Return positions in 64ths of a pixel, clipped to what int16 holds; NaN becomes the least."""
    limits = np.iinfo(np.int16)
    scaled = np.nan_to_num(np.round(points_px * UNITS_PER_PX), nan=limits.min)
    return np.clip(scaled, limits.min, limits.max).astype(np.int16)


def encoded(image: NDArray[np.uint8], quality: int) -> bytes:
    """Return a picture (H, W, 3) RGB as JPEG; quality 1 to 100."""
    flipped = np.ascontiguousarray(image[:, :, ::-1])
    done, data = cv2.imencode(".jpg", flipped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"cannot encode a picture of shape {image.shape} {image.dtype}")
    return data.tobytes()


def write_pack(path: Path, images: list[bytes], **arrays: NDArray | str) -> None:
    """Write JPEG files and their label arrays as one pack, under its name only when complete."""
    offsets = np.concatenate([[0], np.cumsum([len(image) for image in images])]).astype(np.int64)
    writing = path.with_suffix(".writing.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    contents: dict[str, Any] = {"jpeg": np.frombuffer(b"".join(images), np.uint8), **arrays}
    np.savez(writing, offsets=offsets, **contents)
    writing.replace(path)
