"""A picture that things are laid over, and what they cover of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Array

_BITS = 4  # sub-pixel bits of OpenCV's drawing functions


@dataclass(frozen=True, eq=False)
class Canvas:
    """Both arrays are drawn into.

    picture  (S, S, 3) uint8
    shown    (S, S) float32, how much of what was there still shows: 1 all, 0 nothing
    """

    picture: NDArray[np.uint8]
    shown: NDArray[np.float32]

    @property
    def side(self) -> int:
        """Return S."""
        return self.picture.shape[0]

    def lay(
        self,
        alpha: NDArray[np.uint8],
        paint: Array | NDArray[np.uint8],
        opacity: float = 1.0,
        shade: Array | None = None,
    ) -> None:
        """Blend paint over the picture.

        alpha  (S, S) 0..255
        paint  (3,) or (S, S, 3), 0..255
        shade  (n, n) factors that are spread over what is laid, as of uneven light on it
        """
        x, y, width, height = cv2.boundingRect(alpha)
        if width == 0 or height == 0:
            return
        box = (slice(y, y + height), slice(x, x + width))
        share = alpha[box].astype(np.float32)[..., None] * np.float32(opacity / 255)
        over = paint.astype(np.float32) if paint.ndim == 1 else paint[box].astype(np.float32)
        if shade is not None:
            even = shade.astype(np.float32)
            over = over * np.asarray(cv2.resize(even, (width, height)))[..., None]
            over = over.clip(0, 255)
        part = self.picture[box].astype(np.float32)
        part += (over - part) * share
        self.picture[box] = part.clip(0, 255).astype(np.uint8)
        self.shown[box] *= 1 - share[..., 0]

    def empty(self) -> NDArray[np.uint8]:
        """Return an alpha (S, S) to draw on."""
        return np.zeros((self.side, self.side), np.uint8)


def line(target: NDArray[np.uint8], points: Array, width_px: float, value: Any = 255) -> None:
    """Draw open lines with round ends through points (N, 2) or (L, N, 2), pixel centres at +0.5."""
    several = list(_fixed(points).reshape(-1, *points.shape[-2:]))
    cv2.polylines(target, several, False, value, max(1, round(width_px)), cv2.LINE_AA, _BITS)


def polygon(target: NDArray[np.uint8], points: Array, value: Any = 255) -> None:
    """Fill a polygon with corners (N, 2), pixel centres at +0.5."""
    cv2.fillPoly(target, [_fixed(points)], value, cv2.LINE_AA, _BITS)


def ellipse(centre: Array, axes: Array, turn_rad: float, count: int = 24) -> Array:
    """Return points (count, 2) on an ellipse with half axes (2,)."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return centre + np.stack([axes[0] * np.cos(angle), axes[1] * np.sin(angle)], 1) @ turn(turn_rad)


def turn(angle_rad: float) -> Array:
    """Return the matrix (2, 2) that turns row vectors clockwise as seen."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, sine], [-sine, cosine]])


def uneven(cells: int, spread: float, rng: np.random.Generator) -> Array:
    """Return random factors (cells, cells) around one."""
    return 1 + spread * rng.standard_normal((cells, cells), np.float32)


def _fixed(points: Array) -> NDArray[np.int32]:
    return np.round((np.asarray(points) - 0.5) * 2**_BITS).astype(np.int32)
