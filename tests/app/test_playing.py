"""The controls of a video on the Camera page, on a running session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication
from test_session import MadeUpTracker
from videos import write_video

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.panels.camera import SourcePanel
from app.panels.playing import PlayBar, clock_words
from engine.capture.player import Player
from engine.config import Config, source_choice
from engine.fit.heads import HeadModel
from engine.session import Session

pytestmark = pytest.mark.window


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    path = write_video(tmp_path / "a.mp4", range(0, 4000, 40))
    source = source_choice("video_file", path=str(path))
    session = Session(Config(source, outputs=()), tracker_maker=MadeUpTracker())
    made = Bridge(session, tmp_path / "config.yaml")
    yield made
    made.stop()


@pytest.fixture
def window(
    application: QApplication, head: HeadModel, tmp_path: Path, bridge: Bridge
) -> Iterator[MainWindow]:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    made = MainWindow(bridge, head, memory, LogKeeper())
    bridge.start()
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        QCoreApplication.processEvents()
        time.sleep(0.01)


def test_a_video_is_paused_wound_stepped_and_looped_from_the_camera_page(
    window: MainWindow, bridge: Bridge, tmp_path: Path
) -> None:
    panel = window.pages["camera"].widget.findChild(SourcePanel)
    assert isinstance(panel, SourcePanel)
    bar = panel.bar
    assert not bar.isHidden()
    until(bar.place.isEnabled)
    player = bridge.player
    assert player is not None
    assert bar.place.maximum() == pytest.approx(4000, abs=60)
    assert bar.play.accessibleName() == "Pause"
    bar.play.click()
    assert not player.playing
    assert bar.play.accessibleName() == "Play"
    bar.place.setValue(2000)
    until(lambda: player.position_s == pytest.approx(2.0, abs=0.021))
    bar.on.click()
    until(lambda: player.position_s == pytest.approx(2.04, abs=0.001))
    bar.back.click()
    until(lambda: player.position_s == pytest.approx(2.0, abs=0.001))
    until(lambda: bar.time.text() == "0:02.00 / 0:04.00")
    bar.loop.click()
    until(lambda: player.loop)
    until(bar.speed.isEnabled)
    assert bridge.player is player, "the video goes on where it is"
    assert bridge.config.source.settings.loop
    bar.speed.activated.emit(4)
    assert player.speed == 4.0
    bar.play.click()
    until(lambda: player.position_s < 1.0)
    bar.loop.click()
    until(lambda: not bridge.running and not bar.place.isEnabled() and bar.play.isEnabled())
    assert bar.play.accessibleName() == "Play"
    bar.play.click()
    until(lambda: bridge.player not in (None, player) and bar.place.isEnabled())
    window.desk.undo.change("camera", source=source_choice("webcam", device="0"))
    assert bar.isHidden()


@pytest.mark.usefixtures("application")
def test_what_the_bar_shows_is_no_command() -> None:
    bar, player = PlayBar(), Player(10.0, 0.04, loop=False)
    player.position_s = 3.2
    bar.show_player(player, loop=False, ended=False)
    assert bar.place.value() == 3200
    assert player.asked(0.0) is None


def test_times_are_in_minutes() -> None:
    assert [clock_words(s) for s in (0.0, 9.999, 65.5, 3601.0)] == [
        "0:00.00", "0:10.00", "1:05.50", "60:01.00",
    ]  # fmt: skip
