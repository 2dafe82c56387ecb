"""What a network sees on a few faces: landmarks, truth, sigma, and lids and lips close up."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.evaluation.regions import INNER_LIPS, LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS
from engine.types import Array

Picture = NDArray[np.uint8]

_FACE_PX, _CLOSE_PX, _COLUMNS = 288, 96, 4
_CLOSE_UPS = (RIGHT_EYE + RIGHT_IRIS, LEFT_EYE + LEFT_IRIS, INNER_LIPS)  # as they lie in a picture
# Loops in order: lids and lips along the lower one and back along the upper one.
_LOOPS = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    INNER_LIPS, RIGHT_IRIS[1:], LEFT_IRIS[1:],
)  # fmt: skip
_SHOWN = tuple(range(0, 468, 3))  # all points would hide the face
_FOUND, _TRUE, _SURE = (40, 255, 90), (255, 60, 60), (90, 170, 255)
_BITS = 4  # sub-pixel bits of OpenCV's drawing functions


def draw_samples(
    crops: NDArray[np.uint8], marks: Array, truth: Array, sigma: Array, path: Path
) -> None:
    """Draw faces with their landmarks (green), sigma (blue rings) and the way to the truth (red).

    crops  (N, S, S, 3) RGB; marks, truth (N, 478, 2) crop px; sigma (N, 478) crop px

    Below every face: right eye, left eye and mouth, the predicted loops in green, the true in red.
    """
    if not len(crops):
        raise ValueError("draw_samples: no crop given")
    tiles = [_tile(*sample) for sample in zip(crops, marks, truth, sigma, strict=True)]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % min(_COLUMNS, len(tiles)))
    wide = min(_COLUMNS, len(tiles))
    rows = [np.hstack(tiles[k : k + wide]) for k in range(0, len(tiles), wide)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def _tile(crop: Picture, marks: Array, truth: Array, sigma: Array) -> Picture:
    scale = _FACE_PX / crop.shape[0]
    face = _enlarged(crop, np.zeros(2), crop.shape[0], _FACE_PX)
    for index in _SHOWN:
        here, there = marks[index] * scale, truth[index] * scale
        cv2.circle(face, _fixed(here), _units(sigma[index] * scale), _SURE, 1, cv2.LINE_AA, _BITS)
        cv2.line(face, _fixed(here), _fixed(there), _TRUE, 1, cv2.LINE_AA, _BITS)
        cv2.circle(face, _fixed(here), _units(1.2), _FOUND, -1, cv2.LINE_AA, _BITS)
    close = [_close_up(crop, marks, truth, points) for points in _CLOSE_UPS]
    return np.vstack([face, np.hstack(close)])


def _close_up(crop: Picture, marks: Array, truth: Array, points: tuple[int, ...]) -> Picture:
    around = truth[list(points)]
    low, high = around.min(axis=0), around.max(axis=0)
    side = 1.5 * max(float((high - low).max()), 1.0)
    corner = (low + high - side) / 2
    picture = _enlarged(crop, corner, side, _CLOSE_PX)
    for colour, places in ((_TRUE, truth), (_FOUND, marks)):
        for loop in _LOOPS:
            inside = (places[list(loop)] - corner) * (_CLOSE_PX / side)
            at = np.array([_fixed(point) for point in inside], np.int32)
            cv2.polylines(picture, [at], True, colour, 1, cv2.LINE_AA, _BITS)
    return picture


def _enlarged(crop: Picture, corner: Array, side: float, size_px: int) -> Picture:
    """Resample a square of a picture; both have their pixel centres at +0.5."""
    scale = size_px / side
    # OpenCV puts pixel centres at integers.
    shift = (0.5 - corner) * scale - 0.5
    move = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    return np.asarray(
        cv2.warpAffine(crop, move, (size_px, size_px), flags=cv2.INTER_CUBIC), np.uint8
    )


def _fixed(point: Array) -> tuple[int, int]:
    x, y = np.clip((point - 0.5) * 2**_BITS, -30_000, 30_000)  # OpenCV's limit is 16 bits
    return round(float(x)), round(float(y))


def _units(radius_px: float) -> int:
    return max(1, round(min(float(radius_px), 500.0) * 2**_BITS))
