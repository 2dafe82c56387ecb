"""The outputs page in the real window: what the user does there reaches real sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit, QSpinBox
from pythonosc.osc_bundle import OscBundle

from app.bridge import Bridge
from app.first_steps import DONE
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.panels.face_calibration import FaceCalibrationDialog
from app.panels.outputs import OutputPanel
from app.panels.remote import RemoteCard
from engine import config
from engine.config import Config, output_choice, source_choice
from engine.fit.heads import HeadModel
from engine.session import Session
from engine.status import Latency, SessionStatus, SinkStatus, State

pytestmark = pytest.mark.window


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(5.0)
        yield made


@pytest.fixture
def window(
    application: QApplication, head: HeadModel, receiver: socket.socket, tmp_path: Path
) -> Iterator[MainWindow]:
    port = receiver.getsockname()[1]
    session = Session(Config(source_choice("demo"), outputs=(output_choice("vmc", port=port),)))
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    memory.setValue(DONE, True)
    bridge = Bridge(session, tmp_path / "config.yaml")
    made = MainWindow(bridge, head, memory, LogKeeper())
    yield made
    bridge.stop()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def panel(window: MainWindow) -> OutputPanel:
    found = window.pages["outputs"].widget.findChild(OutputPanel)
    assert isinstance(found, OutputPanel)
    return found


def test_outputs_are_added_changed_switched_off_and_removed(
    window: MainWindow, panel: OutputPanel, tmp_path: Path
) -> None:
    first = window.bridge.config.outputs
    panel.preset.setCurrentText("VSeeFace")
    assert "39539" in panel.hint.text()
    panel.add.click()
    card = panel.cards[1]
    assert (card.on.text(), card.choice.settings.port) == ("VSeeFace", 39539)
    port, host = card.form.field("port"), card.form.field("host")
    assert isinstance(port, QSpinBox)
    assert isinstance(host, QLineEdit)
    port.setValue(40_555)
    host.setText("127.0.0.2")
    host.editingFinished.emit()
    card.on.click()
    kept = config.load(tmp_path / "config.yaml").outputs
    assert kept == window.bridge.config.outputs
    assert (kept[1].settings.host, kept[1].settings.port, kept[1].enabled) == (
        "127.0.0.2",
        40_555,
        False,
    )
    panel.cards[0].remove.click()
    assert [card.choice for card in panel.cards] == [kept[1]]
    window.undo.stack.undo()
    assert [card.choice for card in panel.cards] == [*first, kept[1]]
    while window.undo.stack.canUndo():
        window.undo.stack.undo()
    assert window.bridge.config.outputs == first
    assert [card.choice for card in panel.cards] == list(first)


def test_a_second_of_the_same_gets_another_port(panel: OutputPanel) -> None:
    for _ in range(3):
        panel.preset.setCurrentText("Warudo")
        panel.add.click()
    ports = [card.choice.settings.port for card in panel.cards[1:]]
    assert ports == [39539, 39540, 39541]
    assert [card.on.text() for card in panel.cards[1:]] == ["Warudo", "Warudo 2", "Warudo 3"]


def test_the_test_button_reaches_the_receiver(
    window: MainWindow, panel: OutputPanel, receiver: socket.socket, application: QApplication
) -> None:
    window.show()
    panel.cards[0].test.click()
    assert not panel.cards[0].test.isEnabled()
    widest = 0.0
    for _ in range(150):  # the mouth opens first
        for message in OscBundle(receiver.recv(2000)):
            if message.address == "/VMC/Ext/Blend/Val" and message.params[0] == "JawOpen":
                widest = max(widest, message.params[1])
        if widest > 0.9:
            break
    _until(application, lambda: "frames sent" in panel.cards[0].state.text())
    assert widest > 0.9


def test_a_test_that_cannot_be_is_explained(
    window: MainWindow, panel: OutputPanel, application: QApplication
) -> None:
    card = panel.cards[0]
    card._edit(replace(card.choice.settings, host="no.such.host.invalid"))
    window.show()
    panel.cards[0].test.click()
    _until(application, lambda: bool(panel.cards[0].trouble.text()), seconds=30)
    assert "no.such.host.invalid" in panel.cards[0].trouble.text()
    assert panel.cards[0].test.isEnabled()


def test_what_is_sent_is_shown(panel: OutputPanel, window: MainWindow) -> None:
    panel.cards[0].more.click()
    panel.cards[0].show_values.click()
    window.side.show_page("outputs")
    window.show()
    sink = SinkStatus(
        name="vmc",
        kind="vmc",
        sent=9,
        dropped=0,
        failed=4,
        latency=Latency(20.0, 30.0),
        error=None,
        target="127.0.0.1:39539",
        packets_per_s=240.0,
        octets_per_s=98_765.0,
        trouble="connection refused",
        failing=True,
        values=(("JawOpen", 0.25), ("BlinkLeft", 1.0)),
    )
    card = panel.cards[0]
    panel.show_status(SessionStatus(State.RUNNING, sinks=(sink,)))
    assert "127.0.0.1:39539 · 240 packets/s · 98.8 kB/s" in card.state.text()
    assert card.trouble.text() == "4 packets failed: connection refused"
    assert card.values.rowCount() == 2
    assert (card.values.item(0, 0).text(), card.values.item(0, 1).text()) == ("JawOpen", "0.250")
    panel.show_status(SessionStatus(State.RUNNING, sinks=(replace(sink, failing=False),)))
    assert card.trouble.isHidden()


def _until(application: QApplication, done: Callable[[], bool], seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        application.processEvents()
        time.sleep(0.01)


def test_what_remote_control_changes_is_shown(window: MainWindow, panel: OutputPanel) -> None:
    session = window.bridge._session
    session.apply(replace(session.config, outputs=(output_choice("osc"),)))
    window.bridge._report()
    assert [card.choice.kind for card in panel.cards] == ["osc"]
    for _ in range(2):  # one dialog is enough
        session.calibration_asked.put(True)
        window.bridge._report()
    (dialog,) = window.findChildren(FaceCalibrationDialog)
    dialog.reject()


def test_remote_control_is_switched_on_in_the_window_and_undone(window: MainWindow) -> None:
    card = window.pages["outputs"].widget.findChild(RemoteCard)
    assert isinstance(card, RemoteCard)
    switch = card.form.field("on")
    assert isinstance(switch, QCheckBox)
    switch.click()
    assert window.bridge.config.remote.on
    window.undo.stack.undo()
    assert not window.bridge.config.remote.on
    assert not switch.isChecked()
