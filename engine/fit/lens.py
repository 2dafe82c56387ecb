"""Lens distortion at the fit's border: inside it, cameras are ideal pinholes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from engine.types import Alignment, Array, Camera


def undistorted(alignment: Alignment, camera: Camera) -> Alignment:
    """Return an alignment as an ideal pinhole with the camera's intrinsics would have seen it."""
    if not np.any(camera.distortion):
        return alignment
    points = cv2.undistortPoints(
        alignment.points_px.astype(np.float64)[:, None],
        camera.intrinsics,
        camera.distortion,
        P=camera.intrinsics,
    )
    return replace(alignment, points_px=np.asarray(points[:, 0], dtype=np.float64))


def distorted(points_px: Array, camera: Camera) -> Array:
    """Return ideal pixels (N, 2) as the camera's lens bends them; the inverse of the above."""
    if not np.any(camera.distortion):
        return points_px
    k = camera.intrinsics
    rays = np.column_stack([(points_px - k[:2, 2]) / k[[0, 1], [0, 1]], np.ones(len(points_px))])
    bent, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), k, camera.distortion)
    return np.asarray(bent[:, 0], dtype=np.float64)
