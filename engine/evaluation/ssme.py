"""Screen-space motion error against exact truth: SSME, as the paper's benchmark has it.

For frame t and horizon h: the end-point error between the true and the predicted flow t -> t+h,
averaged over the pixels of a region mask V at t. The true flow of a pixel is that of the surface
point which covers it; the predicted flow that of the point which the prediction puts there. So a
track that sits a little beside the truth but moves with it has almost no error: SSME is about
motion (h = 1 is jitter, h = 30 drift), NME about place.

Source: method.md section 5 (Taubner et al. 2024, section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.evaluation.cover import Cover, cover
from engine.fit.heads import HeadModel
from engine.types import Array

HORIZONS = tuple(range(1, 31))
# "face" is the whole of it: eyes, nose and mouth count there as well.
REGION_PARTS: dict[str, tuple[str, ...]] = {
    "face": ("face", "eyes", "nose", "mouth"),
    "eyes": ("eyes",),
    "nose": ("nose",),
    "mouth": ("mouth",),
    "ears": ("ears",),
}
_LEAST_PIXELS = 20


@dataclass(frozen=True, eq=False)
class Truth:
    """Where every vertex of a head is in T frames."""

    points_px: Array  # (T, V, 2)
    depth: Array  # (T, V) along the optical axis, any unit: what hides what
    visible: NDArray[np.bool_]  # (T, V)
    triangles: NDArray[np.int32]  # (F, 3)
    size_px: tuple[int, int]  # width, height


@dataclass(frozen=True, eq=False)
class Motion:
    """What a track's motion is worth. H horizons; NaN where nothing could be compared."""

    horizons: tuple[int, ...]
    curves_px: dict[str, Array]  # region -> (H,) SSME_h
    covered: float  # share of the pixels of V that the prediction covers; the rest is left out
    compared: float  # share of the pairs of frames that the track knows

    def mean_px(self, region: str) -> float:
        """Return the mean over h of one region's curve."""
        known = self.curves_px[region][np.isfinite(self.curves_px[region])]
        return float(known.mean()) if len(known) else float("nan")


def region_triangles(head: HeadModel) -> dict[str, NDArray[np.bool_]]:
    """Return which triangles (F,) belong to each region: two of their corners at least do."""
    result: dict[str, NDArray[np.bool_]] = {}
    for name, parts in REGION_PARTS.items():
        known = [head.region_names.index(part) for part in parts if part in head.region_names]
        inside = np.isin(head.region, known)
        result[name] = inside[head.triangles].sum(axis=1) >= 2
    return result


def ssme(
    truth: Truth,
    predicted_px: Array,
    regions: dict[str, NDArray[np.bool_]],
    horizons: tuple[int, ...] = HORIZONS,
    step_px: int = 2,
) -> Motion:
    """Return the motion error of a track, px of the truth's pictures.

    predicted_px  (T, V, 2); NaN frames are lost ones
    regions       name -> (F,) which triangles belong to it
    step_px       every so many-th pixel of V is looked at, in x and in y
    """
    known = np.asarray(np.isfinite(predicted_px).all(axis=(1, 2)), bool)
    ahead = np.array(horizons)
    sums = {name: np.zeros((2, len(ahead))) for name in regions}  # of errors, of frames
    masked = covered = 0
    for t in np.flatnonzero(known[:-1]):
        drawn = np.flatnonzero(truth.visible[t][truth.triangles].all(axis=1))
        true_at, found_at = (
            cover(points, truth.depth[t], truth.triangles, drawn, truth.size_px, step_px)
            for points in (truth.points_px[t], predicted_px[t])
        )
        inside_picture = np.flatnonzero(t + ahead < len(known))
        columns = inside_picture[known[t + ahead[inside_picture]]]
        for name, inside in regions.items():
            mask = (true_at.triangle >= 0) & inside[true_at.triangle]
            both = mask & (found_at.triangle >= 0)
            masked, covered = masked + int(mask.sum()), covered + int(both.sum())
            if both.sum() < _LEAST_PIXELS:
                continue
            pixels = (true_at.part(both), found_at.part(both))
            for column in columns:
                later = truth.points_px[t + ahead[column]], predicted_px[t + ahead[column]]
                sums[name][:, column] += flow_error(later, truth.triangles, pixels), 1
    pairs = [(t, t + h) for h in horizons for t in range(len(known) - h)]
    return Motion(
        horizons=horizons,
        curves_px={
            name: np.divide(*both, out=np.full(len(ahead), np.nan), where=both[1] > 0)
            for name, both in sums.items()
        },
        covered=covered / masked if masked else float("nan"),
        compared=float(np.mean([known[[t, u]].all() for t, u in pairs])) if pairs else 0.0,
    )


def flow_error(
    later: tuple[Array, Array], triangles: NDArray[np.int32], pixels: tuple[Cover, Cover]
) -> float:
    """Return the mean end-point error of two flows of the same N pixels.

    later   true and found places of the vertices (V, 2) at the end of the flow
    pixels  which points of the true and of the found surface start at those pixels
    """
    (true, found), (from_true, from_found) = later, pixels
    return _mean_distance(
        true.astype(np.float64),
        found.astype(np.float64),
        triangles,
        from_true.triangle,
        from_true.weights,
        from_found.triangle,
        from_found.weights,
    )


@njit(cache=True)
def _mean_distance(
    true: Array,
    found: Array,
    triangles: NDArray[np.int32],
    true_in: NDArray[np.int32],
    true_weights: Array,
    found_in: NDArray[np.int32],
    found_weights: Array,
) -> float:
    # Both flows start at the same pixel, so their difference is that of where they end.
    total = 0.0
    for pixel in range(len(true_in)):
        dx = dy = 0.0
        for corner in range(3):
            vertex = triangles[true_in[pixel], corner]
            dx -= true_weights[pixel, corner] * true[vertex, 0]
            dy -= true_weights[pixel, corner] * true[vertex, 1]
            vertex = triangles[found_in[pixel], corner]
            dx += found_weights[pixel, corner] * found[vertex, 0]
            dy += found_weights[pixel, corner] * found[vertex, 1]
        total += np.sqrt(dx * dx + dy * dy)
    return total / len(true_in)
