"""Videos that are stored lying and shown upright, as phones make them.

The tracker sees upright pictures. Tools that read the stored frames without turning them need what
was tracked in the file's own pixels: the same scene, seen by a camera turned about its axis.
"""

from __future__ import annotations

import numpy as np

from engine.types import Array


def stored_from_upright(quarter_turns: int, upright_size_px: tuple[int, int]) -> Array:
    """Return the map (3, 3) from upright pixels to those of the stored picture, homogeneous.

    quarter_turns    counter-clockwise turns that set the stored picture upright (numpy.rot90)
    upright_size_px  width, height
    """
    width, height = upright_size_px
    turns: dict[int, list[list[float]]] = {
        0: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        1: [[0, -1, height], [1, 0, 0], [0, 0, 1]],
        2: [[-1, 0, width], [0, -1, height], [0, 0, 1]],
        3: [[0, 1, 0], [-1, 0, width], [0, 0, 1]],
    }
    return np.array(turns[quarter_turns % 4], np.float64)


def turned_camera(
    destination_from_source: Array, intrinsics: Array, camera_from_head: Array
) -> tuple[Array, Array]:
    """Return intrinsics (..., 3, 3) and extrinsics (..., 4, 4) that project to the turned pixels.

    destination_from_source  (3, 3) from `stored_from_upright` or its inverse
    """
    about_axis = np.eye(4)
    about_axis[:2, :2] = destination_from_source[:2, :2]
    turned = destination_from_source @ intrinsics @ about_axis[:3, :3].T
    return turned, about_axis @ camera_from_head
