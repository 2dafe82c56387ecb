"""The scale of the uncertainty colours, as a picture with alpha."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.render.colour_map import uncertainty_colours

_WIDTH, _HEIGHT, _MARGIN, _BAR_TOP, _BAR_HEIGHT = 226, 62, 12, 28, 8
_KEY_TOP, _KEY_ROW = 8, 18
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
    return _inked(colour, alpha, ink)


def draw_key(
    entries: Sequence[tuple[str, tuple[int, int, int]]], scale: float = 1.0
) -> NDArray[np.uint8]:
    """Return names beside their colours, two in a row: (H, W, 4) RGBA as of `draw_legend`.

    entries  names, and their colours in sRGB
    """
    rows = -(-len(entries) // 2)
    width, height = round(_WIDTH * scale), round((2 * _KEY_TOP + rows * _KEY_ROW) * scale)
    colour = np.broadcast_to(np.array(_PLATE, np.float32), (height, width, 3)).copy()
    alpha = _rounded(width, height, 8 * scale) * _PLATE_ALPHA
    ink = np.zeros((height, width, 3), np.uint8)
    for number, (name, shade) in enumerate(entries):
        left = _MARGIN + number // rows * _WIDTH / 2
        top = _KEY_TOP + number % rows * _KEY_ROW
        x, y = round(left * scale), round((top + 4) * scale)
        box = (slice(y, y + round(10 * scale)), slice(x, x + round(10 * scale)))
        colour[box], alpha[box] = shade, 1.0
        _write(ink, name, (left + 17, top + 13), _TICK_SIZE, scale)
    return _inked(colour, alpha, ink)


def _inked(
    colour: NDArray[np.float32], alpha: NDArray[np.float32], ink: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    coverage = ink[..., :1].astype(np.float32) / 255
    colour += coverage * (np.array(_INK, np.float32) - colour)
    alpha += coverage[..., 0] * (1.0 - alpha)
    return np.dstack([colour * alpha[..., None], 255 * alpha]).round().astype(np.uint8)


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
