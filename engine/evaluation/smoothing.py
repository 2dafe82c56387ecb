"""Smoothing that a rival's landmarks get before they are compared with ours."""

from __future__ import annotations

import numpy as np

from engine.types import Array

# MediaPipe's Face Landmarker (tasks API) filters its landmarks so in video mode; FaceMesh does not.
MIN_CUTOFF_HZ, BETA, DERIVATIVE_CUTOFF_HZ = 0.05, 80.0, 1.0


def delayed(values: Array, lag_frames: float) -> Array:
    """Return a series (T, ...) under an exponential mean that delays slow motion by lag_frames.

    A share a of the new value has a delay of (1 - a) / a frames. NaN frames start it afresh.
    """
    share = 1.0 / (1.0 + lag_frames)
    result, last = np.array(values, np.float64), None
    for t in range(len(result)):
        if last is not None and np.isfinite(last).all():
            result[t] = last + share * (result[t] - last)
        last = result[t] if np.isfinite(result[t]).all() else None
    return result


def one_euro(
    points_px: Array,
    rate: float,
    min_cutoff_hz: float = MIN_CUTOFF_HZ,
    beta: float = BETA,
    derivative_cutoff_hz: float = DERIVATIVE_CUTOFF_HZ,
) -> Array:
    """Return points (T, P, 2) under a One Euro filter as MediaPipe's Face Landmarker has it.

    Speeds are measured in sizes of the face (mean side of the points' box) a second. NaN frames
    start it afresh.

    Source: Casiez et al. 2012; MediaPipe, landmarks_smoothing_calculator.
    """
    result = np.array(points_px, np.float64)
    last: Array | None = None  # filtered
    raw, speed = result[0], np.zeros_like(result[0])
    for t in range(len(result)):
        point = result[t].copy()
        if not np.isfinite(point).all():
            last = None
            continue
        if last is None:
            speed = np.zeros_like(point)
        else:
            size = float(np.ptp(point, axis=0).mean())
            slope = (point - raw) * rate / size
            speed = speed + _share(derivative_cutoff_hz, rate) * (slope - speed)
            result[t] = last + _share(min_cutoff_hz + beta * np.abs(speed), rate) * (point - last)
        raw, last = point, result[t]
    return result


def _share(cutoff_hz: Array | float, rate: float) -> Array | float:
    return 1.0 / (1.0 + rate / (2 * np.pi * cutoff_hz))
