"""Where points are against where they should be: NME, and whether sigma tells the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.evaluation.regions import MESH_POINTS
from engine.types import Array

QUANTILES = np.arange(0.05, 1.0, 0.05)


def face_side_px(landmarks_px: Array) -> float:
    """Return the square root of the area of the box of the 468 mesh points of (N, 2) landmarks."""
    extent = np.ptp(landmarks_px[:MESH_POINTS], axis=0)
    return float(np.sqrt(extent[0] * extent[1]))


def normalised_errors(predicted_px: Array, true_px: Array, side_px: float) -> Array:
    """Return the distance of every point (N, 2) to its true place in % of `side_px`, (N,)."""
    return 100 * np.linalg.norm(predicted_px - true_px, axis=-1) / side_px


@dataclass(frozen=True)
class Calibration:
    """How the errors spread, in units of their stated standard deviation."""

    quantile: tuple[float, ...]  # of the Rayleigh distribution
    share: tuple[float, ...]  # of the points whose error lies under it; equal if sigma is honest
    expected_error: float  # mean |share - quantile|, 0 .. 0.5
    scale: float  # sigma would be honest in the median if multiplied by this


def calibration(distance_px: Array, sigma_px: Array) -> Calibration:
    """Compare errors with the Rayleigh quantiles of a circular Gaussian.

    distance_px  (N,) error of every point
    sigma_px     (N,) its stated standard deviation in x and in y

    Source: method.md section 5; Rayleigh quantile q: sqrt(-2 ln(1 - q)).
    """
    ratio = np.sort(distance_px / sigma_px)
    bounds = np.sqrt(-2 * np.log(1 - QUANTILES))
    share = np.searchsorted(ratio, bounds, side="right") / len(ratio)
    return Calibration(
        quantile=tuple(float(q) for q in QUANTILES),
        share=tuple(float(s) for s in share),
        expected_error=float(np.abs(share - QUANTILES).mean()),
        scale=float(np.median(ratio) / np.sqrt(2 * np.log(2))),
    )
