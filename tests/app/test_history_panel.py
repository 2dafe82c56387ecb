"""The history page in the window: what was tracked is drawn and saved, with gaps, paused or not."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_results import lost, tracked
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.panels.history import HistoryPanel
from engine import config
from engine.fit.heads import HeadModel
from engine.session import Session
from engine.types import TrackResult

pytestmark = pytest.mark.window
STEP_NS = 40_000_000


@pytest.fixture
def window(application: QApplication, head: HeadModel, tmp_path: Path) -> Iterator[MainWindow]:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    made = MainWindow(Bridge(Session(config.default()), None), head, memory, LogKeeper())
    made.show()
    made.strip.show_page("history")
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def panel(window: MainWindow) -> HistoryPanel:
    page = window.pages["history"].widget
    assert isinstance(page, HistoryPanel)
    return page


@pytest.fixture
def results(window: MainWindow) -> list[TrackResult]:
    """Ten seconds, of which the third is lost."""
    made = [
        lost(i, i * STEP_NS) if 50 <= i < 75 else tracked(i, i * STEP_NS, turn=(0.0, i / 500, 0.0))
        for i in range(250)
    ]
    for result in made:
        window.bridge.history.add(result)
    return made


def test_curves_are_what_was_tracked_with_a_gap_where_it_was_lost(
    panel: HistoryPanel, results: list[TrackResult]
) -> None:
    panel.choose(["jawOpen", "headYaw"])
    panel.refresh()
    x, y = panel.curve("jawOpen").getOriginalDataset()
    expected = [r.blendshapes["jawOpen"] if r.blendshapes else np.nan for r in results]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(
        x, [(r.captured_ns - results[-1].captured_ns) / 1e9 for r in results]
    )
    assert panel.curve("jawOpen").opts["connect"] == "finite"
    _, yaw = panel.curve("headYaw").getOriginalDataset()
    assert yaw[-1] == pytest.approx(
        -np.rad2deg(249 / 500)
    )  # a turn about the axis that points down


def test_the_table_holds_the_chosen_channels(
    panel: HistoryPanel, results: list[TrackResult], tmp_path: Path
) -> None:
    panel.choose(["mouthClose", "gazePitchRight"])
    panel.refresh()
    panel.save_table(tmp_path / "h.csv")
    with (tmp_path / "h.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["frame", "captured_ns", "mouthClose", "gazePitchRight [°]"]
    for row, result in zip(rows, results, strict=True):
        if result.blendshapes is None:
            assert row["mouthClose"] == ""
        else:
            assert float(row["mouthClose"]) == result.blendshapes["mouthClose"]
    panel.choose([])
    panel.save_table(tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(encoding="utf-8") as file:
        assert len(file.readline().split(",")) == 2 + 104 + 10


def test_paused_curves_stay(
    window: MainWindow, panel: HistoryPanel, results: list[TrackResult]
) -> None:
    panel.refresh()
    panel.pause.click()
    window.bridge.history.add(tracked(250, 250 * STEP_NS))
    panel.refresh()
    assert panel.shown.frame_index[-1] == 249
    panel.pause.click()
    assert panel.shown.frame_index[-1] == 250


def test_a_zoom_stays_while_it_goes_on_until_the_whole_is_asked_for(
    window: MainWindow, panel: HistoryPanel, results: list[TrackResult]
) -> None:
    panel.refresh()
    plot = panel.curve("jawOpen").getViewBox()
    plot.setXRange(-8.0, -6.0, padding=0)
    window.bridge.history.add(tracked(250, 250 * STEP_NS))
    panel.refresh()
    assert plot.viewRange()[0] == pytest.approx([-8.0, -6.0])
    panel.whole.click()
    assert plot.viewRange()[0] == pytest.approx([-60.0, 0.0])


def test_the_picture_shows_the_curves(
    panel: HistoryPanel, results: list[TrackResult], tmp_path: Path
) -> None:
    panel.choose(["jawOpen"])
    panel.refresh()
    panel.save_picture(tmp_path / "h.png")
    drawn = QImage(str(tmp_path / "h.png"))
    panel.choose([])
    panel.save_picture(tmp_path / "none.png")
    empty = QImage(str(tmp_path / "none.png"))
    assert drawn.size() == empty.size()
    assert drawn != empty
    with pytest.raises(OSError, match="could not be written"):
        panel.save_picture(tmp_path / "absent" / "h.png")


def test_it_draws_only_while_it_is_seen(window: MainWindow, panel: HistoryPanel) -> None:
    (timer,) = [t for t in panel.children() if isinstance(t, QTimer)]
    assert timer.isActive()
    window.strip.show_page("blendshapes")
    assert not timer.isActive()
    window.strip.show_page("history")
    assert timer.isActive()
    window.hide()
    assert not timer.isActive()


def test_channels_are_found_by_words(panel: HistoryPanel) -> None:
    panel.search.setText("gaze left")
    seen = [
        panel.list.item(i).text()
        for i in range(panel.list.count())
        if not panel.list.item(i).isHidden()
    ]
    assert seen == ["gazeYawLeft", "gazePitchLeft"]
