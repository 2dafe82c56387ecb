"""Pictures of a run: every figure is drawn, where it belongs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import AssetError
from engine.training.report import draw_curves, draw_samples
from engine.training.report.curves import read_curves, ticks

SPOT = (40.0, 60.0)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "curves.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_ragged_rows_leave_gaps(tmp_path: Path) -> None:
    """A run that began under an older program has fewer columns, and a cut-off last line."""
    path = written(tmp_path, "step,loss,nme_percent,empty\n100,3.5,2.0,\n200,,1.5,\n300,2.5\n4")
    steps, columns = read_curves(path)
    np.testing.assert_array_equal(steps, [100, 200, 300, 4])
    np.testing.assert_array_equal(columns["loss"], [3.5, np.nan, 2.5, np.nan])
    np.testing.assert_array_equal(columns["nme_percent"], [2.0, 1.5, np.nan, np.nan])
    assert "empty" not in columns


@pytest.mark.parametrize("text", ["", "step,loss\n", "loss\n3\n"])
def test_a_file_without_figures_is_named(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(AssetError, match=r"curves\.csv.*step"):
        draw_curves(path, tmp_path / "curves.png")
    with pytest.raises(AssetError, match="none"):
        draw_curves(tmp_path / "none.csv", tmp_path / "curves.png")


def test_a_falling_curve_falls(tmp_path: Path) -> None:
    """Coloured pixels of the only panel: left ones lie above right ones, straight between."""
    rows = "".join(f"{step},{9 - step / 100}\n" for step in range(0, 500, 50))
    draw_curves(written(tmp_path, "step,loss\n" + rows), tmp_path / "curves.png")
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture is not None
    blue = picture[..., 0].astype(int) - picture[..., 2] > 90
    blue[:80] = False  # the label is blue as well
    y, x = np.nonzero(blue[:240, :440])
    slope, offset = np.polyfit(x, y, 1)
    assert slope > 0.3
    assert np.abs(y - slope * x - offset).max() < 3


def test_every_column_gets_its_panel(tmp_path: Path) -> None:
    names = ["loss", "nme_percent", "opening_px", "still_px", "pictures_per_s", "odd"]
    sizes = []
    for count in (1, 2, 3, 5, 6):
        text = ",".join(["step", *names[:count]]) + "\n1" + ",7" * count + "\n"
        draw_curves(written(tmp_path, text), tmp_path / "curves.png")
        picture = cv2.imread(str(tmp_path / "curves.png"))
        assert picture is not None
        sizes.append(picture.shape[0])
    # two panels a row; `odd` shares the panel of the loss
    assert [size // sizes[0] for size in sizes] == [1, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("low", "high", "logarithmic", "expected"),
    [
        (0.0, 400.0, False, [0, 100, 200, 300, 400]),
        (-0.3, 0.9, False, [0.0, 0.5]),
        (0.0021, 0.3, True, [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]),
        (5.0, 5.0, False, [5.0]),
    ],
)
def test_ticks_are_round(low: float, high: float, logarithmic: bool, expected: list) -> None:
    found = ticks(low, high, logarithmic=logarithmic)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_landmarks_are_drawn_where_they_are(tmp_path: Path) -> None:
    """A landmark, its ring of 10 px and the line to the truth, read back by colour."""
    marks = np.random.default_rng(0).uniform(70, 90, (1, 478, 2))
    truth, sigma = marks.copy(), np.full((1, 478), 0.1)
    marks[0, 0], truth[0, 0], sigma[0, 0] = SPOT, (SPOT[0], SPOT[1] - 30), 10.0
    black = np.zeros((1, 96, 96, 3), np.uint8)
    draw_samples(black, marks, truth, sigma, tmp_path / "sample.png")
    drawn = cv2.imread(str(tmp_path / "sample.png"))
    assert drawn is not None
    assert drawn.shape == (288 + 96, 288, 3)
    blue, green, red = (drawn[..., k].astype(int) for k in range(3))
    left = np.s_[:288, : 62 * 3]  # of the face, without the other landmarks
    y, x = np.nonzero((green > 200)[left])
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx((3 * SPOT[0], 3 * SPOT[1]), abs=0.7)
    y, x = np.nonzero(((red > 90) & (blue < red / 2) & (green < red / 2))[left])
    assert (y.min(), y.max()) == pytest.approx((90, 178), abs=4)
    y, x = np.nonzero(((blue > 90) & (red < blue / 2))[left])
    radius = np.hypot(x + 0.5 - 3 * SPOT[0], y + 0.5 - 3 * SPOT[1])
    assert np.median(radius) == pytest.approx(30, abs=1)


def test_no_sample_is_an_error(tmp_path: Path) -> None:
    nothing = np.zeros((0, 478, 2))
    with pytest.raises(ValueError, match="no crop"):
        draw_samples(
            np.zeros((0, 9, 9, 3), np.uint8), nothing, nothing, nothing[..., 0], tmp_path / "x.png"
        )
