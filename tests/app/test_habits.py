"""What is expected of a desktop program: first steps, profiles, hotkeys, theme, log, one window."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QSettings, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QApplication, QDialogButtonBox

from app.about import licences
from app.bridge import Bridge
from app.first_steps import DONE
from app.hotkeys import HotkeyDialog
from app.log_window import LogKeeper, LogWindow
from app.main_window import MainWindow
from app.single_instance import SingleInstance
from app.status_text import Light
from app.style import Theme
from engine import config
from engine.config import Config, output_choice, source_choice
from engine.fit.heads import HeadModel
from engine.session import Session
from engine.status import SessionStatus, State
from engine.types import Frame

from drawn_head import pose, tracked  # isort: skip

pytestmark = pytest.mark.window


@pytest.fixture
def memory(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def window(
    application: QApplication, head: HeadModel, memory: QSettings, tmp_path: Path
) -> Iterator[MainWindow]:
    session = Session(Config(source_choice("demo"), outputs=(output_choice("vmc"),)))
    bridge = Bridge(session, tmp_path / "config.yaml")
    made = MainWindow(bridge, head, memory, LogKeeper())
    yield made
    made.close()
    made.viewport.release()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_the_first_run_leads_through_three_steps_once(
    window: MainWindow, memory: QSettings
) -> None:
    window.show()
    steps = window.first_steps
    assert steps.isVisible()
    seen = []
    for _ in range(3):
        seen.append((steps.step, window.side.page, window.side.page_shown))
        steps.next.click()
    assert seen == [(0, "camera", True), (1, "camera", False), (2, "outputs", True)]
    assert not steps.isVisible()
    assert memory.value(DONE, False, bool)
    window.hide()
    window.show()
    assert not steps.isVisible()
    window.commands.names["help.first_steps"].trigger()
    assert steps.isVisible()


def test_the_first_run_can_be_skipped(window: MainWindow) -> None:
    window.show()
    window.first_steps.skip.click()
    assert not window.first_steps.isVisible()
    assert not window.first_steps.wanted
    assert window.side.page_shown


def test_profiles_go_round(window: MainWindow, tmp_path: Path) -> None:
    menu, answers = window.profiles, iter(["Stream", "Stream 2", "Film"])
    menu.ask = lambda _title, _suggestion: next(answers)
    menu.confirm = lambda _question: True
    one = window.bridge.config
    window.commands.names["profile.save"].trigger()
    assert menu.current == "Stream"
    assert window.windowTitle().startswith("Stream")
    window.bridge.change(outputs=(), source=source_choice("webcam", device="3"))
    two = window.bridge.config
    window.commands.names["profile.save_as"].trigger()
    menu.load("Stream")
    assert window.bridge.config == one
    window.undo.stack.undo()
    assert window.bridge.config == two
    menu.load("Stream 2")
    window.commands.names["profile.rename"].trigger()
    assert sorted(p.name for p in (tmp_path / "profiles").iterdir()) == ["Film.yaml", "Stream.yaml"]
    window.commands.names["profile.delete"].trigger()
    assert menu.current == ""
    assert config.load(tmp_path / "profiles" / "Stream.yaml") == one
    assert window.bridge.config == two


def test_a_damaged_profile_is_explained_and_kept(window: MainWindow, tmp_path: Path) -> None:
    told: list[str] = []
    window.profiles.tell = told.append
    path = tmp_path / "profiles" / "Odd.yaml"
    path.parent.mkdir()
    path.write_text("version: 1\nsource: {kind: webcam, width_px: many}\n")
    before = window.bridge.config
    window.profiles.load("Odd")
    assert "Odd.yaml" in told[0]
    assert "width_px" in told[0]
    assert window.bridge.config == before
    assert path.exists()


def test_damaged_settings_are_set_aside_when_new_ones_are_kept(
    window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("not: [settings")
    window.bridge.change(outputs=())
    assert config.load(path).outputs == ()
    assert (tmp_path / "config.damaged1.yaml").read_text() == "not: [settings"


def test_a_key_given_twice_is_told_and_not_taken(window: MainWindow, memory: QSettings) -> None:
    dialog = HotkeyDialog(window.commands)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    taken = window.commands.names["tracking.recentre"].shortcut()
    dialog.edits["tracking.run"].setKeySequence(taken)
    assert "Recentre head" in dialog.problem.text()
    assert not ok.isEnabled()
    dialog.edits["tracking.run"].setKeySequence(QKeySequence("Ctrl+Alt+S"))
    assert dialog.problem.text() == ""
    ok.click()
    assert window.commands.names["tracking.run"].shortcut().toString() == "Ctrl+Alt+S"
    assert memory.value("hotkeys/tracking.run") == "Ctrl+Alt+S"
    dialog.deleteLater()


def test_tracking_stops_and_starts_and_recentres_from_the_menu(window: MainWindow) -> None:
    window.commands.names["tracking.recentre"].trigger()
    assert window.bridge.centred
    window.commands.names["tracking.uncentre"].trigger()
    assert not window.bridge.centred
    window.commands.names["tracking.run"].trigger()
    assert not window.bridge.running
    window.bridge.change()
    assert window.tracking.title.text() == "Stopped"
    assert window.commands.names["tracking.run"].text() == "&Start"


def test_rest_is_learnt_unless_the_menu_says_no(window: MainWindow, tmp_path: Path) -> None:
    action = window.commands.names["person.learn_rest"]
    assert action.isChecked()
    action.trigger()
    assert not config.load(tmp_path / "config.yaml").tracker.learn_rest
    window.commands.names["edit.undo"].trigger()
    assert action.isChecked()
    assert window.bridge.config.tracker.learn_rest


def test_a_dropped_video_is_opened_and_taken_back(window: MainWindow, tmp_path: Path) -> None:
    video, data = tmp_path / "a b.mp4", QMimeData()
    video.write_bytes(b"x")
    data.setUrls([QUrl.fromLocalFile(str(video))])
    before = window.bridge.config.source
    window.dropEvent(
        QDropEvent(
            QPoint(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    assert window.bridge.config.source.settings.path == str(video)
    window.undo.stack.undo()
    assert window.bridge.config.source == before


def test_themes_change_the_colours_and_are_kept(
    window: MainWindow, application: QApplication, memory: QSettings
) -> None:
    light = {}
    for theme in (Theme.LIGHT, Theme.DARK):
        window.commands.names[f"view.theme_{theme.value}"].trigger()
        light[theme] = application.palette().window().color().lightness()
        assert memory.value("window/theme") == theme.value
    assert light[Theme.LIGHT] > 200
    assert light[Theme.DARK] < 60


def test_the_log_is_copied(application: QApplication) -> None:
    keeper = LogKeeper()
    logger = logging.getLogger("engine.of_this_test")
    logger.addHandler(keeper)
    logger.warning("camera %d is gone", 3)
    logger.removeHandler(keeper)
    log = LogWindow(keeper)
    log.copy.click()
    assert "WARNING engine.of_this_test: camera 3 is gone" in QGuiApplication.clipboard().text()
    log.deleteLater()


def test_licences_come_from_what_is_installed() -> None:
    found = {name.lower(): licence for name, _, licence in licences()}
    assert {"numpy", "pyside6_essentials", "av", "pyyaml", "torch"} <= set(found)
    assert all(found.values())
    assert "LGPL" in found["pyside6_essentials"]
    assert "MIT" in found["pyyaml"]


def test_a_second_start_raises_the_first(application: QApplication, tmp_path: Path) -> None:
    first, raised = SingleInstance(str(tmp_path)), []
    first.another_started.connect(lambda: raised.append(True))
    second = SingleInstance(str(tmp_path))
    other = SingleInstance(str(tmp_path / "elsewhere"))
    assert (first.first, second.first, other.first) == (True, False, True)
    deadline = time.monotonic() + 5
    while not raised and time.monotonic() < deadline:
        application.processEvents()
    assert raised
    first.close()
    other.close()
    again = SingleInstance(str(tmp_path))
    assert again.first
    again.close()


def test_the_tray_has_start_recentre_and_quit(window: MainWindow) -> None:
    words = [action.text() for action in window.tray.menu.actions()]
    assert words[1:] == [
        window.commands.names[name].text()
        for name in ("tracking.run", "tracking.recentre", "file.quit")
    ]
    before = window.tray.icon().cacheKey()
    window.tray.set_light(Light.GREEN)
    assert window.tray.icon().cacheKey() != before


def test_no_timer_runs_after_the_window_is_closed(window: MainWindow) -> None:
    window.show()
    window.bridge.start()
    window.close()
    running = [timer for timer in window.bridge.findChildren(QTimer) if timer.isActive()]
    running += [timer for timer in window.findChildren(QTimer) if timer.isActive()]
    assert running == []


def test_with_the_preview_off_nothing_is_drawn_and_tracking_goes_on(
    window: MainWindow, head: HeadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Frame] = []
    monkeypatch.setattr(window.viewport, "show_result", lambda frame, _result: drawn.append(frame))
    frame = Frame(np.zeros((120, 160, 3), np.uint8), 0, 0)
    result = tracked(head.neutral, (160, 120), pose(0.3))
    window.show()
    window.bridge.tracked.emit(frame, result)
    assert len(drawn) == 1
    window.commands.names["view.preview"].trigger()
    window.bridge.tracked.emit(frame, result)
    assert len(drawn) == 1
    assert "preview is off" in window.viewport.message
    window.bridge.status_changed.emit(SessionStatus(State.RUNNING))
    assert window.tracking.title.text() == "Face found"
    assert "preview is off" in window.viewport.message
    window.commands.names["view.preview"].trigger()
    window.bridge.tracked.emit(frame, result)
    assert len(drawn) == 2
    assert window.viewport.message == ""
