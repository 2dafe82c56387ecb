"""What stands between the camera and the face. One generator state gives one scene."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.augment import face_covers, occluders
from engine.training.augment.canvas import Canvas
from engine.training.augment.settings import AugmentSettings
from engine.types import Array

Picture = NDArray[np.uint8]


def scene(
    picture: Picture,
    rng: np.random.Generator,
    settings: AugmentSettings,
    landmarks: Array | None = None,
    other: Picture | None = None,
) -> tuple[Picture, NDArray[np.bool_]]:
    """Put things in front of a face, at most a few, and lower the resolution.

    picture    (S, S, 3) RGB, left as it is
    landmarks  (468+, 2) px; without them nothing is worn on the face
    other      (S, S, 3) a picture to take pieces from; without it, this one
    returns    the picture, and where less than half of it still shows (S, S)

    Two pictures of one scene, moved against each other by a few pixels, get the same things from
    generators of the same state: nothing that is drawn by lot depends on the pixels.
    """
    canvas = Canvas(picture.copy(), np.ones(picture.shape[:2], np.float32))
    lots = _Lots(rng)
    if landmarks is not None:
        for share, cover in (
            (settings.mask, face_covers.mask),
            (settings.strands, face_covers.strands),
            (settings.glasses, face_covers.glasses),
            (settings.glare, face_covers.glare),
        ):
            if (own := lots.draw(share)) is not None:
                cover(canvas, landmarks, own)
    if (own := lots.draw(settings.hand)) is not None:
        occluders.hand(canvas, landmarks, own)
    if (own := lots.draw(settings.thing)) is not None:
        occluders.thing(canvas, own)
    if (own := lots.draw(settings.occluder)) is not None:
        if own.random() < 0.4:
            occluders.blob(canvas, own)
        else:
            occluders.piece(canvas, picture if other is None else other, own)
    if (own := lots.draw(settings.low_resolution)) is not None:
        canvas = Canvas(_coarsen(canvas.picture, own), canvas.shown)
    if (own := lots.draw(settings.picture_edge)) is not None:
        occluders.picture_edge(canvas, own)
    return canvas.picture, canvas.shown < 0.5


class _Lots:
    """Draws for one thing after another, each from its own generator, untouched by the others."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def draw(self, share: float) -> np.random.Generator | None:
        seed, chance = self._rng.integers(2**63), self._rng.random()
        return np.random.default_rng(seed) if chance < share else None


def _coarsen(picture: Picture, rng: np.random.Generator) -> Picture:
    side = picture.shape[0]
    small = int(side * rng.uniform(0.3, 0.8))
    less = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(less, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
