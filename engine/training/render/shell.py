"""The outside of a posed face as distances from an upright axis: what cloth and hair lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter

from engine.types import Array

AXIS_Z_M = 0.06  # behind the eyes
REACH_RAD, COLUMNS = 1.9, 64
ROW_M = 0.004


@dataclass(frozen=True, eq=False)
class Shell:
    """radius_m (R, COLUMNS): rows downwards from top_m, columns from -REACH_RAD to REACH_RAD."""

    radius_m: Array
    top_m: float

    def at(self, azimuth_rad: Array, height_m: Array, lift_m: Array | float) -> Array:
        """Return points (..., 3) lift_m outside; azimuth from the nose's direction to the left."""
        row = (height_m - self.top_m) / ROW_M - 0.5
        column = (azimuth_rad / REACH_RAD * 0.5 + 0.5) * COLUMNS - 0.5
        found = map_coordinates(self.radius_m, np.stack([row, column]), order=1, mode="nearest")
        radius = found + lift_m
        return np.stack(
            [radius * np.sin(azimuth_rad), height_m, AXIS_Z_M - radius * np.cos(azimuth_rad)],
            axis=-1,
        )


def shell_of(vertices: Array, tent: int, soft: float) -> Shell:
    """Measure head vertices (N, 3), metres.

    tent  cells over which the cover spans from bump to bump; soft  cells of smoothing
    """
    x, y, z = vertices[:, 0], vertices[:, 1], vertices[:, 2] - AXIS_Z_M
    top = float(y.min())
    rows = int(np.ptp(y) / ROW_M) + 1
    azimuth = np.arctan2(x, -z)
    kept = np.abs(azimuth) < REACH_RAD
    row = np.clip((y - top) / ROW_M, 0, rows - 1).astype(int)
    column = ((azimuth / REACH_RAD * 0.5 + 0.5) * COLUMNS).astype(int)
    radius = np.zeros((rows, COLUMNS))
    np.maximum.at(radius, (row[kept], column[kept]), np.hypot(x, z)[kept])
    while (radius == 0).any() and radius.any():
        radius = np.where(radius == 0, maximum_filter(radius, 3), radius)
    spanned = gaussian_filter(maximum_filter(radius, tent), soft)
    return Shell(np.maximum(spanned, gaussian_filter(radius, 0.7)), top)
