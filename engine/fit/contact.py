"""Lids and lips that meet: what the picture shows as closed is closed in the fit as well.

The network sees closed rims a little apart. Where the measured gap of an opening lies within its
sigma of closed, the fit is charged for what is left of the gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.fit.closure import LEFT_LIDS, LID_OVERLAP_M, LIPS, RIGHT_LIDS, Closure
from engine.fit.heads import HeadModel
from engine.fit.residuals import NEAREST_DEPTH_M, Gaps
from engine.fit.settings import FitSettings
from engine.fit.skinning import JAW, joint_rotations
from engine.geometry import cross_matrix
from engine.types import Alignment, Array

_OPENINGS = (LEFT_LIDS, RIGHT_LIDS, LIPS)
_MIDDLE = slice(1, 4)  # of five pairs: at the corners a rim is closed anyway
_ABOUT_X = cross_matrix(np.array([1.0, 0.0, 0.0]))
NEGLIGIBLE = 0.01 / 0.001**2  # 1/m^2: hardly felt beside a single point


class Contact:
    """The vertical gaps of the lids and lips of one head model, at any expression.

    head      any HeadModel with MediaPipe's landmarks
    settings  how firmly closed rims are held together

    overlap_m  (3,) by which the rims of each opening pass each other where they touch
    """

    def __init__(self, head: HeadModel, settings: FitSettings) -> None:
        self.settings, self._names = settings, head.expression_names
        edges = np.array(  # (2, 3, 5) landmarks
            [[opening[edge] for opening in _OPENINGS] for edge in (0, 1)], np.int64
        )
        self._corner = head.landmark_triangles[edges]  # (2, 3, 5, 3)
        self.weight = head.landmark_weights[edges].astype(np.float64)
        self.vertex = self._corner.ravel()
        self.basis = np.moveaxis(head.expression_basis[:, self.vertex], 0, -1).astype(np.float64)
        self.jaw = head.skin_weights[self.vertex, 1 + JAW].astype(np.float64)
        self._jaw_open_rad = head.jaw_open_rad
        lids, lips = LID_OVERLAP_M, Closure(head).lip_overlap_m
        self.overlap_m = np.array([lids, lids, lips])

    def measured(self, alignment: Alignment, row_of: NDArray[np.integer]) -> Gaps:
        """Read the gaps off an alignment; row_of (V,) is each vertex' row in it, -1 for none."""
        rows = row_of[self._corner]
        points = np.einsum("eopk,eopkc->eopc", self.weight, alignment.points_px[rows])
        sigma = np.einsum("eopk,eopk->eop", self.weight, alignment.sigma_px[rows])
        known = (rows >= 0).all(axis=(0, 2, 3)) & np.isfinite(points).all(axis=(0, 2, 3))
        vector = (points[1] - points[0])[:, _MIDDLE].mean(axis=1)
        spread = np.hypot(sigma[0], sigma[1])[:, _MIDDLE].mean(axis=1)
        known &= np.isfinite(spread)
        return Gaps(
            np.where(known[:, None], vector, 0.0), np.where(known, np.maximum(spread, 1e-3), np.inf)
        )

    def charge(self, gaps: Gaps, camera_from_head: Array, focal_px: float) -> Array:
        """Return what a gap of each opening is charged, (3,) in 1/m^2.

        It is 1 / variance of what is left between closed rims, as far as they are seen, times how
        surely they are closed: 1 for no gap, 0.6 at a gap of one sigma. Sigma is `contact_share`
        of that of two independent points: neighbours err together.
        """
        down = camera_from_head[:2, 1]
        length = max(float(np.linalg.norm(down)), 1e-6)
        px_per_m = focal_px / max(float(camera_from_head[2, 3]), NEAREST_DEPTH_M) * length
        gap_m = gaps.vector_px @ down / length / px_per_m
        sigma_m = self.settings.contact_share * gaps.sigma_px / px_per_m
        open_m = np.maximum(gap_m + self.overlap_m, 0.0)
        surely = np.exp(-0.5 * (open_m / sigma_m) ** 2)
        return surely / (self.settings.contact_sigma_m**2 + sigma_m**2)

    def gaps(self, neutral: Array, joints: Array, expression: Array) -> tuple[Array, Array]:
        """Return the vertical gaps (3, 5), m, and their derivatives (3, 5, E) by expression.

        neutral (V, 3) and joints (4, 3) of the person; positive is open.
        """
        shaped = neutral[self.vertex] + self.basis @ expression
        jaw_open = float(expression[self._names.index("jawOpen")])
        rest = np.zeros((2, 2))
        turn = joint_rotations(jaw_open, rest, np.zeros(3), self._jaw_open_rad)[JAW]
        lever = shaped - joints[JAW]
        height = shaped[:, 1] + self.jaw * (lever @ (turn - np.eye(3))[1])
        by_shape = self.basis[:, 1] + self.jaw[:, None] * np.einsum(
            "c,vce->ve", (turn - np.eye(3))[1], self.basis
        )
        turning = (self._jaw_open_rad * _ABOUT_X @ turn)[1]
        by_shape[:, self._names.index("jawOpen")] += self.jaw * (lever @ turning)
        edges = self.weight[..., None]
        rims = (edges * height.reshape(*self._corner.shape, 1)).sum(axis=3)[..., 0]
        slopes = (edges * by_shape.reshape(*self._corner.shape, -1)).sum(axis=3)
        return rims[1] - rims[0], slopes[1] - slopes[0]

    def add(
        self,
        charge: Array,
        neutral: Array,
        joints: Array,
        expression: Array,
        hessian: Array,
        gradient: Array,
    ) -> None:
        """Add the charge to the normal equations of the expression, (E, E) and (E,).

        charge  (3,) from `charge`
        """
        if (charge < NEGLIGIBLE).all():
            return
        gap, slope = self.gaps(neutral, joints, expression)
        beyond = gap + self.overlap_m[:, None]
        # Pressed together as far as they like: nothing is charged from touching on.
        weight = np.where(beyond > 0.0, charge[:, None], 0.0).ravel()
        rows = slope.reshape(weight.size, -1)
        hessian += (rows * weight[:, None]).T @ rows
        gradient += (weight * beyond.ravel()) @ rows
