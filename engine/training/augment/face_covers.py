"""Things worn on a face, placed by its landmarks: masks, hair, glasses and their reflections.

landmarks are (468+, 2) MediaPipe mesh points in pixels of the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.training.augment.canvas import Canvas, ellipse, line, polygon, uneven
from engine.types import Array

# Outline of the face from ear to ear below the eyes, then back over the nose's bridge.
_MASK = (
    454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132,
    93, 234, 118, 188, 6, 412, 347,
)  # fmt: skip
_FOREHEAD = (54, 103, 67, 109, 10, 338, 297, 332, 284)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_EYES = ((33, 133, 159, 145), (362, 263, 386, 374))  # corners, upper and lower lid
_TEMPLES = (127, 356)
_HAIR = np.array([[18, 15, 14], [45, 32, 24], [90, 62, 40], [160, 125, 85], [130, 130, 130]])
_MASK_COLOURS = np.array([[120, 170, 205], [235, 235, 235], [28, 28, 32], [150, 190, 160]])


def mask(canvas: Canvas, landmarks: Array, rng: np.random.Generator) -> None:
    """Cover nose, mouth and chin by cloth with folds."""
    corners = landmarks[list(_MASK)].astype(np.float64)
    drop = rng.uniform(0, 1)  # how far below the nose's bridge the upper border is worn
    for k in (-5, -4, -3, -2, -1):
        corners[k] += drop * 0.5 * (landmarks[1] - landmarks[6])
    known = _MASK_COLOURS[rng.integers(len(_MASK_COLOURS))] * np.exp(rng.normal(0, 0.1, 3))
    colour = known if rng.random() < 0.7 else rng.uniform(20, 235, 3)
    paint = np.empty_like(canvas.picture)
    paint[:] = colour.clip(0, 255).astype(np.uint8)
    left, right = landmarks[234], landmarks[454]
    for share in rng.uniform(0.2, 0.9, 3):
        down = share * (landmarks[152] - landmarks[6]) * 0.9
        fold = np.stack(
            [left + down * 0.7, landmarks[6] + down + 0.1 * (right - left), right + down * 0.7]
        )
        line(paint, fold, 0.008 * canvas.side, tuple(0.75 * colour))
    alpha = canvas.empty()
    polygon(alpha, corners)
    canvas.lay(alpha, paint, shade=uneven(4, 0.12, rng))


def strands(canvas: Canvas, landmarks: Array, rng: np.random.Generator) -> None:
    """Hang strands of hair from the forehead over brows and eyes."""
    count = int(rng.integers(6, 60))
    along = rng.normal(rng.uniform(0, 1), 0.22, count).clip(0, 1)
    roots = _along(landmarks[list(_FOREHEAD)], along)
    aims = _along(landmarks[list(_BROWS)], (along + rng.normal(0, 0.06, count)).clip(0, 1))
    ends = roots + (aims - roots) * rng.uniform(0.4, 2.0, (count, 1))  # beyond one: over the eye
    bows = (roots + ends) / 2 + (
        rng.normal(0, 0.04, 2) + rng.normal(0, 0.012, (count, 2))
    ) * canvas.side
    t = np.linspace(0, 1, 8)[:, None]
    curves = (1 - t) ** 2 * roots[:, None] + 2 * t * (1 - t) * bows[:, None] + t**2 * ends[:, None]
    alpha = canvas.empty()
    third = count // 3
    for k, width in enumerate(rng.uniform([0.003, 0.005, 0.009], [0.005, 0.01, 0.016])):
        line(alpha, curves[k * third : (k + 1) * third], width * canvas.side)
    colour = _HAIR[rng.integers(len(_HAIR))] * np.exp(rng.normal(0, 0.2))
    canvas.lay(alpha, colour, float(rng.uniform(0.7, 1.0)), uneven(24, 0.12, rng))


def glasses(canvas: Canvas, landmarks: Array, rng: np.random.Generator) -> None:
    """Put glasses on: rims, a bridge, temples, sometimes tinted lenses; then what they reflect."""
    span = float(np.linalg.norm(landmarks[263] - landmarks[33]))
    tilt = _tilt(landmarks)
    size = span * rng.uniform([0.27, 0.17], [0.36, 0.30])
    width = max(1.0, span * rng.uniform(0.015, 0.06))
    square = rng.uniform(2.0, 5.0)  # exponent of the superellipse: round to rectangular
    colour = rng.uniform(0, 70, 3) if rng.random() < 0.7 else rng.uniform(60, 230, 3)
    tint = rng.uniform(0.1, 0.75) if rng.random() < 0.25 else 0.0
    centres = [landmarks[list(eye)].mean(0) + rng.normal(0, 0.01, 2) * span for eye in _EYES]
    rims, lenses = canvas.empty(), canvas.empty()
    for centre, temple in zip(centres, _TEMPLES, strict=True):
        rim = _superellipse(centre, size, tilt, float(square))
        polygon(lenses, rim)
        line(rims, np.concatenate([rim, rim[:1]]), width)
        line(
            rims,
            np.stack(
                [centre + 0.95 * size[0] * _unit(landmarks[temple] - centre), landmarks[temple]]
            ),
            width,
        )
    across = _unit(centres[1] - centres[0])
    line(rims, np.stack([centres[0] + size[0] * across, centres[1] - size[0] * across]), width)
    if tint:
        canvas.lay(lenses, colour, float(tint))
    if rng.random() < 0.5:
        glare(canvas, landmarks, rng)
    canvas.lay(rims, colour, shade=uneven(6, 0.3, rng))


def glare(canvas: Canvas, landmarks: Array, rng: np.random.Generator) -> None:
    """Lay bright spots and the reflection of a window or a screen about the eyes."""
    span = float(np.linalg.norm(landmarks[263] - landmarks[33]))
    colour = 255.0 - rng.exponential(25, 3)
    offset = rng.normal(0, 0.06, 2) * span
    size = span * rng.uniform([0.05, 0.05], [0.2, 0.16])
    pane = rng.random() < 0.6
    tilt = _tilt(landmarks) + rng.normal(0, 0.3)
    opacity = rng.uniform(0.25, 0.95)
    alpha = canvas.empty()
    for eye in _EYES:  # both lenses reflect the same lamp, at nearly the same place
        if rng.random() < 0.85:
            centre = landmarks[list(eye)].mean(0) + offset + rng.normal(0, 0.02, 2) * span
            polygon(alpha, _superellipse(centre, size, tilt, 6.0 if pane else 2.0))
    soft = float(rng.uniform(0.004, 0.03) * canvas.side)
    canvas.lay(np.asarray(cv2.GaussianBlur(alpha, (0, 0), soft), np.uint8), colour, float(opacity))


def _superellipse(centre: Array, axes: Array, turn_rad: float, exponent: float) -> Array:
    unit = ellipse(np.zeros(2), np.ones(2), 0.0)
    shape = np.sign(unit) * np.abs(unit) ** (2 / exponent) * axes
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    return centre + shape @ np.array([[cosine, sine], [-sine, cosine]])


def _tilt(landmarks: Array) -> float:
    line_of_eyes = landmarks[263] - landmarks[33]
    return float(np.arctan2(line_of_eyes[1], line_of_eyes[0]))


def _along(points: Array, share: Array) -> Array:
    """Return the places (N, 2) at shares (N,) of a line through points (M, 2)."""
    at = share * (len(points) - 1)
    below = at.astype(int).clip(0, len(points) - 2)
    return points[below] + (at - below)[:, None] * (points[below + 1] - points[below])


def _unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)
