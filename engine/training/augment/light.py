"""Exposure, colour, side light, shadow borders and flicker."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.augment.settings import AugmentSettings
from engine.types import Array

_DIMMEST, _BRIGHTEST = 55.0, 190.0  # mean levels of the middle that automatic exposure allows
_CELLS = 32  # light varies smoothly: fields are made this coarse


def tone(rng: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    """Return random tone curves (1, 256, 3): gamma, gain, black level, white balance.

    strength  1 for a webcam's whole range, 0 for no change
    """
    sd = strength * rng.standard_normal(6)
    gamma = np.exp(0.3 * sd[0])
    gain = np.exp(0.22 * sd[1] + 0.09 * sd[2:5])
    level = np.linspace(0, 1, 256)[None, :, None] ** gamma
    black = 12.0 * max(sd[5], 0.0)  # haze lifts it; below zero a dark face would be gone
    return (255 * level * gain + black).clip(0, 255).round().astype(np.uint8)


def saturate(
    values: NDArray[np.float32], rng: np.random.Generator, grey: bool
) -> NDArray[np.float32]:
    """Scale the colourfulness of values (S, S, 3) by chance, or take all colour out."""
    share = np.float32(0.0 if grey else np.exp(rng.normal(0.0, 0.3)))
    luma = np.array([0.299, 0.587, 0.114], np.float32)
    mix = share * np.eye(3, dtype=np.float32) + (1 - share) * np.tile(luma, (3, 1))
    return np.asarray(cv2.transform(values, mix), np.float32)


def exposure(values: NDArray[np.float32]) -> np.float32:
    """Return the gain by which a camera's automatic exposure would correct values (S, S, 3).

    It measures the middle, where the face is: what is left black or white there nobody can learn.
    """
    quarter = values.shape[0] // 4
    mean = float(values[quarter:-quarter:4, quarter:-quarter:4].clip(0, 255).mean())
    return np.float32(np.clip(mean, _DIMMEST, _BRIGHTEST) / max(mean, 1.0))


def field(
    side_px: int, rng: np.random.Generator, settings: AugmentSettings
) -> NDArray[np.float32] | None:
    """Return what light multiplies a picture by, (S, S, 3), or None if it is even and white."""
    chance = rng.random(3)
    total = np.ones((_CELLS, _CELLS, 3), np.float32)
    if chance[0] < settings.side_light:
        total *= _side_light(rng)
    if chance[1] < settings.colour_cast:
        total *= np.exp(rng.normal(0.0, 0.12, 3))
    if chance[2] < settings.flicker:
        total *= _bands(rng)
    if (chance >= [settings.side_light, settings.colour_cast, settings.flicker]).all():
        return None
    wide = cv2.resize(total, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32)


def _side_light(rng: np.random.Generator) -> Array:
    """Return a lamp from one side, (C, C, 3): from a soft fall-off to a hard border of shadow.

    Bright and dark side may differ in colour, as by a screen in a dark room or a coloured lamp.
    """
    across = _across(rng.uniform(0, 2 * np.pi)) - rng.normal(0.0, 0.35)
    share = 1 / (1 + np.exp(-across * np.exp(rng.uniform(np.log(1.5), np.log(25.0)))))
    colours = np.exp(rng.normal(0.0, rng.choice([0.05, 0.25]), (2, 3)))
    bright = rng.uniform(1.0, 1.7) * colours[0]
    shadow = np.exp(rng.uniform(np.log(0.12), np.log(0.8))) * colours[1]
    return shadow + (bright - shadow) * share[..., None]


def _bands(rng: np.random.Generator) -> Array:
    """Return bands of lamps on the mains, nearly level, as a rolling shutter sees them."""
    down = _across(np.pi / 2 + rng.normal(0.0, 0.17))
    cycles, phase = rng.uniform(0.4, 5.0), rng.uniform(0, 2 * np.pi)
    depth = rng.uniform(0.05, 0.45) * np.exp(rng.normal(0.0, 0.1, 3))
    return 1 + depth * np.sin(np.pi * cycles * down + phase)[..., None]


def _across(angle_rad: float) -> Array:
    """Return the position (C, C) along a direction, -1..1 over the width."""
    ramp = np.linspace(-1, 1, _CELLS)
    return np.cos(angle_rad) * ramp[None] + np.sin(angle_rad) * ramp[:, None]
