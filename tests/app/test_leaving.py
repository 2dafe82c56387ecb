"""Closing the window: it quits, unless the tray keeps it; a recording is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.tray import Tray
from engine.config import Config, source_choice
from engine.fit.heads import HeadModel
from engine.session import Session
from engine.status import SessionStatus, State

pytestmark = pytest.mark.window


@pytest.fixture
def window(application: QApplication, head: HeadModel, tmp_path: Path) -> Iterator[MainWindow]:
    bridge = Bridge(Session(Config(source_choice("demo"))), tmp_path / "config.yaml")
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    made = MainWindow(bridge, head, memory, LogKeeper())
    made.show()
    yield made
    made.leaving.at_once()
    made.viewport.release()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.setQuitOnLastWindowClosed(True)


def record(window: MainWindow) -> None:
    takes = SimpleNamespace(
        recording=SimpleNamespace(seconds=1.0, error="", warning=""),
        sound_error=None,
        finished=None,
        error=None,
    )
    status = SessionStatus(State.RUNNING, takes=takes)  # pyright: ignore[reportArgumentType]
    window.leaving._on_status(status)


def test_the_tray_keeps_the_program_if_that_is_wanted(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Tray, "available", lambda _self: True)
    monkeypatch.setattr(Tray, "tell", lambda _self, words: told.append(words))
    assert not window.leaving.stays.isChecked()
    window.leaving.stays.trigger()
    for _ in range(2):
        assert not window.close()
        assert not window.isVisible()
        window.tray.show_window()
        assert window.isVisible()
    assert len(told) == 1  # once is enough
    window.close()
    window.commands.names["file.quit"].trigger()
    assert QApplication.quitOnLastWindowClosed()
    assert not window.tray.isVisible()


def test_without_a_tray_closing_quits(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tray, "available", lambda _self: False)
    window.leaving.stays.trigger()
    assert window.close()


@pytest.mark.parametrize("way", ["close", "quit"])
def test_a_recording_is_asked_about(window: MainWindow, way: str) -> None:
    asked, answers = list[str](), iter([False, True])

    def confirm(question: str) -> bool:
        asked.append(question)
        return next(answers)

    window.leaving.confirm = confirm
    leave = window.close if way == "close" else window.leaving.quit
    record(window)
    leave()
    assert window.isVisible()
    leave()
    assert not window.isVisible()
    assert len(asked) == 2
