"""Places eyeballs, tongue and teeth as islands in the corners of the map, outside the skin's disc.

Eyeballs move behind the lids and teeth behind the lips: on one continuous map their positions
would bleed into the lids' and lips'. On an island, a texel or more away, they do not.
"""

from __future__ import annotations

import numpy as np

from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.source import Array, Indices

# Texels of the 32 x 32 map. A disc of 2.25 about each centre keeps a texel from the skin's disc.
TOP_LEFT, TOP_RIGHT = np.array([2.85, 2.85]), np.array([29.15, 2.85])
BOTTOM_LEFT, BOTTOM_RIGHT = np.array([2.85, 29.15]), np.array([29.15, 29.15])
ISLAND_RADIUS = 2.25
# Angle from the pupil, rad, and radius on the island: iris rim 0.39, visible white to about 0.8.
EYE_ANGLE = np.array([0.0, 0.2, 0.39, 0.78, 1.18, 1.57, 3.15])
EYE_RADIUS = np.array([0.0, 0.6, 1.15, 1.8, 2.05, 2.15, 2.25])


def _eyeball(points: Array, centre: Array) -> Array:
    """Lay a ball out by angle from its front pole (-z)."""
    offset = points - points.mean(axis=0)
    across = np.hypot(offset[:, 0], offset[:, 1])
    radius = np.interp(np.arctan2(across, -offset[:, 2]), EYE_ANGLE, EYE_RADIUS)
    return centre + radius[:, None] * offset[:, :2] / np.maximum(across, 1e-9)[:, None]


def _tongue(points: Array, centre: Array) -> Array:
    """Lay the tongue out as seen from above, its tip at the bottom of the map."""
    low, high = points.min(axis=0), points.max(axis=0)
    along = (points - 0.5 * (low + high)) / (high - low)
    return centre + np.stack([2.8 * along[:, 0], -3.6 * along[:, 2]], axis=1)


def _teeth(points: Array, centre: Array, row: float) -> Array:
    """Unroll one row of teeth about the middle of its arch; `row` is its middle on the map."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.array([0.0, high[2]])
    angle = np.arctan2(points[:, 0] - middle[0], middle[1] - points[:, 2] + 0.005)
    height = (points[:, 1] - low[1]) / (high[1] - low[1]) - 0.5
    return centre + np.stack([1.9 * angle / np.abs(angle).max(), row + 0.8 * height], axis=1)


def place_islands(mesh: HeadMesh, neutral: Array, position: Array) -> Array:
    """Fill in the positions (V, 2), texels, of all vertices that are NaN in `position`.

    Lashes and the vertices of the strip left out at the back take their nearest skin vertex'.
    """
    filled = position.copy()

    def of(name: str) -> Indices:
        return mesh.of_part(name)

    for name, corner in (("helper-r-eye", TOP_LEFT), ("helper-l-eye", TOP_RIGHT)):
        filled[of(name)] = _eyeball(neutral[of(name)], corner)
    filled[of("helper-tongue")] = _tongue(neutral[of("helper-tongue")], BOTTOM_LEFT)
    for name, row in (("helper-upper-teeth", -0.95), ("helper-lower-teeth", 0.95)):
        filled[of(name)] = _teeth(neutral[of(name)], BOTTOM_RIGHT, row)
    known = np.flatnonzero(~np.isnan(position[:, 0]))
    missing = np.flatnonzero(np.isnan(filled[:, 0]))
    gap = np.linalg.norm(neutral[missing, None] - neutral[None, known], axis=2)
    filled[missing] = filled[known[gap.argmin(axis=1)]]
    return filled
