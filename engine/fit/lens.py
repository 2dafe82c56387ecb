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
    return replace(alignment, points_px=undistorted_points(alignment.points_px, camera))


def undistorted_points(points_px: Array, camera: Camera) -> Array:
    """Return pixels (N, 2) of a camera as an ideal pinhole would have seen them."""
    if not np.any(camera.distortion):
        return points_px
    points = cv2.undistortPoints(
        points_px.astype(np.float64)[:, None],
        camera.intrinsics,
        camera.distortion,
        P=camera.intrinsics,
    )
    return np.asarray(points[:, 0], dtype=np.float64)


def distorted(points_px: Array, camera: Camera) -> Array:
    """Return ideal pixels (N, 2) as the camera's lens bends them; the inverse of the above."""
    if not np.any(camera.distortion):
        return points_px
    k = camera.intrinsics
    rays = np.column_stack([(points_px - k[:2, 2]) / k[[0, 1], [0, 1]], np.ones(len(points_px))])
    bent, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), k, camera.distortion)
    return np.asarray(bent[:, 0], dtype=np.float64)
