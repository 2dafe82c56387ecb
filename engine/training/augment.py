"""What webcams, rooms and croppers do to a picture, done to training images on the fly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.network.crop import crop_from_points, cut
from engine.types import Array, Crop

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class AugmentSettings:
    """How far every change may go. Probabilities in [0, 1], standard deviations else."""

    roll_sd_rad: float = 0.17  # the tracker's window follows the roll: what is left is small
    scale_sd: float = 0.09  # of the logarithm of the window's size
    shift_sd: float = 0.04  # of the window's centre, in window widths
    wild_share: float = 0.2  # of windows as rough as a detector's: thrice the spread
    mirror: float = 0.5
    occluder: float = 0.25
    grey: float = 0.06
    blur: float = 0.3
    noise: float = 0.5
    jpeg: float = 0.4
    low_resolution: float = 0.2


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
    enlarge = 1.2 * np.exp(rng.normal(0.0, settings.scale_sd * wild))
    crop = crop_from_points(landmarks_px[:468], side_px, float(roll), float(enlarge))
    width = float(np.sqrt(abs(np.linalg.det(crop.image_from_crop[:2, :2])))) * side_px
    moved = crop.image_from_crop.copy()
    moved[:2, 2] += rng.normal(0.0, settings.shift_sd * wild, 2).clip(-0.25, 0.25) * width
    return Crop(moved, side_px)


def window(image: Picture, crop: Crop, rng: np.random.Generator) -> Picture:
    """Cut the window; what lies outside the image is black, or the border smeared, as by chance."""
    if rng.random() < 0.5:
        return cut(image, crop)
    pad = image.shape[0] // 2
    padded: Picture = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REFLECT_101)  # pyright: ignore[reportAssignmentType]
    shifted = crop.image_from_crop.copy()
    shifted[:2, 2] += pad
    return cut(padded, Crop(shifted, crop.size_px))


def degrade(picture: Picture, rng: np.random.Generator, settings: AugmentSettings) -> Picture:
    """Change light, colour, sharpness, noise and compression of a picture (S, S, 3)."""
    if rng.random() < settings.occluder:
        picture = _occlude(picture, rng)
    if rng.random() < settings.low_resolution:
        picture = _coarsen(picture, rng)
    if rng.random() < settings.blur:
        picture = _blur(picture, rng)
    values = _light(picture.astype(np.float32), rng)
    if rng.random() < settings.grey:
        values[:] = values.mean(axis=2, keepdims=True)
    if rng.random() < settings.noise:
        values += rng.standard_normal(values.shape, np.float32) * rng.uniform(1.0, 14.0)
    picture = values.clip(0, 255).astype(np.uint8)
    if rng.random() < settings.jpeg:
        quality = int(rng.integers(25, 90))
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)  # pyright: ignore[reportAssignmentType]
    return picture


def _light(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    gamma = np.exp(rng.normal(0.0, 0.25))
    gain = np.exp(rng.normal(0.0, 0.2)) * np.exp(rng.normal(0.0, 0.07, 3))
    values = 255.0 * (values / 255.0).clip(0, 1) ** gamma * gain + rng.normal(0.0, 10.0)
    mean = values.mean(axis=2, keepdims=True)
    values = mean + (values - mean) * np.exp(rng.normal(0.0, 0.25))
    if rng.random() < 0.3:  # light that falls off across the face
        side = values.shape[0]
        angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.7)
        line = np.linspace(-1, 1, side)
        ramp = 1.0 + strength * (np.cos(angle) * line[None] + np.sin(angle) * line[:, None])
        values = values * ramp[..., None]
    return values.astype(np.float32)


def _occlude(picture: Picture, rng: np.random.Generator) -> Picture:
    picture, side = picture.copy(), picture.shape[0]
    centre = tuple(int(v) for v in rng.integers(0, side, 2))
    axes = tuple(int(v) for v in rng.uniform(0.05, 0.22, 2) * side)
    colour = tuple(int(v) for v in rng.integers(0, 256, 3))
    if rng.random() < 0.5:
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 360), 0, 360, colour, -1)
        return picture
    # a piece of the same picture from elsewhere: the right colours in the wrong place
    height, width = axes[1], axes[0]
    top, left = (int(rng.integers(0, side - n)) for n in (height, width))
    to_top, to_left = (int(rng.integers(0, side - n)) for n in (height, width))
    piece = picture[top : top + height, left : left + width].copy()
    picture[to_top : to_top + height, to_left : to_left + width] = piece
    return picture


def _coarsen(picture: Picture, rng: np.random.Generator) -> Picture:
    side = picture.shape[0]
    small = int(side * rng.uniform(0.3, 0.8))
    less = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(less, (side, side), interpolation=cv2.INTER_LINEAR)  # pyright: ignore[reportReturnType]


def _blur(picture: Picture, rng: np.random.Generator) -> Picture:
    if rng.random() < 0.5:
        return cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.8)))  # pyright: ignore[reportReturnType]
    length = int(rng.integers(3, 9))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5,) * 2, rng.uniform(0, 180), 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return cv2.filter2D(picture, -1, kernel / max(float(kernel.sum()), 1e-3))  # pyright: ignore[reportReturnType]
