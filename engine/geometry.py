"""Camera geometry: head space -> camera space -> pixels.

Head and camera space are right-handed and in metres, with OpenCV axes: x right, y down, z forward.
A face that looks straight into the camera has camera_from_head = [I | t]: the subject's left is +x
and the nose points to -z. The origin of head space is the midpoint between the eyeball centres.
Image space is in pixels; (0, 0) is the top-left corner, so pixel centres lie at +0.5.
UV space is [0, 1] x [0, 1], u to the subject's left, v down.
"""

from __future__ import annotations

import numpy as np

from engine.types import Array, Camera

DEFAULT_FIELD_OF_VIEW_RAD = np.deg2rad(60.0)  # of the longer image side; usual for webcams


def project(points_head: Array, camera_from_head: Array, intrinsics: Array) -> Array:
    """Project points onto the image through a pinhole camera.

    points_head       (V, 3) metres
    camera_from_head  (4, 4) rigid transform (the extrinsics)
    intrinsics        (3, 3) camera matrix K, pixels
    returns           (V, 2) x, y in pixels; NaN for a point that is not in front of the camera

    Source: Hartley & Zisserman, Multiple View Geometry (2nd ed.), section 6.1.
    """
    linear, shift = intrinsics @ camera_from_head[:3, :3], intrinsics @ camera_from_head[:3, 3]
    # By coordinate: rows as long as this run at the speed of memory, pairs do not.
    x, y, depth = linear @ points_head.T + shift[:, None]
    depth = np.where(depth > 0, depth, np.nan)
    return np.stack([x / depth, y / depth], axis=1)


def transform_points(destination_from_source: Array, points: Array) -> Array:
    """Apply a homogeneous transform to points.

    destination_from_source  (D+1, D+1) affine
    points                   (..., D)
    returns                  (..., D)
    """
    linear, shift = destination_from_source[:-1, :-1], destination_from_source[:-1, -1]
    return points @ linear.T + shift


def rotation_from_vector(vector: Array) -> Array:
    """Return the rotation matrix (3, 3) of a rotation vector (3,) in radians.

    Source: Rodrigues' formula, Hartley & Zisserman, section A4.3.2.
    """
    angle = float(np.linalg.norm(vector))
    skew = cross_matrix(vector)
    if angle < 1e-8:
        return np.eye(3) + skew
    sine, versine = np.sin(angle) / angle, (1 - np.cos(angle)) / angle**2
    return np.eye(3) + sine * skew + versine * (skew @ skew)


def cross_matrix(vector: Array) -> Array:
    """Return the matrix (3, 3) for which `matrix @ p` is the cross product of vector (3,) and p."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def rigid(rotation: Array, translation: Array) -> Array:
    """Return the rigid transform (4, 4) of a rotation (3, 3) and a translation (3,)."""
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = rotation, translation
    return result


def assumed_camera(
    width_px: int, height_px: int, field_of_view_rad: float = DEFAULT_FIELD_OF_VIEW_RAD
) -> Camera:
    """Return a camera without calibration: centred, square pixels, no distortion.

    field_of_view_rad  angle across the longer image side
    """
    focal_px = 0.5 * max(width_px, height_px) / np.tan(0.5 * field_of_view_rad)
    return Camera(
        intrinsics=np.array(
            [[focal_px, 0.0, width_px / 2], [0.0, focal_px, height_px / 2], [0.0, 0.0, 1.0]]
        ),
        distortion=np.zeros(5),
        size_px=(width_px, height_px),
    )
