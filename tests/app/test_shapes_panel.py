"""The shapes page in the window: tuning reaches the session, is taken back, and is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import lost, tracked
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QSlider,
)

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.panels.shape_bars import ShapeBars
from app.panels.shapes import ShapesPanel
from engine import config
from engine.fit.heads import HeadModel
from engine.presets import Presets, Whose
from engine.session import Session
from engine.tuning import ShapeTuning, Tuning
from engine.types import BLENDSHAPE_NAMES, Blendshapes, Frame

pytestmark = pytest.mark.window
FRAME = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0)


@pytest.fixture
def window(
    application: QApplication, head: HeadModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    made = MainWindow(
        Bridge(Session(config.default()), tmp_path / "config.yaml"), head, memory, LogKeeper()
    )
    made.first_steps.end()
    made.show_page("shapes")
    yield made
    made.bridge.stop()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def panel(window: MainWindow) -> ShapesPanel:
    page = window.pages["shapes"].widget
    assert isinstance(page, ShapesPanel)
    return page


def test_a_drag_reaches_the_session_and_one_undo_takes_it_back(
    window: MainWindow, panel: ShapesPanel, tmp_path: Path
) -> None:
    panel.bars.choose("jawOpen")
    slider = panel.editor.sliders["gain"]
    for gesture in (range(101, 151), range(151, 171)):
        slider.sliderPressed.emit()
        for value in gesture:
            slider.setValue(value)
    assert window.bridge.config.shapes.of("jawOpen").gain == pytest.approx(1.7)
    assert panel.editor.numbers["gain"].value() == pytest.approx(1.7)
    window.commands.names["edit.undo"].trigger()
    assert window.bridge.config.shapes.of("jawOpen").gain == pytest.approx(1.5)
    assert slider.value() == 150
    window.bridge.stop()
    assert config.load(tmp_path / "config.yaml").shapes.of("jawOpen").gain == pytest.approx(1.5)
    window.commands.names["edit.undo"].trigger()
    assert window.bridge.config.shapes == Tuning()


def test_every_control_changes_its_setting(window: MainWindow, panel: ShapesPanel) -> None:
    editor = panel.editor
    panel.bars.choose("mouthSmileRight")
    for field, value in (("offset", -0.2), ("dead_zone", 0.1), ("gamma", 2.0), ("smoothing", 0.5)):
        editor.numbers[field].setValue(value)
    editor.mute.click()
    editor.curve.setCurrentIndex(1)
    editor.curve.activated.emit(1)
    assert not editor.sliders["gamma"].isEnabled()
    row = ShapeTuning("mouthSmileRight", 1.0, -0.2, 0.1, "smooth", 2.0, 0.5, mute=True)
    assert window.bridge.config.shapes == Tuning(rows=(row,))
    assert not editor.mean.isEnabled()
    editor.link.click()
    assert window.bridge.config.shapes.of("mouthSmileLeft") == replace(row, name="mouthSmileLeft")
    editor.mean.click()
    (link,) = window.bridge.config.shapes.links
    assert (link.name, link.mean) == ("mouthSmile", True)
    assert "left and right" in editor.heading.text()
    editor.link.click()
    assert window.bridge.config.shapes.links == ()
    panel.bars.choose("jawOpen")
    assert not editor.link.isEnabled()
    panel.reset_all.click()
    assert window.bridge.config.shapes == Tuning()
    window.commands.names["edit.undo"].trigger()
    assert len(window.bridge.config.shapes.rows) == 2


def test_a_double_click_resets_one_shape(window: MainWindow, panel: ShapesPanel) -> None:
    window.show()
    tuning = Tuning().changed("eyeBlinkLeft", gain=2.0).changed("eyeWideLeft", gain=2.0)
    window.undo.change("both", shapes=tuning)
    row = panel.bars.place("eyeBlinkLeft")
    at = QPoint(40, round(row.center().y()))
    QTest.mouseDClick(panel.bars, Qt.MouseButton.LeftButton, pos=at)
    assert window.bridge.config.shapes == Tuning().changed("eyeWideLeft", gain=2.0)


def test_the_keyboard_walks_the_list(panel: ShapesPanel) -> None:
    bars = panel.bars
    assert sorted(bars.names) == sorted(BLENDSHAPE_NAMES)
    QTest.keyClick(bars, Qt.Key.Key_End)
    assert bars.current == bars.names[-1]
    QTest.keyClick(bars, Qt.Key.Key_Up)
    assert bars.current == bars.names[-2]
    panel.search.setText("blink left")
    assert bars.names == ["eyeBlinkLeft"]
    panel.search.setText("brows")
    assert bars.names == [name for name in BLENDSHAPE_NAMES if name.startswith("brow")]
    panel.search.setText("no such shape")
    assert bars.names == []


def test_presets_are_saved_loaded_renamed_and_deleted(
    window: MainWindow, panel: ShapesPanel
) -> None:
    first = Tuning().changed("jawOpen", gain=2.0)
    window.undo.change("tune", shapes=first)
    panel.presets.save(Whose.AVATAR, "Miko")
    panel.reset_all.click()
    panel.presets.list.setCurrentIndex(panel.presets.list.findText("Avatar: Miko"))
    panel.presets.list.activated.emit(panel.presets.list.currentIndex())
    assert window.bridge.config.shapes == first
    window.commands.names["edit.undo"].trigger()
    assert window.bridge.config.shapes == Tuning()
    panel.presets.rename("Nyan")
    assert panel.presets.list.currentText() == "Avatar: Nyan"
    path = Presets(Whose.AVATAR).path("Nyan")
    path.write_text("version: 1\nshapes: {rows: [{name: jawOpen, gian: 2}]}")
    panel.presets.load()
    assert str(path) in panel.problem.text()
    assert "'gian'" in panel.problem.text()
    assert window.bridge.config.shapes == Tuning()
    panel.presets.delete()
    assert Presets(Whose.AVATAR).names() == []
    assert panel.presets.list.currentText() == "No preset"
    panel.presets.save(Whose.PERSON, "../a")
    assert "not a name" in panel.problem.text()


def test_bars_show_sent_and_measured_and_nothing_of_a_lost_face(application: QApplication) -> None:
    bars = ShapeBars()
    bars.resize(400, bars.height())
    sent, measured = np.zeros(52), np.zeros(52)
    jaw = BLENDSHAPE_NAMES.index("jawOpen")
    sent[jaw], measured[jaw] = 1.0, 0.25
    result = replace(tracked(), blendshapes=Blendshapes(sent), measured=Blendshapes(measured))
    highlight = bars.palette().highlight().color()

    def filled(name: str) -> int:
        image, row = bars.grab().toImage(), bars.place(name)
        y = round(row.center().y()) + 2
        return sum(image.pixelColor(x, y) == highlight for x in range(image.width()))

    bars.show_result(result)
    whole = filled("jawOpen")
    assert whole > 100
    assert filled("jawLeft") == 0
    image, y = bars.grab().toImage(), round(bars.place("jawOpen").center().y()) - 5
    ink = bars.palette().windowText().color()
    (left, right) = [x for x in range(150, image.width()) if image.pixelColor(x, y) == ink]
    bar_left = min(x for x in range(image.width()) if image.pixelColor(x, y + 7) == highlight)
    assert right - left == 1
    assert (left + 1 - bar_left) / whole == pytest.approx(0.25, abs=0.02)
    bars.show_result(lost())
    assert filled("jawOpen") == 0


def test_all_controls_have_names(panel: ShapesPanel) -> None:
    for kind in (QAbstractButton, QComboBox, QLineEdit, QSlider):
        for child in panel.findChildren(kind):
            if isinstance(child.parent(), QLineEdit | QAbstractSpinBox):
                continue  # named by what it is in
            assert child.accessibleName() or getattr(child, "text", str)()
