"""What a webcam does to a picture: blur, low resolution, noise, colour errors, JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Array


@dataclass(frozen=True, eq=False)
class CameraEffects:
    """Settings of one picture; lengths in pixels, noise as a share of full scale (sRGB values).

    motion_px (2,) direction and length of the shake; gain (3,) white balance; gamma of contrast
    sampled_px  side to which the picture was once reduced; 0 leaves it
    """

    motion_px: Array
    defocus_px: float
    sampled_px: int
    gain: Array
    gamma: float
    saturation: float
    shot_noise: float
    read_noise: float
    grain_px: float
    jpeg_quality: int


def random_effects(rng: np.random.Generator, side_px: int, clean: float = 0.25) -> CameraEffects:
    """Draw effects; a share `clean` of the pictures keeps only mild noise."""
    pristine = rng.random() < clean
    rate = 0.0 if pristine else 1.0
    angle = rng.uniform(0, np.pi)
    shake = rng.uniform(2, 8) * rate * (rng.random() < 0.2)
    noisy = rng.random() < 0.25
    return CameraEffects(
        motion_px=shake * np.array([np.cos(angle), np.sin(angle)]),
        defocus_px=rate * rng.uniform(0.3, 1.6) * (rng.random() < 0.35),
        sampled_px=int(rng.uniform(0.38, 0.8) * side_px) if rate * (rng.random() < 0.25) else 0,
        gain=np.exp(rng.normal(0.0, 0.035, 3)),
        gamma=float(np.exp(rng.normal(0.0, 0.12))),
        saturation=float(np.clip(rng.normal(1.0, 0.15), 0.0, 1.5)) if rng.random() > 0.03 else 0.0,
        shot_noise=rng.uniform(0.0, 0.06 if noisy else 0.02),
        read_noise=rng.uniform(0.0, 0.03 if noisy else 0.01),
        grain_px=rng.uniform(0.0, 0.9),
        jpeg_quality=95 if pristine else int(rng.integers(60, 96)),
    )


def apply_effects(
    effects: CameraEffects, image: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the picture (S, S, 3) uint8 as the camera would deliver it, before JPEG."""
    side = image.shape[0]
    light = image.astype(np.float32) / 255.0
    length = float(np.linalg.norm(effects.motion_px))
    if length > 0.5:
        light = cv2.filter2D(light, -1, _streak(effects.motion_px))
    if effects.defocus_px > 0.2:
        light = cv2.GaussianBlur(light, (0, 0), effects.defocus_px)
    if effects.sampled_px:
        light = cv2.resize(light, (effects.sampled_px,) * 2, interpolation=cv2.INTER_AREA)
    grey = light @ np.array([0.3, 0.59, 0.11], np.float32)
    light = grey[:, :, None] + effects.saturation * (light - grey[:, :, None])
    light = np.clip(light * effects.gain.astype(np.float32), 0.0, 1.0) ** effects.gamma
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    if effects.grain_px > 0.3:
        noise = cv2.GaussianBlur(noise, (0, 0), effects.grain_px) * (2.5 * effects.grain_px)
    light += noise * np.sqrt(effects.shot_noise**2 * light + effects.read_noise**2)
    if effects.sampled_px:
        light = cv2.resize(light, (side, side), interpolation=cv2.INTER_LINEAR)
    return (np.clip(light, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _streak(motion_px: Array) -> NDArray[np.float32]:
    reach = int(np.ceil(np.linalg.norm(motion_px) / 2))
    kernel = np.zeros((2 * reach + 1,) * 2, np.float32)
    ends = np.round((np.stack([-motion_px, motion_px]) / 2 + reach) * 16).astype(int)
    cv2.line(kernel, tuple(ends[0]), tuple(ends[1]), 1.0, 1, cv2.LINE_AA, 4)
    return kernel / max(float(kernel.sum()), 1e-6)
