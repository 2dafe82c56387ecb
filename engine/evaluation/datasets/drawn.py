"""Pictures drawn from random numbers alone: noise, cloth, shapes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def grained(image: Image, rng: np.random.Generator, deviation: float = 4.0) -> Image:
    """Add a camera's grain to an image (H, W, 3); `deviation` in grey levels of 255."""
    noisy = image + rng.normal(0.0, deviation, image.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def noise(size_px: tuple[int, int], rng: np.random.Generator) -> Image:
    """Sum coloured noise over octaves, up to blobs as large as a face.

    size_px  width, height
    returns  (H, W, 3) RGB
    """
    width, height = size_px
    total = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 8):
        coarse = rng.normal(0, 1, (max(2, height >> octave), max(2, width >> octave), 3))
        weight = rng.uniform(0.2, 1.0)
        total += weight * cv2.resize(coarse.astype(np.float32), size_px)
    return grained(np.asarray(np.clip(128 + 45 * total, 0, 255), np.uint8), rng)


def cloth(size_px: tuple[int, int], rng: np.random.Generator) -> Image:
    """Draw a woven pattern with folds.

    size_px  width, height
    returns  (H, W, 3) RGB
    """
    x, y = np.meshgrid(np.arange(size_px[0]), np.arange(size_px[1]))
    fold = np.sin(x / rng.uniform(20, 60) + 2 * np.sin(y / rng.uniform(30, 90)))
    pitch_x, pitch_y = rng.uniform(3, 40, 2)
    weave = np.sin(x / pitch_x + fold) + np.sin(y / pitch_y + fold)
    colours = rng.uniform(20, 235, (2, 3))
    mix = np.clip(0.5 + 0.25 * weave, 0, 1)[..., None]
    picture = (colours[0] * mix + colours[1] * (1 - mix)) * (1 + 0.25 * fold[..., None])
    return grained(np.asarray(np.clip(picture, 0, 255), np.uint8), rng)


def shapes(size_px: tuple[int, int], rng: np.random.Generator) -> Image:
    """Draw ellipses and boxes of any colour, skin included, in random places.

    size_px  width, height
    returns  (H, W, 3) RGB
    """
    picture = np.full((size_px[1], size_px[0], 3), rng.integers(0, 255, 3), np.uint8)
    for _ in range(int(rng.integers(4, 30))):
        centre = tuple(int(v) for v in rng.uniform(0, size_px))
        radii = tuple(int(v) for v in rng.uniform(8, 150, 2))
        skin = (int(rng.integers(120, 240)), int(rng.integers(80, 180)), int(rng.integers(60, 150)))
        any_colour = tuple(int(v) for v in rng.integers(0, 255, 3))
        colour = skin if rng.random() < 0.4 else any_colour
        if rng.random() < 0.6:
            cv2.ellipse(picture, centre, radii, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        else:
            corner = (centre[0] + radii[0], centre[1] + radii[1])
            cv2.rectangle(picture, centre, corner, colour, -1)
    return grained(np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8), rng)
