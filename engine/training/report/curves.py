"""curves.csv as a picture: one panel per kind of figure, every column somewhere."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.types import Array

Picture = NDArray[np.uint8]
Series = dict[str, Array]

_WIDTH, _HEIGHT, _COLUMNS = 460, 270, 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 34, 30
_FONT, _SMALL = cv2.FONT_HERSHEY_SIMPLEX, 0.38
_INK, _FAINT = (40, 40, 40), (225, 225, 225)
_COLOURS = (
    (31, 119, 180), (214, 90, 20), (44, 140, 44), (190, 39, 40),
    (120, 85, 170), (130, 86, 75), (0, 150, 160), (110, 110, 110),
)  # fmt: skip
# The first panel whose words a column's name holds shows it; what fits none is part of the loss.
_PANELS = (
    ("distance to the labels, % of the face", ("nme", "percent")),
    ("openings of lids and lips, px", ("opening",)),
    ("stillness, px", ("shaken", "still")),
    ("what errors do to the fit, degrees", ("_deg",)),
    ("what errors do to active shapes", ("active_shapes",)),
    ("pictures a second", ("pictures_per_s",)),
    ("share of time spent waiting for data", ("waiting",)),
    ("learning rate", ("rate",)),
    ("distances in training, px", ("_px",)),
    ("loss and its parts", ("",)),
)


def draw_curves(csv_path: Path, png_path: Path) -> None:
    """Draw all columns of a run's curves.csv against its `step`.

    Raises AssetError if the file is absent or holds no row of figures.
    """
    steps, columns = read_curves(csv_path)
    shown = [(title, series) for title, series in _by_panel(columns).items() if series]
    rows = -(-len(shown) // _COLUMNS)
    sheet = np.full((rows * _HEIGHT, _COLUMNS * _WIDTH, 3), 255, np.uint8)
    for place, (title, series) in enumerate(shown):
        top, left = place // _COLUMNS * _HEIGHT, place % _COLUMNS * _WIDTH
        sheet[top : top + _HEIGHT, left : left + _WIDTH] = _panel(title, steps, series)
    cv2.imwrite(str(png_path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def read_curves(path: Path) -> tuple[Array, Series]:
    """Return the steps (N,) and every other column (N,), NaN where a row has no figure.

    Raises AssetError if the file is absent or holds no row of figures.
    """
    if not path.is_file():
        raise AssetError(f"{path}: no such file; `flowface train` writes it at every validation")
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if math.isfinite(_number(row.get("step")))]
    if not rows:
        raise AssetError(f"{path}: no row of figures with a `step`")
    names = [name for name in rows[0] if name and name != "step"]
    columns = {name: np.array([_number(row.get(name)) for row in rows]) for name in names}
    return np.array([_number(row["step"]) for row in rows]), {
        name: values for name, values in columns.items() if np.isfinite(values).any()
    }


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _by_panel(columns: Series) -> dict[str, Series]:
    panels: dict[str, Series] = {title: {} for title, _ in _PANELS}
    for name, values in columns.items():
        title = next(t for t, words in _PANELS if any(word in name for word in words))
        panels[title][name] = values
    return panels


def _panel(title: str, steps: Array, series: Series) -> Picture:
    picture = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    values = np.concatenate([v[np.isfinite(v)] for v in series.values()])
    low, high = float(values.min()), float(values.max())
    scale: Callable[[Array], Array] = np.asarray
    if low > 0 and high > 8 * low:
        scale = np.log10
    bottom, top = (float(scale(np.array(v))) for v in (low, high))
    slack = 0.05 * (top - bottom) or max(abs(top), 1e-9) * 0.1
    bottom, top = bottom - slack, top + slack
    last = max(float(steps.max()), 1.0)
    for tick in ticks(low, high, logarithmic=scale is np.log10):
        y = _row((float(scale(np.array(tick))) - bottom) / (top - bottom))
        cv2.line(picture, (_LEFT, y), (_WIDTH - _RIGHT, y), _FAINT, 1)
        _write(picture, f"{tick:.3g}", (6, y + 4))
    for tick in ticks(0.0, last, logarithmic=False):
        x = _column(tick / last)
        cv2.line(picture, (x, _TOP), (x, _HEIGHT - _BOTTOM), _FAINT, 1)
        _write(picture, f"{tick:g}", (x - 12, _HEIGHT - 12))
    cv2.rectangle(picture, (_LEFT, _TOP), (_WIDTH - _RIGHT, _HEIGHT - _BOTTOM), _INK, 1)
    for place, (name, column) in enumerate(series.items()):
        colour, good = _COLOURS[place % len(_COLOURS)], np.isfinite(column)
        heights = (scale(column[good]) - bottom) / (top - bottom)
        line = np.array(
            [(_column(x), _row(y)) for x, y in zip(steps[good] / last, heights, strict=True)]
        )
        cv2.polylines(picture, [line.astype(np.int32)], False, colour, 1, cv2.LINE_AA)
        cv2.circle(picture, tuple(int(v) for v in line[-1]), 2, colour, -1, cv2.LINE_AA)
        label = f"{name} {column[good][-1]:.3g}"
        width = cv2.getTextSize(label, _FONT, _SMALL, 1)[0][0]
        at = (_WIDTH - _RIGHT - width - 6, _TOP + 15 + 14 * place)
        _write(picture, label, at, colour)
    _write(picture, title, (_LEFT, _TOP - 12), scale=0.45)
    return picture


def ticks(low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Return round values within [low, high]: 1, 2 or 5 times a power of ten, some three to eight.

    logarithmic  values spread evenly on a logarithmic axis; low must be above zero
    """
    if logarithmic:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        wide = high > 1000 * low
        found = [m * 10.0**p for p in powers for m in ((1,) if wide else (1, 2, 5))]
        return [value for value in found if low <= value <= high]
    if high <= low:
        return [low]
    rough = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _column(share: float) -> int:
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT))


def _row(share: float) -> int:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM))


def _write(
    picture: Picture,
    text: str,
    at: tuple[int, int],
    colour: tuple[int, int, int] = _INK,
    scale: float = _SMALL,
) -> None:
    cv2.putText(picture, text, at, _FONT, scale, colour, 1, cv2.LINE_AA)
