"""Warps the whole portrait along with the head, so that hair, ears and shoulders stay attached."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Array

CELL_PX = 4
SPREADS_CELLS = (16.0, 8.0, 4.0, 2.0, 1.0)
ENOUGH = 0.08  # weight of samples around a cell at which the next finer scale takes over


def displacement_field(places_px: Array, shifts_px: Array, side_px: int) -> Array:
    """Spread displacements of points over a picture: smooth, and zero at the border's lower part.

    places_px  (N, 2) in the new picture; shifts_px (N, 2) from the old to the new picture
    returns    (side_px, side_px, 2) displacement of every pixel of the new picture

    Coarse-to-fine normalised convolution. Source: Knutsson & Westin, 1993.
    """
    cells = side_px // CELL_PX
    inside = (places_px >= 0).all(1) & (places_px < side_px).all(1)
    column, row = np.clip((places_px[inside] / CELL_PX).astype(int), 0, cells - 1).T
    total = np.zeros((cells, cells, 3), np.float32)
    np.add.at(total[..., :2], (row, column), shifts_px[inside])
    np.add.at(total[..., 2], (row, column), 1.0)
    total /= np.maximum(total[..., 2:], 1.0)  # mean of each cell, weight 0 or 1
    rim = np.ones((cells, cells), bool)
    rim[:-1, 1:-1] = False
    rim[: cells // 3] = False  # hair may reach beyond the top: let it move
    total[rim] = (0.0, 0.0, 1.0)
    field = np.zeros((cells, cells, 2), np.float32)
    for spread in SPREADS_CELLS:
        soft = cv2.GaussianBlur(total, (0, 0), spread, borderType=cv2.BORDER_CONSTANT)
        share = np.clip(soft[..., 2:] / ENOUGH, 0.0, 1.0)
        mean = np.asarray(soft[..., :2] / np.maximum(soft[..., 2:], 1e-6), np.float32)
        field += np.asarray(share, np.float32) * (mean - field)
    grown = cv2.resize(field, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, dtype=np.float64)


def warped(image: NDArray[np.uint8], field: Array, scale: int) -> NDArray[np.uint8]:
    """Return the picture moved along a displacement field, enlarged `scale` times."""
    side = image.shape[0] * scale
    moved = cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR)
    places = (np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1) + 0.5) / scale - moved
    x, y = (places - 0.5).astype(np.float32).transpose(2, 0, 1)
    result = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(result, dtype=np.uint8)
