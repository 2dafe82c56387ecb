"""The scale of the uncertainty colours, as a picture with alpha."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.render.colour_map import uncertainty_colours

_WIDTH, _HEIGHT, _MARGIN, _BAR_TOP, _BAR_HEIGHT = 226, 62, 12, 28, 8
_TITLE_SIZE, _TICK_SIZE, _TEXT_WEIGHT = 12, 11, 480
_PLATE, _PLATE_ALPHA, _INK = (16, 18, 22), 0.78, (236, 240, 244)


def draw_legend(
    full_scale_px: float, scale: float = 1.0, title: str = "Alignment uncertainty"
) -> NDArray[np.uint8]:
    """Return (H, W, 4) RGBA, sRGB-encoded, alpha multiplied in.

    full_scale_px  standard deviation at the end of the colours, in camera pixels
    scale          size of the legend: target pixels per nominal pixel
    title          what is seen
    """
    width, height = round(_WIDTH * scale), round(_HEIGHT * scale)
    plate = _rounded(width, height, 8 * scale)
    colour = np.broadcast_to(np.array(_PLATE, np.float32), (height, width, 3)).copy()
    alpha = plate * _PLATE_ALPHA

    left, right = round(_MARGIN * scale), width - round(_MARGIN * scale)
    top, bottom = round(_BAR_TOP * scale), round((_BAR_TOP + _BAR_HEIGHT) * scale)
    steps = np.linspace(0, 255, right - left).astype(int)
    colour[top:bottom, left:right] = uncertainty_colours()[steps]
    alpha[top:bottom, left:right] = 1.0

    ink = np.zeros((height, width, 3), np.uint8)
    _write(ink, title, (_MARGIN, 20), _TITLE_SIZE, scale)
    labels = ("0", f"{full_scale_px / 2:.1f}", f"{full_scale_px:.1f} px")
    middle = (left + right) / 2 / scale
    for label, at, align in zip(
        labels, (_MARGIN, middle, right / scale), (0.0, 0.5, 1.0), strict=True
    ):
        _write(ink, label, (at, 52), _TICK_SIZE, scale, align)
    coverage = ink[..., :1].astype(np.float32) / 255
    colour += coverage * (np.array(_INK, np.float32) - colour)
    alpha += coverage[..., 0] * (1.0 - alpha)
    premultiplied = colour * alpha[..., None]
    return np.dstack([premultiplied, 255 * alpha]).round().astype(np.uint8)


def _rounded(width: int, height: int, radius: float) -> NDArray[np.float32]:
    x = np.abs(np.arange(width) + 0.5 - width / 2) - (width / 2 - radius)
    y = np.abs(np.arange(height) + 0.5 - height / 2) - (height / 2 - radius)
    outside = np.hypot(np.maximum(x, 0)[None], np.maximum(y, 0)[:, None]) - radius
    return np.clip(0.5 - outside, 0.0, 1.0).astype(np.float32)


def _write(
    ink: NDArray[np.uint8],
    text: str,
    at: tuple[float, float],
    size: float,
    scale: float,
    align: float = 0.0,
) -> None:
    face, size_px = cv2.FontFace("sans"), round(size * scale)
    (_, _, width, _) = cv2.getTextSize(ink.shape[1::-1], text, (0, 0), face, size_px, _TEXT_WEIGHT)
    start = (round(at[0] * scale - align * width), round(at[1] * scale))
    cv2.putText(ink, text, start, (255, 255, 255), face, size_px, _TEXT_WEIGHT)
