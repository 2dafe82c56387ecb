"""What light, lens, sensor and compression do to a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.augment import compression, light, noise
from engine.training.augment.settings import AugmentSettings

Picture = NDArray[np.uint8]
_USUAL_SIDE_PX = 192  # blur is stated for this side and grows with the picture


def sensor(picture: Picture, rng: np.random.Generator, settings: AugmentSettings) -> Picture:
    """Change light, colour, sharpness, noise and compression of a picture.

    picture  (S, S, 3) RGB, left as it is
    returns  (S, S, 3); where things lie in the picture does not change
    """
    if rng.random() < settings.clean:
        return cv2.LUT(picture, light.tone(rng, 0.3 if settings.side_light else 0.0))  # pyright: ignore[reportReturnType]
    dark = rng.random() < settings.low_light
    if rng.random() < settings.blur:
        picture = _blur(picture, rng)
    if dark and rng.random() < 0.5:  # cameras smear the noise of the dark away, and detail with it
        picture = np.asarray(cv2.medianBlur(picture, 3), np.uint8)
    curve = light.tone(rng, 1.0).astype(np.float32)
    values = np.asarray(cv2.LUT(picture, curve), np.float32)
    values = light.saturate(values, rng, grey=rng.random() < settings.grey)
    field = light.field(picture.shape[0], rng, settings)
    if field is not None:
        values *= field
    values *= light.exposure(values)
    if dark or rng.random() < settings.noise:
        noise.add(values, rng, dark)
    changed = values.clip(0, 255).astype(np.uint8)
    if rng.random() < settings.video:
        return compression.video(changed, rng)
    return compression.jpeg(changed, rng) if rng.random() < settings.jpeg else changed


def _blur(picture: Picture, rng: np.random.Generator) -> Picture:
    scale = picture.shape[0] / _USUAL_SIDE_PX
    kind = rng.random()
    if kind < 0.4:
        width = float(rng.uniform(0.4, 1.8) * scale)
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), width), np.uint8)
    kernel = _disc(rng.uniform(0.8, 3.0) * scale) if kind < 0.6 else _streak(rng, scale)
    return np.asarray(cv2.filter2D(picture, -1, kernel), np.uint8)


def _disc(radius_px: float) -> NDArray[np.float32]:
    """Return the kernel of a lens out of focus: a disc with a soft rim."""
    reach = int(np.ceil(radius_px))
    at = np.arange(-reach, reach + 1)
    kernel = (radius_px + 0.5 - np.hypot(at[None], at[:, None])).clip(0, 1)
    return (kernel / kernel.sum()).astype(np.float32)


def _streak(rng: np.random.Generator, scale: float) -> NDArray[np.float32]:
    """Return the kernel of a steady motion during the exposure, centred."""
    half, angle = rng.uniform(1.0, 5.5) * scale, rng.uniform(0, np.pi)
    reach = int(np.ceil(half)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    end = half * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(int(v) for v in np.round((reach + sign * end) * 16)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], (1.0,), 1, cv2.LINE_8, 4)
    kernel = np.asarray(cv2.GaussianBlur(kernel, (0, 0), 0.5), np.float32)
    return kernel / kernel.sum()
