"""What a portrait tells about its face: where its vertices lie, which are seen, which colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.training.anchors import correspondences as c
from engine.types import Array

HAIR_DISTANCE = 3.0  # deviations of the skin's colour at which a pixel is taken for something else
AROUND_EYES = (230, 229, 228, 231, 450, 449, 448, 451, 23, 24, 253, 254, 27, 28, 257, 258)
CHEEKS_AND_NOSE = (50, 280, 205, 425, 101, 330, 36, 266, 4, 5)
DARK_GLASSES = 0.36  # brightness around the eyes against the cheeks', below which they are hidden
BRIGHTEST_EYE = 2.2  # against the skin
IRIS_DEFAULT, SCLERA_DEFAULT = (0.30, 0.20, 0.14), 0.8


@dataclass(frozen=True, eq=False)
class Likeness:
    """A portrait prepared for drawing.

    image      (S, S, 3) uint8 RGB
    places_px  (V, 2) where the portrait shows every vertex, or would
    seen       (V,) in [0, 1]: how well it shows them
    covered    (V,) where hair, a hat or dark glasses lie over the skin
    skin, iris, sclera  (3,) mean colours in [0, 1]
    """

    image: NDArray[np.uint8]
    places_px: Array
    seen: Array
    covered: NDArray[np.bool_]
    skin: Array
    iris: Array
    sclera: Array


def colours_at(image: NDArray[np.uint8], places_px: Array) -> Array:
    """Read pixels (N, 3) bilinearly at places (N, 2), pixel centres at +0.5."""
    x, y = (places_px.astype(np.float32) - 0.5).T
    read = cv2.remap(image, x[:, None], y[:, None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return read[:, 0].astype(np.float64)


def covered_skin(
    head: OpenHead, image: NDArray[np.uint8], places_px: Array, seen: Array
) -> NDArray[np.bool_]:
    """Return which vertices (V,) of forehead, ears, scalp and neck do not look like skin.

    The colour of skin is learnt from cheeks, nose and chin of the same picture.
    """
    blurred = cv2.GaussianBlur(image, (0, 0), 1.0)
    lab = cv2.cvtColor(np.asarray(blurred, dtype=np.uint8), cv2.COLOR_RGB2LAB)
    values = colours_at(np.asarray(lab, dtype=np.uint8), places_px)
    height = head.neutral[:, 1]
    sure = head.in_regions("face", "nose") & (height > 0.01) & (height < 0.09) & (seen > 0.7)
    if sure.sum() < 30:
        return np.zeros(len(values), bool)
    centre = np.median(values[sure], axis=0)
    spread = 1.4826 * np.median(np.abs(values[sure] - centre), axis=0)
    spread = np.maximum(spread, [14.0, 4.0, 4.0])
    distance = np.linalg.norm((values - centre) / spread, axis=1)
    forehead = head.in_regions("face") & (height < -0.035)
    return (distance > HAIR_DISTANCE) & (forehead | head.in_regions("ears", "scalp", "neck"))


def eye_colours(image: NDArray[np.uint8], points_px: Array) -> tuple[Array, Array]:
    """Return the colours (3,) of iris and sclera from landmarks (478, 2) in the picture."""
    irises, whites = list[NDArray[np.uint8]](), list[NDArray[np.uint8]]()
    grid = np.stack(np.meshgrid(*[np.arange(image.shape[1]), np.arange(image.shape[0])]), -1) + 0.5
    for upper, lower, iris in (
        (c.LEFT_UPPER_LID, c.LEFT_LOWER_LID, c.LEFT_IRIS),
        (c.RIGHT_UPPER_LID, c.RIGHT_LOWER_LID, c.RIGHT_IRIS),
    ):
        outline = points_px[[*upper, *lower[::-1]]]
        open_eye = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(open_eye, [np.round(outline * 16 - 8).astype(np.int32)], (1,), shift=4)
        centre = points_px[iris[0]]
        radius = np.linalg.norm(points_px[list(iris[1:])] - centre, axis=1).mean()
        away = np.linalg.norm(grid - centre, axis=2) / max(radius, 1e-6)
        irises.append(image[(open_eye > 0) & (away > 0.45) & (away < 0.85)])
        whites.append(image[(open_eye > 0) & (away > 1.15)])
    iris_px, white_px = np.concatenate(irises) / 255.0, np.concatenate(whites) / 255.0
    iris = np.median(iris_px, axis=0) if len(iris_px) > 8 else np.array(IRIS_DEFAULT)
    if len(white_px) > 8:
        brightest = white_px[white_px.sum(1) >= np.quantile(white_px.sum(1), 0.6)]
        sclera = brightest.mean(0)
    else:
        sclera = np.full(3, SCLERA_DEFAULT)
    return np.clip(iris, 0.02, 0.7), np.clip(sclera, 0.25, 0.97)


def dark_glasses(image: NDArray[np.uint8], points_px: Array) -> bool:
    """Tell from landmarks (478, 2) whether the skin around the eyes is hidden by dark glasses."""
    around, cheeks = (
        float(np.median(colours_at(image, points_px[list(group)]).mean(1)))
        for group in (AROUND_EYES, CHEEKS_AND_NOSE)
    )
    return around < DARK_GLASSES * max(cheeks, 4.0)


def prepare(
    head: OpenHead,
    image: NDArray[np.uint8],
    projected_px: Array,
    seen: Array,
    labels_px: Array,
    spreading: Array,
) -> Likeness:
    """Tie a picture to a fitted head.

    projected_px  (V, 2) the fitted head in the picture
    seen          (V,) in [0, 1] geometric visibility there
    labels_px     (478, 2) landmarks
    spreading     (V, 478) from `registration.spreading`
    """
    residual = labels_px - landmarks(head, projected_px)
    places = projected_px + spreading @ residual
    sure = head.in_regions("face", "nose") & (seen > 0.7)
    skin = np.median(colours_at(image, places[sure]), axis=0) / 255.0 if sure.any() else np.ones(3)
    iris, sclera = eye_colours(image, labels_px)
    brightest = BRIGHTEST_EYE * float(skin.max()) + 0.05  # eyes do not glow in the dark
    iris, sclera = np.minimum(iris, brightest), np.minimum(sclera, brightest)
    covered = covered_skin(head, image, places, seen)
    if dark_glasses(image, labels_px):
        covered |= head.in_regions("eyes", "eyeball_left", "eyeball_right", "lashes")
    return Likeness(image, places, seen, covered, skin, iris, sclera)
