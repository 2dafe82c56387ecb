"""Where the network looks: a square, upright window around the face.

The paper enlarges the face box by 20 %. The window also follows the head's roll, so that the
network sees upright faces only; image_from_crop carries the rotation back.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Array, Crop

ENLARGE = 1.2  # method.md section 1


def crop_from_box(
    box_px: Array, side_px: int, roll_rad: float = 0.0, enlarge: float = ENLARGE
) -> Crop:
    """Return the square window around a box.

    box_px    (4,) left, top, right, bottom, in the axes of the rolled window about the box centre
    side_px   side of the crop that the network reads
    roll_rad  rotation of the face in the image, positive clockwise as seen
    """
    left, top, right, bottom = (float(v) for v in box_px)
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    return _window(centre, max(right - left, bottom - top) * enlarge, side_px, roll_rad)


def crop_from_points(
    points_px: Array, side_px: int, roll_rad: float = 0.0, enlarge: float = ENLARGE
) -> Crop:
    """Return the square window around the points of a face, (N, 2) pixels of the image.

    The box is taken in the window's own, rolled axes, so that a tilted face is not cropped wider.
    """
    cosine, sine = np.cos(roll_rad), np.sin(roll_rad)
    upright_from_image = np.array([[cosine, sine], [-sine, cosine]])
    upright = upright_from_image @ points_px.T  # by coordinate: reductions along a row are fast
    low, high = upright.min(axis=1), upright.max(axis=1)
    centre = upright_from_image.T @ ((low + high) / 2)
    return _window(centre, float((high - low).max()) * enlarge, side_px, roll_rad)


def _window(centre_px: Array, width_px: float, side_px: int, roll_rad: float) -> Crop:
    scale = width_px / side_px
    cosine, sine = np.cos(roll_rad) * scale, np.sin(roll_rad) * scale
    linear = np.array([[cosine, -sine], [sine, cosine]])
    image_from_crop = np.eye(3)
    image_from_crop[:2, :2] = linear
    image_from_crop[:2, 2] = centre_px - linear @ np.full(2, side_px / 2)
    return Crop(image_from_crop, side_px)


def cut(image: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """Resample the window out of an image.

    image    (H, W, 3) uint8
    returns  (S, S, 3) uint8; what lies outside the image is black

    A window that shrinks the image by more than 2 is averaged down first, against aliasing.
    """
    crop_from_image = np.linalg.inv(crop.image_from_crop)
    shrink = 1.0 / float(np.sqrt(abs(np.linalg.det(crop_from_image[:2, :2]))))
    halvings = max(0, int(np.log2(max(shrink, 1.0))))
    if halvings:
        factor = 2**halvings
        height, width = image.shape[0] // factor, image.shape[1] // factor
        whole = image[: height * factor, : width * factor]
        image = np.asarray(
            cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
        crop_from_image = crop_from_image @ np.diag([factor, factor, 1.0])
    # OpenCV puts pixel centres at integers, we put them at +0.5.
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    opencv = np.linalg.inv(half) @ crop_from_image @ half
    return cv2.warpAffine(  # pyright: ignore[reportReturnType]
        image, opencv[:2], (crop.size_px, crop.size_px), flags=cv2.INTER_LINEAR
    )
