"""The labelled portraits: pictures with the teacher's 478 landmarks."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.evaluation.regions import MESH_POINTS
from engine.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One picture and its label."""

    name: str
    image: NDArray[np.uint8]  # (H, W, 3) RGB
    landmarks_px: Array  # (478, 2)
    spread_px: Array  # (478,) the label's own reliability


def read(folder: Path, split: str, limit: int | None = None) -> Iterator[Portrait]:
    """Yield the portraits of one split, in the order of their numbers.

    folder  the data folder
    split   "train" or "validation"
    limit   stop after so many
    Raises AssetError if the folder does not hold the portraits.
    """
    labels_path, images_path = folder / "faces" / "labels.npz", folder / "faces" / "images.zip"
    for path in (labels_path, images_path):
        if not path.is_file():
            raise AssetError(f"{path}: no such file; set FLOWFACE_DATA to the data folder")
    with np.load(labels_path, allow_pickle=False) as labels:
        landmarks, spread = labels["landmarks"], labels["spread"]
        chosen = np.flatnonzero(labels["split"] == split)[:limit]
    with zipfile.ZipFile(images_path) as images:
        names = sorted(images.namelist())
        for row in chosen:
            yield Portrait(
                name=names[row],
                image=_decode(images.read(names[row])),
                landmarks_px=landmarks[row, :, :2].astype(np.float64),
                spread_px=spread[row].astype(np.float64),
            )


def _decode(jpeg: bytes) -> NDArray[np.uint8]:
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise AssetError("faces/images.zip: holds a file that is no readable picture")
    return np.asarray(np.ascontiguousarray(bgr[..., ::-1]), np.uint8)


def landmark_box(landmarks_px: Array) -> Array:
    """Return the bounding box (4,) x0, y0, x1, y1 of the 468 mesh points of (N, 2) landmarks."""
    mesh = landmarks_px[:MESH_POINTS]
    return np.concatenate([mesh.min(axis=0), mesh.max(axis=0)])
