"""The reliability curve of sigma as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.evaluation.accuracy import Calibration
from engine.types import Array

_SIDE_PX, _MARGIN_PX = 420, 56
_COLOURS = ((31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189), (255, 127, 14))
_INK, _GRID = (40, 40, 40), (225, 225, 225)
_FINE = 4  # sub-pixel bits of OpenCV's drawing


def write(figures: dict[str, Any], folder: Path) -> None:
    """Draw the curves of `bench align` into reliability.png."""
    picture = draw_reliability(of_align(figures))
    cv2.imwrite(str(folder / "reliability.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def draw_reliability(curves: Mapping[str, Calibration]) -> NDArray[np.uint8]:
    """Draw shares against Rayleigh quantiles, (H, W, 3) RGB; an honest sigma lies on the diagonal.

    Above it sigma is too large (more errors are small than it says), below it too small.
    """
    side = _SIDE_PX + 2 * _MARGIN_PX
    picture = np.full((side, side, 3), 255, np.uint8)
    for tenth in range(0, 11, 2):
        value = tenth / 10
        for ends in (((value, 0.0), (value, 1.0)), ((0.0, value), (1.0, value))):
            _line(picture, np.array(ends), _GRID, 1)
        _label(picture, f"{value:.1f}", place(value, 0.0), (-11, 20))
        _label(picture, f"{value:.1f}", place(0.0, value), (-34, 5))
    _line(picture, np.array([(0.0, 0.0), (1.0, 1.0)]), (150, 150, 150), 1)
    for row, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[row % len(_COLOURS)]
        points = np.array([(0, 0), *zip(curve.quantile, curve.share, strict=True), (1, 1)])
        _line(picture, points, colour, 2)
        text = f"{name}: {curve.expected_error:.3f}"
        _label(picture, text, place(0.03, 0.95), (0, 20 * row), colour)
    _label(picture, "quantile of d / sigma that an honest sigma gives", place(0.12, 0.0), (0, 42))
    _label(picture, "share of the points", place(0.0, 1.0), (-30, -12))
    return picture


def of_align(figures: dict[str, Any]) -> dict[str, Calibration]:
    """Return the curves that the figures of `bench align` hold."""
    rows = {"portraits": figures["teacher_box"], **figures["harder"]}
    if "rendered" in figures:
        rows["rendered"] = figures["rendered"]
    return {name: Calibration(**row["calibration"]) for name, row in rows.items()}


def place(quantile: float, share: float) -> Array:
    """Return where a point of the diagram is in the picture, (2,) px."""
    return np.array([_MARGIN_PX + quantile * _SIDE_PX, _MARGIN_PX + (1 - share) * _SIDE_PX])


def _line(
    picture: NDArray[np.uint8], points: Array, colour: tuple[int, int, int], thick: int
) -> None:
    places = np.array([place(*point) for point in points])
    fine = np.round(places * 2**_FINE).astype(np.int32)
    cv2.polylines(picture, [fine], False, colour, thick, cv2.LINE_AA, _FINE)


def _label(
    picture: NDArray[np.uint8],
    text: str,
    where: Array,
    offset_px: tuple[int, int],
    colour: tuple[int, int, int] = _INK,
) -> None:
    x, y = (round(float(v)) for v in where + np.array(offset_px))
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
