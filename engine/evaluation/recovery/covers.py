"""Hands and cloths that move over a face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.evaluation.datasets import drawn
from engine.evaluation.regions import MESH_POINTS
from engine.training.augment import occluders
from engine.training.augment.canvas import Canvas
from engine.types import Array

Image = NDArray[np.uint8]
Kind: TypeAlias = Literal["hand", "cloth"]
_SIDE_PX = 512  # of the picture that a cover is drawn on


@dataclass(frozen=True, eq=False)
class Cover:
    """Something opaque, drawn once."""

    picture: Image  # (S, S, 3)
    alpha: Image  # (S, S) 0..255

    def laid(self, image: Image, middle_px: Array, side_px: float) -> tuple[Image, Image]:
        """Lay it over a picture (H, W, 3), its middle at a place; also its alpha there, (H, W)."""
        scale = side_px / _SIDE_PX
        shift = np.asarray(middle_px) - side_px / 2
        image_from_cover = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
        size_px = (image.shape[1], image.shape[0])
        alpha = np.asarray(cv2.warpAffine(self.alpha, image_from_cover, size_px), np.uint8)
        front = cv2.warpAffine(self.picture, image_from_cover, size_px).astype(np.float32)
        mixed = image + (front - image) * (alpha[..., None] / np.float32(255))
        return np.asarray(mixed, np.uint8), alpha

    def broadest(self) -> tuple[Array, float]:
        """Return centre, from the middle, and radius of the largest disc in it, in its sides."""
        inside = np.pad(np.asarray(self.alpha > 127, np.uint8), 1)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
        y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
        centre = np.array([x + 0.5, y + 0.5]) / _SIDE_PX - 0.5
        return centre, float(depth.max()) / _SIDE_PX


def drawn_cover(kind: Kind, image: Image, landmarks_px: Array, seed: int) -> Cover:
    """Draw a hand in about the colour of a face, landmarks (478, 2), or a cloth."""
    rng = np.random.default_rng([seed, 41])
    if kind == "cloth":
        alpha = np.full((_SIDE_PX, _SIDE_PX), 255, np.uint8)
        return Cover(drawn.cloth((_SIDE_PX, _SIDE_PX), rng), alpha)
    # A canvas that shows the face's cheeks, so that the hand takes their colour.
    low, high = landmarks_px[:MESH_POINTS].min(axis=0), landmarks_px[:MESH_POINTS].max(axis=0)
    scale = (_SIDE_PX - 1) / (high - low)
    to_canvas = np.hstack([np.diag(scale), (-low * scale)[:, None]])
    picture = np.asarray(cv2.warpAffine(image, to_canvas, (_SIDE_PX, _SIDE_PX)), np.uint8)
    canvas = Canvas(picture, np.ones((_SIDE_PX, _SIDE_PX), np.float32))
    middle = np.full_like(landmarks_px, _SIDE_PX / 2)
    placed = (landmarks_px - low) * scale
    middle[[50, 280]] = placed[[50, 280]]  # the cheeks; fingertips reach for the middle
    occluders.hand(canvas, middle, rng)
    return Cover(canvas.picture, np.asarray(255 * (1 - canvas.shown), np.uint8))


def covered(alpha: Image, landmarks_px: Array) -> NDArray[np.bool_]:
    """Return which landmarks (478, 2) lie under an alpha (H, W)."""
    at = np.floor(landmarks_px).astype(int)
    height, width = alpha.shape
    inside = ((at >= 0) & (at < (width, height))).all(axis=1)
    x, y = at.clip(0, (width - 1, height - 1)).T
    return inside & (alpha[y, x] > 127)
