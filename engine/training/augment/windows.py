"""Windows around a face as a tracker places them, with its errors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.network.crop import ENLARGE, crop_from_points, cut
from engine.training.augment.settings import AugmentSettings
from engine.types import Array, Crop

_MOST_MISSED = 0.3  # of the face's width or height


def random_crop(
    landmarks_px: Array, side_px: int, rng: np.random.Generator, settings: AugmentSettings
) -> Crop:
    """Return a window around a face as a tracker would place it, with its errors.

    landmarks_px  (468+, 2) MediaPipe landmarks in the image
    """
    # outer eye corners, subject's right (33) and left (263): the line that defines the roll
    line = landmarks_px[263] - landmarks_px[33]
    wild = 3.0 if rng.random() < settings.wild_share else 1.0
    roll = np.arctan2(line[1], line[0]) + rng.normal(0.0, settings.roll_sd_rad)
    enlarge = ENLARGE * np.exp(rng.normal(0.0, settings.scale_sd * wild))
    crop = crop_from_points(landmarks_px[:468], side_px, float(roll), float(enlarge))
    shift = rng.normal(0.0, settings.shift_sd * wild, 2).clip(-0.25, 0.25)
    if settings.shift_sd > 0 and rng.random() < settings.pushed_off:
        shift[rng.integers(2)] = rng.choice([-1, 1]) * _missing_shift(float(enlarge), rng)
    moved = crop.image_from_crop.copy()
    moved[:2, 2] += moved[:2, :2] @ (shift * side_px)
    return Crop(moved, side_px)


def _missing_shift(enlarge: float, rng: np.random.Generator) -> float:
    """Return the shift, in window widths, that leaves a random part of the face outside."""
    margin = (1 - 1 / enlarge) / 2
    return margin + rng.uniform(0.05, _MOST_MISSED) / enlarge


def window(image: NDArray[np.uint8], crop: Crop, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Cut the window; what lies outside the image is black, or the border smeared, as by chance."""
    if rng.random() < 0.5:
        return cut(image, crop)
    pad = image.shape[0] // 2
    padded = np.asarray(
        cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REFLECT_101), np.uint8
    )
    shifted = crop.image_from_crop.copy()
    shifted[:2, 2] += pad
    return cut(padded, Crop(shifted, crop.size_px))
