"""Whether a fit lies on a face: decided from uncertainty, residual and plausibility, never time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.residuals import Measurement
from engine.fit.settings import TrustSettings
from engine.fit.solver import face_size_px
from engine.types import Array

_MOSTLY_FACING = 0.5


@dataclass(frozen=True)
class Quality:
    """How well a fit explains an alignment, relative to the face size."""

    face_px: float
    sigma_share: float  # median sigma of the visible vertices
    distance_share: float  # median distance of alignment and fit
    inlier_share: float
    inside_share: float  # of the face in the image
    depth_m: float
    facing_cosine: float  # of the angle between the face's direction and the camera
    rms_px: float  # sigma-weighted root mean square distance


def quality_of(
    measurement: Measurement,
    projected_px: Array,
    facing: Array,
    camera_from_head: Array,
    face_points_px: Array,
    size_px: tuple[int, int],
    settings: TrustSettings,
) -> Quality:
    """Measure a fit.

    projected_px    (N, 2) the fit's projection of the fitted vertices
    facing          (N,) 0 averted .. 1 facing the camera, of the same
    face_points_px  (N, 2) projection of the face's landmarks
    size_px         width and height of the image
    """
    face_px = face_size_px(face_points_px)
    visible = (facing > _MOSTLY_FACING) & (measurement.information > 0)
    if not visible.any():
        visible = measurement.information > 0
    sigma = measurement.sigma[visible]
    apart = projected_px[visible] - measurement.points[visible]
    distance = np.sqrt(apart[:, 0] ** 2 + apart[:, 1] ** 2)
    seen = bool(visible.any())
    inside = inside_image(face_points_px, size_px)
    position = camera_from_head[:3, 3]
    forward = -camera_from_head[:3, 2]
    return Quality(
        face_px=face_px,
        sigma_share=float(np.median(sigma)) / face_px if seen else np.inf,
        distance_share=float(np.median(distance)) / face_px if seen else np.inf,
        inlier_share=float((distance < settings.outlier_share * face_px).mean()) if seen else 0.0,
        inside_share=float(inside.mean()),
        depth_m=float(position[2]),
        facing_cosine=float(-forward @ position / max(float(np.linalg.norm(position)), 1e-9)),
        rms_px=float(np.sqrt(np.average(distance**2, weights=sigma**-2.0))) if seen else np.inf,
    )


def inside_image(points_px: Array, size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which points (N, 2) lie in an image of that width and height, (N,)."""
    x, y = points_px[:, 0], points_px[:, 1]  # columns: reductions along the rows' axis are slow
    return (x >= 0) & (x < size_px[0]) & (y >= 0) & (y < size_px[1])


def doubt(quality: Quality, settings: TrustSettings, leniency: float = 1.0) -> str | None:
    """Return why a fit is not believed, or None if it is.

    leniency  widens the limits on sigma and distance
    """
    checks = (
        (quality.face_px >= settings.smallest_face_px, "face too small"),
        (settings.nearest_m <= quality.depth_m <= settings.farthest_m, "implausible distance"),
        (quality.facing_cosine >= settings.averted_cosine, "face averted"),
        (quality.inside_share >= settings.inside_share, "face outside the image"),
        (quality.sigma_share <= leniency * settings.sigma_share, "network unsure"),
        (quality.distance_share <= leniency * settings.rms_share, "no head fits"),
        (quality.inlier_share >= settings.inlier_share / leniency, "too many outliers"),
    )
    return next((reason for passed, reason in checks if not passed), None)
