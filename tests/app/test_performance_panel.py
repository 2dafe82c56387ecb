"""The performance page in the window: figures as measured, a warning, and its remedies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import tracked
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.panels.performance import PerformancePanel
from engine import clock, config
from engine.clock import NS_PER_S
from engine.config import source_choice
from engine.fit.heads import HeadModel
from engine.machine import Load, Machine
from engine.session import Session
from engine.status import Latency, SessionStatus, SinkStatus, State
from engine.types import Frame

pytestmark = pytest.mark.window
FRAME = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0)


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = clock.now_ns()

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    made = Hand()
    monkeypatch.setattr(clock, "now_ns", made)
    return made


@pytest.fixture
def window(
    application: QApplication,
    hand: Hand,
    head: HeadModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MainWindow]:
    monkeypatch.setattr(Machine, "look", lambda _self: Load(0.4, 0.3, 512.0, 2048.0))
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    made = MainWindow(Bridge(Session(config.default()), None), head, memory, LogKeeper())
    made.show()
    made.first_steps.end()
    made.show_page("performance")
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def panel(window: MainWindow) -> PerformancePanel:
    page = window.pages["performance"].widget
    assert isinstance(page, PerformancePanel)
    return page


def status(second: int, tracked_rate: int = 17) -> SessionStatus:
    latency = Latency(24.0, 30.0)
    return SessionStatus(
        State.RUNNING,
        network="an abacus (no NVIDIA card is found)",
        captured=100 + 30 * second,
        processed=100 + tracked_rate * second,
        dropped_by_camera=5,
        dropped_by_tracker=(30 - tracked_rate) * second,
        tracker_latency=Latency(20.0, 25.0),
        sinks=(SinkStatus("vmc", "vmc", 95 + tracked_rate * second, 5, 0, latency, None),),
    )


def run(window: MainWindow, hand: Hand, seconds: int, tracked_rate: int, drawn_ms: float) -> None:
    for second in range(seconds):
        hand.now += NS_PER_S
        for _ in range(20 if drawn_ms else 0):
            window.viewport.drawn.emit(drawn_ms)
        window.bridge.status_changed.emit(status(second, tracked_rate))


def test_stages_add_up_to_what_the_receiver_waits(
    window: MainWindow, panel: PerformancePanel, hand: Hand
) -> None:
    for index in range(5):
        result = tracked(index, stages={"align": 7_000_000, "fit": 2_000_000, "detect": 0})
        late = replace(result, finished_ns=result.captured_ns + 20_000_000)
        window.bridge.tracked.emit(FRAME, late)
    run(window, hand, 1, 30, 0.0)
    shown = panel.strip.stages
    assert shown == {"waiting": 11.0, "align": 7.0, "fit": 2.0, "sending": 4.0}
    assert sum(shown.values()) == 24.0  # the latency of the output
    texts = {label: value.text() for label, value in panel.lost.values.items()}
    assert texts == {
        "By the camera": "5 (4.8 %)", "By the tracker": "0 (0.0 %)", "By vmc": "5 (5.0 %)",
    }  # fmt: skip
    busy = {label: value.text() for label, value in panel.busy.values.items()}
    assert busy == {"Processor": "40 % · ours 30 %", "Memory": "512 MiB · 2.0 GiB free"}
    window.bridge.change(source=source_choice("demo"))
    assert panel.strip.stages == {}


def test_a_slow_tracker_is_warned_about_and_a_button_mends_it(
    window: MainWindow, panel: PerformancePanel, hand: Hand
) -> None:
    run(window, hand, 5, 30, 0.0)
    assert panel.warning.isHidden()
    run(window, hand, 5, 17, 0.0)
    assert panel.warning.isVisible()
    assert "manages 17 pictures a second and 43 % are left out" in panel.warning.words.text()
    texts = [button.text() for button in panel.warning.buttons]
    assert texts == ["15 pictures a second", "320 × 240 picture"]
    before = window.bridge.config.source
    panel.warning.buttons[0].click()
    assert window.bridge.config.source.settings == replace(before.settings, frame_rate=15.0)
    assert panel.warning.isHidden()  # it begins anew with the new source
    run(window, hand, 5, 17, 0.0)
    assert panel.warning.buttons[0].text() == "10 pictures a second"
    panel.warning.buttons[1].click()
    assert window.bridge.config.source.settings.width_px == 320
    window.undo.stack.undo()
    window.undo.stack.undo()
    assert window.bridge.config.source == before
    run(window, hand, 8, 30, 0.0)
    assert panel.warning.isHidden()


def test_a_preview_that_takes_the_time_is_slowed_down(
    window: MainWindow, panel: PerformancePanel, hand: Hand
) -> None:
    run(window, hand, 6, 17, 12.0)
    assert "Drawing the picture takes 24 % of the time" in panel.warning.words.text()
    (slower,) = [b for b in panel.warning.buttons if b.text() == "Slower preview"]
    slower.click()
    assert window.bridge.display_period_ms == 67


def test_what_is_no_camera_is_offered_nothing_that_cannot_be(
    window: MainWindow, panel: PerformancePanel, hand: Hand
) -> None:
    window.bridge.change(source=source_choice("demo"))
    run(window, hand, 6, 17, 0.0)
    assert panel.warning.isVisible()
    assert panel.warning.buttons == []
