"""Reads the labelled portraits from the data folder."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.resources import data_folder
from engine.training.portraits.fit import Labels

SIDE_PX = 256


@dataclass(frozen=True, eq=False)
class Collection:
    """N portraits and their labels, in the pixels of the original pictures.

    landmarks_px  (N, 478, 2)
    depth         (N, 478) the teacher's relative depth, px
    spread_px     (N, 478) the labels' own reliability
    validation    (N,) held back from training
    mirror        (478,) landmark permutation of a left-right flip
    """

    archive: zipfile.ZipFile
    landmarks_px: NDArray[np.float64]
    depth: NDArray[np.float64]
    spread_px: NDArray[np.float64]
    validation: NDArray[np.bool_]
    mirror: NDArray[np.int32]

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return one picture (H, W, 3), RGB."""
        data = np.frombuffer(self.archive.read(f"{index:05d}.jpg"), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if picture is None:
            raise AssetError(f"{self.archive.filename}: {index:05d}.jpg is not a picture")
        return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def read_collection(folder: Path | None = None) -> Collection:
    """Read the labels of `faces/` in the data folder; AssetError if it is absent."""
    folder = folder or data_folder() / "faces"
    path = folder / "labels.npz"
    if not path.is_file():
        raise AssetError(f"{path}: no such file; set FLOWFACE_DATA to the folder with faces/")
    with np.load(path, allow_pickle=False) as file:
        landmarks = file["landmarks"].astype(np.float64)
        return Collection(
            archive=zipfile.ZipFile(folder / "images.zip"),
            landmarks_px=landmarks[..., :2],
            depth=landmarks[..., 2],
            spread_px=file["spread"].astype(np.float64),
            validation=file["split"] == "validation",
            mirror=file["mirror"].astype(np.int32),
        )


def squared(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Scale a picture's longer side to SIDE_PX and extend it to a square by its border.

    returns  (SIDE_PX, SIDE_PX, 3), and the factor that takes pixels of the original to it; the
             original's top-left corner stays in place
    """
    height, width = image.shape[:2]
    factor = SIDE_PX / max(height, width)
    if factor != 1.0:
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = np.asarray(cv2.resize(image, size, interpolation=method), dtype=np.uint8)
    down, right = SIDE_PX - image.shape[0], SIDE_PX - image.shape[1]
    if down or right:
        padded = cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REFLECT_101)
        image = np.asarray(padded, dtype=np.uint8)
    return image, factor


def squared_labels(collection: Collection, index: NDArray[np.intp]) -> Labels:
    """Return the labels of the picked portraits in the pixels of their squared pictures."""
    longest = [max(collection.image(int(i)).shape[:2]) for i in index]
    factors = SIDE_PX / np.array(longest, dtype=np.float64)[:, None]
    return Labels(
        collection.landmarks_px[index] * factors[..., None],
        collection.spread_px[index] * factors,
        np.full((len(index), 2), float(SIDE_PX)),
    )
