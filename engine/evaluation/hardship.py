"""Portraits made hard on purpose: something in front of the face, or hardly any light.

Both are functions of the picture's number, so that every network sees the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.evaluation.regions import MESH_POINTS
from engine.types import Array

Picture: TypeAlias = NDArray[np.uint8]
Hardship: TypeAlias = Callable[[Picture, Array, int], Picture]

COVERED = (0.10, 0.25)  # share of the face's hull
LIGHT = (0.15, 0.30)  # of a well-lit picture's
FULL_WELL = 1500.0  # electrons of a well-lit white pixel of a webcam
READ_NOISE = 4.0  # electrons


def occluded(image: Picture, landmarks_px: Array, number: int) -> Picture:
    """Cover 10 to 25 % of a face by a hand or a flat thing.

    image (H, W, 3) RGB; landmarks_px (478, 2); number of the picture, the seed
    """
    rng = np.random.default_rng([number, 11])
    hull = cv2.convexHull(landmarks_px[:MESH_POINTS].astype(np.float32))
    face = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, np.round(hull).astype(np.int32), 1)
    wanted = rng.uniform(*COVERED)
    draw = _hand if rng.random() < 0.5 else _flat
    where = landmarks_px[int(rng.integers(MESH_POINTS))]
    angle = float(rng.uniform(0, 2 * np.pi))
    low, high, mask = 0.02, 1.5, np.zeros_like(face)
    for _ in range(12):  # the size that covers as much as was drawn
        size = (low + high) / 2
        mask = draw(face.shape, where, size * float(np.sqrt(face.sum())), angle)
        if (mask * face).sum() > wanted * face.sum():
            high = size
        else:
            low = size
    return _painted(image, mask, rng)


def dimmed(image: Picture, landmarks_px: Array, number: int) -> Picture:
    """Return a picture taken in 15 to 30 % of the light, brightened again by the camera.

    Shot noise of the electrons that are left, and read noise, in linear light. The arguments are
    those of `occluded`.
    """
    rng = np.random.default_rng([number, 12])
    gain = float(rng.uniform(*LIGHT))
    linear = (image.astype(np.float64) / 255.0) ** 2.2
    electrons = rng.poisson(linear * gain * FULL_WELL) + rng.normal(0.0, READ_NOISE, linear.shape)
    seen = np.clip(electrons / (gain * FULL_WELL), 0.0, 1.0)
    return np.rint(255.0 * seen ** (1 / 2.2)).astype(np.uint8)


HARDSHIPS: dict[str, Hardship] = {"occluders": occluded, "low_light": dimmed}


def _flat(shape: tuple[int, ...], where: Array, size_px: float, angle: float) -> Picture:
    """Draw a turned rectangle, three to two."""
    mask = np.zeros(shape, np.uint8)
    box = (
        (float(where[0]), float(where[1])),
        (size_px * 1.2, size_px * 0.8),
        float(np.rad2deg(angle)),
    )
    cv2.fillPoly(mask, [np.round(cv2.boxPoints(box)).astype(np.int32)], 1)
    return mask


def _hand(shape: tuple[int, ...], where: Array, size_px: float, angle: float) -> Picture:
    """Draw a palm with four fingers and a thumb."""
    mask = np.zeros(shape, np.uint8)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    palm = where - 0.3 * size_px * along
    sides = (max(1, round(0.34 * size_px)), max(1, round(0.28 * size_px)))
    _ellipse(mask, palm, sides, angle)
    thick = max(1, round(0.15 * size_px))
    for finger, reach in enumerate((0.62, 0.75, 0.72, 0.55)):
        root = palm + (finger - 1.5) * 0.17 * size_px * across
        _line(mask, root, root + reach * size_px * along, thick)
    _line(mask, palm, palm + size_px * (0.25 * along - 0.5 * across), thick)
    return mask


def _ellipse(mask: Picture, centre: Array, sides: tuple[int, int], angle: float) -> None:
    x, y = (int(v) for v in np.round(centre))
    cv2.ellipse(mask, (x, y), sides, float(np.rad2deg(angle)), 0, 360, 1, -1)


def _line(mask: Picture, start: Array, end: Array, thick: int) -> None:
    (x, y), (u, v) = (np.round(p).astype(int).tolist() for p in (start, end))
    cv2.line(mask, (x, y), (u, v), 1, thick)


def _painted(image: Picture, mask: Picture, rng: np.random.Generator) -> Picture:
    """Paint the mask in a colour of the picture or any other, shaded and a little uneven."""
    own = np.median(image.reshape(-1, 3), axis=0)
    colour = own * rng.uniform(0.7, 1.3) if rng.random() < 0.5 else rng.uniform(20, 235, 3)
    height, width = mask.shape
    slope = rng.normal(0.0, 0.2, 2)
    v, u = np.mgrid[:height, :width] / max(height, width) - 0.5
    grain = cv2.GaussianBlur(rng.normal(0.0, 1.0, (height, width)), (0, 0), 2.0) * 0.25
    shade = 1.0 + slope[0] * u + slope[1] * v + grain
    soft = cv2.GaussianBlur(mask.astype(np.float64), (0, 0), 0.7)[..., None]
    painted = shade[..., None] * colour
    return np.rint(image * (1 - soft) + painted * soft).clip(0, 255).astype(np.uint8)
