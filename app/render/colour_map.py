"""The colours of uncertainty: even steps to the eye, from mint (certain) over gold to crimson.

The path is drawn in Oklab, where equal distances look about equally different, and is sampled at
equal arc length; lightness falls all the way, so that it reads in grey as well.

Source: B. Ottosson, A perceptual color space for image processing (2020), for the matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.types import Array

STEPS = 256
# Lightness, chroma, hue in degrees of the stations along the path.
_STATIONS = np.array(
    [
        [0.900, 0.125, 172.0],
        [0.865, 0.150, 130.0],
        [0.820, 0.160, 92.0],
        [0.720, 0.170, 55.0],
        [0.600, 0.200, 27.0],
        [0.450, 0.175, 8.0],
    ]
)
_LMS_FROM_LAB = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LINEAR_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def uncertainty_colours() -> NDArray[np.uint8]:
    """Return (256, 3) sRGB colours, from certain to uncertain."""
    at = np.linspace(0, len(_STATIONS) - 1, 4096)
    lightness, chroma, hue = (
        np.interp(at, range(len(_STATIONS)), column) for column in _STATIONS.T
    )
    angle = np.deg2rad(hue)
    path = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    even = np.linspace(0.0, length[-1], STEPS)
    lab = np.stack([np.interp(even, length, column) for column in path.T], axis=1)
    return _srgb_from_oklab(lab)


def _srgb_from_oklab(lab: Array) -> NDArray[np.uint8]:
    linear = np.clip((lab @ _LMS_FROM_LAB.T) ** 3 @ _LINEAR_FROM_LMS.T, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded).astype(np.uint8)
