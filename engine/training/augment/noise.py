"""Sensor noise: photons and read-out, smeared by demosaicing, blotched with colour in the dark."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Array

_SLACK_PX = 128  # how much larger than a picture the kept noise is
_SMEARS_PX = (0.0, 0.6, 0.9, 1.4)
_BLOTCH_PX = 4.0
_MOST = 28.0  # levels; beyond that nothing is left of the face


def add(values: NDArray[np.float32], rng: np.random.Generator, dark: bool) -> None:
    """Add noise to encoded values (S, S, 3) 0..255, in place.

    dark  a room with a tenth to four tenths of the light, made up for by gain: shot and read-out
          noise of that level, blotches of colour, sometimes with the picture left dim
    """
    side = values.shape[0]
    gain = 1.0 / rng.uniform(0.1, 0.4) if dark else 1.0
    if dark:
        values *= np.float32(rng.uniform(0.5, 1.0))
    shot = gain * np.exp(rng.uniform(np.log(2e-5), np.log(8e-4)))
    read = gain * rng.uniform(0.0003, 0.004)
    levels = deviation(float(shot), float(read)).astype(np.float32)
    scale = np.take(levels, values[::2, ::2].clip(0, 255).astype(np.uint8))
    scale = np.asarray(cv2.resize(scale, (side, side), interpolation=cv2.INTER_LINEAR))
    smear = int(rng.integers(len(_SMEARS_PX)))
    field = _cut(_kept(side, smear), side, rng)
    values += field * scale
    if dark:
        blotches = _cut(_kept(side, len(_SMEARS_PX)), side, rng)
        values += blotches * np.float32(rng.uniform(1.0, 9.0))


def deviation(shot: float, read: float) -> Array:
    """Return the standard deviation (256,) of encoded levels, in levels.

    shot  variance in linear light for a signal of 1 (one over the number of photons)
    read  standard deviation of the read-out, in linear light

    A level is 255 L^(1/2.2): noise is carried over by the slope, which dark pixels have steepest.
    """
    linear = np.linspace(0, 1, 256) ** 2.2
    slope = (linear + 0.001) ** (1 / 2.2 - 1) / 2.2
    return (255 * slope * np.sqrt(shot * linear + read**2)).clip(0, _MOST)


@lru_cache(maxsize=12)
def _kept(side: int, smear: int) -> NDArray[np.float32]:
    """Return noise of unit deviation (T, T, 3) to cut from: drawing it anew is dear."""
    rng = np.random.default_rng((7, side, smear))
    total = side + _SLACK_PX
    field = rng.standard_normal((total, total, 3), np.float32)
    if smear < len(_SMEARS_PX):
        width = _SMEARS_PX[smear]
        field += 0.7 * rng.standard_normal((total, total, 1), np.float32)  # grey grain
    else:
        width = _BLOTCH_PX
    if width:
        field = np.asarray(cv2.GaussianBlur(field, (0, 0), width), np.float32)
    if width == _BLOTCH_PX:
        field -= field.mean(axis=2, keepdims=True)
    field /= field.std()
    field.flags.writeable = False
    return field


def _cut(field: NDArray[np.float32], side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    top, left, turn, flip = rng.integers(0, [_SLACK_PX + 1, _SLACK_PX + 1, 4, 2])
    part = np.rot90(field[top : top + side, left : left + side], int(turn))
    return part[:, ::-1] if flip else part
