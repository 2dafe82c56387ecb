"""Which vertices of a fitted head face the camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.types import Array


def facing_camera(
    vertices: Array, triangles: NDArray[np.int32], camera_from_head: Array
) -> NDArray[np.bool_]:
    """Tell for every vertex whether its normal points to the camera's side.

    vertices          (V, 3) metres, head space
    triangles         (F, 3) outward-facing: cross(b - a, c - a) points out of the head
    camera_from_head  (4, 4)
    returns           (V,)

    Seen by its normal alone: what another part of the head hides still counts as facing.
    """
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    # Not normalised: the length of a triangle's cross product weights it by its area.
    face_normals = np.cross(b - a, c - a)
    normals = np.empty_like(vertices, dtype=np.float64)
    for axis in range(3):
        weights = np.repeat(face_normals[:, axis], 3)
        normals[:, axis] = np.bincount(triangles.ravel(), weights, minlength=len(vertices))
    rotation, shift = camera_from_head[:3, :3], camera_from_head[:3, 3]
    camera_in_head = -rotation.T @ shift
    return np.einsum("vc,vc->v", normals, camera_in_head - vertices) > 0
