"""Remote control of a real session: a take on disk, outputs that stop, a tracker that goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import tracked
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket
from test_session_life import CountingCamera, SlowToMake

import engine.session
from engine.assembly import load_head
from engine.config import Config, load, output_choice, save, source_choice
from engine.recording.settings import RecordSettings
from engine.remote.settings import RemoteSettings
from engine.session import Session
from engine.status import State
from engine.types import Frame, TrackResult


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(10.0)
    return made


def _free_port() -> int:
    with _bound() as found:
        return found.getsockname()[1]


def _until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class WholeHeads(SlowToMake):
    """Heads of as many vertices as the recorder expects."""

    vertices = len(load_head("open").neutral)

    def step(self, frame: Frame) -> TrackResult:
        return tracked(frame.index, frame.captured_ns, vertices=self.vertices)


@pytest.fixture
def control() -> Iterator[socket.socket]:
    with _bound() as made:
        yield made


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Session]:
    monkeypatch.setattr(engine.session, "open_source", lambda _: CountingCamera())
    config = Config(
        source_choice("webcam"),
        outputs=(output_choice("osc", port=_free_port(), style="list"),),
        recording=RecordSettings(folder=str(tmp_path / "takes")),
        remote=RemoteSettings(on=True, port=_free_port()),
    )
    config = replace(config, sound=replace(config.sound, on=False))
    with Session(config, tracker_maker=WholeHeads()) as session:
        _until(lambda: session.status().tracked > 3)
        yield session


def _send(control: socket.socket, session: Session, address: str, *arguments: object) -> None:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)  # type: ignore[arg-type]
    control.sendto(builder.build().dgram, ("127.0.0.1", session.config.remote.port))


def _reply(control: socket.socket) -> tuple[str, list]:
    message = OscPacket(control.recv(4096)).messages[0].message
    return message.address, message.params


def test_a_take_is_recorded(control: socket.socket, running: Session) -> None:
    _send(control, running, "/RecordStart", "Shot", 3)
    assert _reply(control) == ("/RecordStartConfirm", ["00:00:00.000"])
    time.sleep(0.3)
    _send(control, running, "/RecordStop")
    address, (_, table, film) = _reply(control)
    assert address == "/RecordStopConfirm"
    assert Path(table).is_file()
    assert Path(film).is_file()
    assert Path(table).parent.name == "Shot_003"


def test_outputs_stop_and_the_tracker_goes_on(control: socket.socket, running: Session) -> None:
    _send(control, running, "/LiveLinkStreamStop")
    _until(lambda: not running.status().sending)
    time.sleep(0.05)
    before = running.status()
    _until(lambda: running.status().tracked > before.tracked + 5)
    assert running.status().sinks[0].packets == before.sinks[0].packets
    _send(control, running, "/LiveLinkStreamStart")
    _until(lambda: running.status().sinks[0].packets > before.sinks[0].packets)


def test_a_flood_leaves_the_tracker_as_it_is(control: socket.socket, running: Session) -> None:
    rng = np.random.default_rng(0)
    target = ("127.0.0.1", running.config.remote.port)
    before = running.status()
    for _ in range(2000):
        control.sendto(rng.bytes(int(rng.integers(1, 400))), target)
    _until(lambda: running.status().tracked > before.tracked + 20)
    after = running.status()
    assert after.state is State.RUNNING
    assert after.remote is not None
    assert after.remote.malformed > 0
    tracked = after.tracked - before.tracked
    assert after.dropped_by_tracker - before.dropped_by_tracker <= tracked / 4


def test_it_can_be_switched_off_and_is_kept_in_the_settings(
    running: Session, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    save(running.config, path)
    assert load(path).remote == running.config.remote
    running.apply(replace(running.config, remote=RemoteSettings()))
    _until(lambda: running.status().remote is None)

    def is_free() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            try:
                again.bind(("127.0.0.1", load(path).remote.port))
            except OSError:
                return False
        return True

    _until(is_free)
