"""Pages, menus, keys and undo of the window, with a session that is never started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QToolButton

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.pages import Place
from app.panels.camera import SourcePanel
from engine import config
from engine.fit.heads import HeadModel
from engine.session import Session

pytestmark = pytest.mark.window


@pytest.fixture
def memory(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def window(
    application: QApplication, head: HeadModel, memory: QSettings, tmp_path: Path
) -> Iterator[MainWindow]:
    made = MainWindow(
        Bridge(Session(config.default()), tmp_path / "config.yaml"), head, memory, LogKeeper()
    )
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_every_page_beside_the_picture_is_reached_by_its_button(window: MainWindow) -> None:
    beside = [page for page in window.pages.values() if page.place is Place.SIDE]
    buttons = window.side.rail.findChildren(QToolButton)
    assert [button.text() for button in buttons] == [page.title for page in beside]
    for button, page in zip(buttons, beside, strict=True):
        button.click()
        assert window.side.page == page.name
        assert button.isChecked()
        assert not button.icon().isNull()
    window.side.show_page("of another version")
    assert window.side.page == beside[-1].name


def test_no_two_actions_share_a_key(window: MainWindow) -> None:
    keys = [action.shortcut().toString() for action in window.commands.names.values()]
    used = [key for key in keys if key]
    assert sorted(used) == sorted(set(used))


def test_a_key_that_the_user_chose_is_kept(
    window: MainWindow, head: HeadModel, memory: QSettings
) -> None:
    key = QKeySequence("Ctrl+Alt+J")
    window.commands.set_key("view.mirror", key)
    again = MainWindow(window.bridge, head, memory, LogKeeper())
    assert again.commands.names["view.mirror"].shortcut() == key
    again.commands.set_key("view.mirror", again.commands.usual_key("view.mirror"))
    assert not memory.childGroups()
    again.deleteLater()


def test_a_change_of_a_page_is_taken_back_from_the_menu(window: MainWindow, tmp_path: Path) -> None:
    before = window.bridge.config
    one = (config.output_choice("vmc", port=40_001),)
    window.desk.undo.change("Change the port", outputs=one)
    assert window.bridge.config.outputs == one
    assert "Change the port" in window.commands.names["edit.undo"].text()
    window.commands.names["edit.undo"].trigger()
    assert window.bridge.config == before
    assert config.load(tmp_path / "config.yaml").outputs == before.outputs
    window.commands.names["edit.redo"].trigger()
    assert window.bridge.config.outputs == one


def test_the_choice_of_a_source_is_taken_back(window: MainWindow) -> None:
    before = window.bridge.config.source
    panel = window.pages["camera"].widget.findChild(SourcePanel)
    assert isinstance(panel, SourcePanel)
    at = panel.list.findText("Demo clip")
    panel.list.setCurrentIndex(at)
    panel.list.activated.emit(at)
    assert window.bridge.config.source.kind == "demo"
    panel.list.activated.emit(at)  # once more is no second step
    window.commands.names["edit.undo"].trigger()
    assert window.bridge.config.source == before
    assert panel.list.currentText() != "Demo clip"
    assert not window.undo.stack.canUndo()
