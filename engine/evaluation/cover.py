"""Which point of a projected surface lies in front at every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.types import Array


@dataclass(frozen=True, eq=False)
class Cover:
    """Which point of the surface lies in front at each looked-at pixel. N pixels, row by row."""

    triangle: NDArray[np.int32]  # (N,) -1 where there is none
    weights: Array  # (N, 3) barycentric

    def part(self, pixels: NDArray[np.bool_]) -> Cover:
        """Return some pixels (N,)."""
        return Cover(self.triangle[pixels], self.weights[pixels])


def cover(
    points_px: Array,
    depth: Array,
    triangles: NDArray[np.int32],
    drawn: NDArray[np.intp],
    size_px: tuple[int, int],
    step_px: int = 1,
) -> Cover:
    """Find the nearest of some triangles at the centre of every `step_px`-th pixel.

    points_px (V, 2), depth (V,), triangles (F, 3), drawn (D,) rows of triangles
    """
    columns, rows = (-(-side // step_px) for side in size_px)
    triangle = np.full(rows * columns, -1, np.int32)
    weights = np.zeros((rows * columns, 3))
    nearest = np.full(rows * columns, np.inf)
    places, depths = points_px.astype(np.float64), depth.astype(np.float64)
    names = drawn.astype(np.int32)
    _draw(
        places, depths, triangles[drawn], names, columns, rows, step_px, triangle, weights, nearest
    )
    return Cover(triangle, weights)


@njit(cache=True)
def _draw(
    points: Array,
    depth: Array,
    corners: NDArray[np.int32],
    names: NDArray[np.int32],
    columns: int,
    rows: int,
    step: int,
    triangle: NDArray[np.int32],
    weights: Array,
    nearest: Array,
) -> None:
    for row in range(len(corners)):
        a, b, c = corners[row]
        ax, ay = points[a]
        bx, by = points[b]
        cx, cy = points[c]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        low_x = max(0, int(np.ceil((min(ax, bx, cx) - 0.5) / step)))
        high_x = min(columns - 1, int(np.floor((max(ax, bx, cx) - 0.5) / step)))
        low_y = max(0, int(np.ceil((min(ay, by, cy) - 0.5) / step)))
        high_y = min(rows - 1, int(np.floor((max(ay, by, cy) - 0.5) / step)))
        for v in range(low_y, high_y + 1):
            y = v * step + 0.5
            for u in range(low_x, high_x + 1):
                x = u * step + 0.5
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                wa = 1.0 - wb - wc
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                z = wa * depth[a] + wb * depth[b] + wc * depth[c]
                pixel = v * columns + u
                if z < nearest[pixel]:
                    nearest[pixel] = z
                    triangle[pixel] = names[row]
                    weights[pixel, 0], weights[pixel, 1], weights[pixel, 2] = wa, wb, wc
