"""Draws the anchors on the neutral head."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.types import Array

# Numbered in the picture: corners of lids and mouth, midline, brows, cheeks, oval.
NUMBERED = (
    0, 1, 4, 6, 10, 13, 14, 17, 33, 50, 54, 58, 61, 70, 93, 105, 107, 127, 132, 133, 145, 151, 152,
    159, 168, 172, 200, 205, 234, 263, 280, 288, 291, 323, 336, 362, 374, 386, 454, 468, 473,
)  # fmt: skip
SCALE_PX, LEFT, TOP, SIZE_PX = 7000.0, -0.1, -0.115, (1400, 1750)


def anchors_picture(head: OpenHead) -> NDArray[np.uint8]:
    """Return a frontal orthographic picture (H, W, 3), RGB, of the mesh and its landmarks."""
    shown = ~head.in_regions("lashes", "teeth", "tongue")
    vertices, faces = head.neutral.astype(np.float64), head.triangles[shown[head.triangles].all(1)]
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = -normal[:, 2] / (np.linalg.norm(normal, axis=1) + 1e-12)
    pixels = _pixels(vertices)
    canvas = np.full((SIZE_PX[1], SIZE_PX[0], 3), 255, np.uint8)
    for face in np.argsort(-corners[:, :, 2].mean(1)):
        if facing[face] <= 0:
            continue
        shade = int(120 + 120 * facing[face])
        polygon = pixels[faces[face]].astype(np.int32)
        cv2.fillPoly(canvas, [polygon], (shade, shade, shade))
        cv2.polylines(canvas, [polygon], True, (160, 175, 205), 1, cv2.LINE_AA)
    for number, (x, y) in enumerate(_pixels(landmarks(head, vertices))):
        colour = (20, 90, 200) if number >= 468 else (210, 30, 30)
        cv2.circle(canvas, (round(x), round(y)), 3, colour, -1, cv2.LINE_AA)
        if number in NUMBERED:
            at = (round(x) + 4, round(y) - 3)
            cv2.putText(canvas, str(number), at, 0, 0.45, (0, 80, 0), 1, cv2.LINE_AA)
    return canvas


def _pixels(points: Array) -> Array:
    return (points[:, :2] - [LEFT, TOP]) * SCALE_PX
