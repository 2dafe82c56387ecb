"""How far the lids and the lips are open, and whether that follows the truth.

A low mean error hides lids that never close, so these are reported beside every NME.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.types import Array

# Below these ranges of the true opening a clip says nothing about lids or lips: an eye that blinks
# spans 0.2 to 0.3 of its width, noise of the teacher about 0.05.
LEAST_RANGE = {"left_eye": 0.15, "right_eye": 0.15, "mouth": 0.15}
LEAST_FRAMES = 20
_FLAT = 1e-9  # rounding alone moves a constant less
TURNED_AWAY = 0.6  # of its usual width: then an opening is foreshortened beyond measuring


@dataclass(frozen=True)
class Opening:
    """The landmarks that an opening is read from."""

    pairs: tuple[tuple[int, int], ...]  # upper and lower rim
    corners: tuple[int, int]


OPENINGS: dict[str, Opening] = {
    "left_eye": Opening(((385, 380), (386, 374), (387, 373)), (362, 263)),
    "right_eye": Opening(((158, 153), (159, 145), (160, 144)), (33, 133)),
    "mouth": Opening(((81, 178), (13, 14), (311, 402)), (61, 291)),
}


def gap(landmarks_px: Array, opening: Opening) -> Array:
    """Return the mean distance of the rims, px.

    landmarks_px  (..., 478, 2)
    returns       (...)
    """
    upper = landmarks_px[..., [pair[0] for pair in opening.pairs], :]
    lower = landmarks_px[..., [pair[1] for pair in opening.pairs], :]
    return np.linalg.norm(upper - lower, axis=-1).mean(axis=-1)


def width(landmarks_px: Array, opening: Opening) -> Array:
    """Return the distance of the corners, px, of (..., 478, 2) landmarks."""
    first, second = opening.corners
    return np.linalg.norm(landmarks_px[..., first, :] - landmarks_px[..., second, :], axis=-1)


def gap_error(predicted_px: Array, true_px: Array, opening: Opening) -> Array:
    """Return the error of the opening in % of the true width, of (..., 478, 2) landmarks."""
    missed = np.abs(gap(predicted_px, opening) - gap(true_px, opening))
    return 100 * missed / width(true_px, opening)


def measurable(true_px: Array, opening: Opening) -> NDArray[np.bool_]:
    """Return at which frames (T,) of a true track (T, 478, 2) the opening is seen well enough."""
    extent = np.ptp(np.nan_to_num(true_px[:, :468]), axis=1)
    relative = width(true_px, opening) / np.maximum(extent.max(axis=1), 1e-6)
    known = np.isfinite(relative)
    if not known.any():
        return known
    usual = np.percentile(relative[known], 90)
    return known & (relative > TURNED_AWAY * usual)


def moves(ratio: Array, name: str) -> bool:
    """Tell whether true openings (T,), in widths, move enough to be followed."""
    if len(ratio) < LEAST_FRAMES:
        return False
    low, high = np.percentile(ratio, [1, 99])
    return bool(high - low >= LEAST_RANGE[name])


def correlation(first: Array, second: Array) -> float:
    """Return Pearson's correlation of two series (T,); NaN pairs are left out, NaN if flat."""
    known = np.isfinite(first) & np.isfinite(second)
    a, b = first[known], second[known]
    if len(a) < LEAST_FRAMES or a.std() < _FLAT:
        return float("nan")
    if b.std() < _FLAT:
        return 0.0  # a dead lid follows nothing
    return float(((a - a.mean()) * (b - b.mean())).mean() / (a.std() * b.std()))
