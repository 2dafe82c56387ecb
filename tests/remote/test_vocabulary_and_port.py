"""Remote control without a session: every command, every kind of rubbish, and a flood."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from engine import osc_reader
from engine.centre import Centre
from engine.config import Config, output_choice, source_choice
from engine.door import Door, Pace, Packet
from engine.errors import OutputError
from engine.mailbox import Slot
from engine.profiles import Profiles
from engine.recording.recording import RecordingStatus
from engine.recording.studio import StudioStatus
from engine.remote.control import Ear, RemoteControl
from engine.remote.settings import RemoteSettings
from engine.remote.vocabulary import Vocabulary

START = Config(source_choice("demo"), outputs=(output_choice("vmc"),))


@dataclass
class MadeUpStudio:
    state: StudioStatus = field(default_factory=StudioStatus)
    wishes: list = field(default_factory=list)

    def begin(self, slate: str, notes: str = "", take: int = 1) -> None:
        self.wishes.append((slate, take))

    def end(self) -> None:
        self.wishes.append("end")

    def status(self) -> StudioStatus:
        return self.state


@dataclass
class MadeUpSession:
    config: Config = START
    centre: Centre = field(default_factory=Centre)
    calibration_asked: Slot[bool] = field(default_factory=Slot)
    studio: MadeUpStudio = field(default_factory=MadeUpStudio)
    sending: bool = True
    paused: bool = False

    def apply(self, config: Config) -> None:
        self.config = config

    def send(self, on: bool) -> None:
        self.sending = on

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


class Controller:
    """A program that controls, on a socket of its own, with python-osc's bytes."""

    def __init__(self, session: MadeUpSession, folder: Path) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(3.0)
        self.ear = Ear(
            RemoteSettings(on=True, port=_free_port()),
            Vocabulary(session, Profiles(folder)),  # type: ignore[arg-type]
        )

    def send(self, address: str, *arguments: object) -> None:
        self.socket.sendto(_message(address, *arguments), ("127.0.0.1", self.ear._door.port))

    def reply(self) -> tuple[str, list]:
        message = OscPacket(self.socket.recv(4096)).messages[0].message
        return message.address, message.params

    def close(self) -> None:
        assert self.ear.close()
        self.socket.close()


def _message(address: str, *arguments: object) -> bytes:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)  # type: ignore[arg-type]
    return builder.build().dgram


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _until(done) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def session() -> MadeUpSession:
    return MadeUpSession()


@pytest.fixture
def controller(session: MadeUpSession, tmp_path: Path) -> Iterator[Controller]:
    made = Controller(session, tmp_path)
    yield made
    made.close()


def test_a_take_is_confirmed_when_it_has_begun_and_when_it_has_ended(
    session: MadeUpSession, controller: Controller
) -> None:
    controller.send("/RecordStart", "Shot", 7)
    _until(lambda: session.studio.wishes == [("Shot", 7)])
    folder = Path("takes") / "Shot_007"
    running = RecordingStatus(folder, 65.25, 0, 0, 0, "", None, True)
    session.studio.state = StudioStatus(recording=running)
    assert controller.reply() == ("/RecordStartConfirm", ["00:00:00.000"])
    controller.send("/RecordStart", "Shot", 8)
    assert controller.reply() == ("/FlowFace/Error", ["a take is being recorded already"])
    controller.send("/RecordStop")
    _until(lambda: session.studio.wishes[-1] == "end")
    session.studio.state = StudioStatus(finished=folder)
    address, (length, table, film) = controller.reply()
    assert (address, length) == ("/RecordStopConfirm", "00:01:05.250")
    assert table == str(folder / "tracking.arrows")
    assert film == str(folder / "film.mkv")
    session.studio.state = StudioStatus(recording=running)
    controller.send("/RecordStop")
    _until(lambda: len(session.studio.wishes) == 3)
    session.studio.state = StudioStatus(error="disk broken")
    assert controller.reply() == ("/FlowFace/Error", ["disk broken"])
    controller.send("/RecordStop")
    assert controller.reply() == ("/FlowFace/Error", ["no take is being recorded"])


def test_slate_and_take_are_for_the_next_recording(
    session: MadeUpSession, controller: Controller
) -> None:
    controller.send("/Slate", "Scene 2")
    controller.send("/Take", 5)
    controller.send("/RecordStart")
    _until(lambda: session.studio.wishes == [("Scene 2", 5)])


def test_a_take_that_does_not_begin_is_told(
    session: MadeUpSession, controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.remote.takes.BEGIN_TIMEOUT_NS", 50_000_000)
    session.studio.state = StudioStatus(error="disk full")
    controller.send("/RecordStart", "Shot", 1)
    assert controller.reply() == ("/FlowFace/Error", ["disk full"])


def test_replies_go_where_they_are_wished(controller: Controller) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(3.0)
        controller.send("/OSCSetSendTarget", "127.0.0.1", other.getsockname()[1])
        got = OscPacket(other.recv(4096)).messages[0].message
        assert got.address == "/OSCSetSendTargetConfirm"
        controller.send("/BatteryQuery")
        got = OscPacket(other.recv(4096)).messages[0].message
        assert got.address == "/Battery"
        assert 0.0 <= got.params[0] <= 1.0


def test_stream_recentre_pause_and_calibration(
    session: MadeUpSession, controller: Controller
) -> None:
    controller.send("/LiveLinkStreamStop")
    _until(lambda: not session.sending)
    controller.send("/LiveLinkStreamStart")
    _until(lambda: session.sending)
    controller.send("/Recentre")
    _until(lambda: session.centre.set)
    controller.send("/RecentreReset")
    _until(lambda: not session.centre.set)
    controller.send("/ARSessionStop")
    assert controller.reply() == ("/ARSessionStopConfirm", [])
    assert session.paused
    controller.send("/ARSessionStart")
    assert controller.reply() == ("/ARSessionStartConfirm", [])
    assert not session.paused
    controller.send("/Calibrate")
    _until(session.calibration_asked.poll)
    assert controller.ear.obeyed == 7


def test_receivers_and_subject_of_live_link(session: MadeUpSession, controller: Controller) -> None:
    controller.send("/AddLiveLinkAddress", "127.0.0.1", 11111)
    _until(lambda: len(session.config.outputs) == 2)
    controller.send("/LiveLinkSubject", "Ada")
    _until(lambda: session.config.outputs[1].settings.subject == "Ada")
    assert session.config.outputs[1] == output_choice(
        "live_link_face", host="127.0.0.1", port=11111, subject="Ada"
    )
    controller.send("/LiveLinkSubject", "Åsa")  # receivers misread it
    address, (why,) = controller.reply()
    assert address == "/FlowFace/Error"
    assert "ASCII" in why
    controller.send("/ClearAllLiveLinkAddresses")
    _until(lambda: session.config == START)


def test_a_profile_is_chosen_and_the_control_is_kept(
    session: MadeUpSession, controller: Controller, tmp_path: Path
) -> None:
    wanted = replace(START, outputs=(output_choice("osc"),))
    Profiles(tmp_path).save("Show", wanted)
    session.config = replace(START, remote=RemoteSettings(on=True))
    controller.send("/Profile", "Show")
    _until(lambda: session.config.outputs == wanted.outputs)
    assert session.config.remote.on
    controller.send("/Profile", "None such")
    address, (why,) = controller.reply()
    assert address == "/FlowFace/Error"
    assert "None such" in why
    assert (controller.ear.obeyed, controller.ear.refused) == (1, 1)


@pytest.mark.parametrize(
    "packet",
    [
        b"", b"/RecordStart", b"RecordStop\0\0,\0\0\0", b"#bundle\0", b"\xff" * 64,
        b"/a\0\0,i\0\0\0",
        _message("/Recentre") + bytes(4),
        _message("/RecordStart", 1, "x"), _message("/RecordStart", "x"), _message("/Slate", ""),
        _message("/Take", 1.5), _message("/Take", True), _message("/Slate", "x" * 200),
        _message("/AddLiveLinkAddress", "stage.example", 11111),
        _message("/AddLiveLinkAddress", "127.0.0.1", 99999), _message("/OSCSetSendTarget", "x", 1),
        _message("/Slate", "a\nb"), b"#bundle\0" + bytes(8) + b"\0\0\0\x01/",
    ],
)  # fmt: skip
def test_what_is_malformed_is_counted_and_dropped(
    session: MadeUpSession, controller: Controller, packet: bytes
) -> None:
    controller.socket.sendto(packet, ("127.0.0.1", controller.ear._door.port))
    _until(lambda: controller.ear.malformed == 1)
    assert (controller.ear.obeyed, controller.ear.refused) == (0, 0)
    assert session == MadeUpSession(
        centre=session.centre, calibration_asked=session.calibration_asked
    )


def test_what_is_no_command_is_refused(controller: Controller) -> None:
    controller.send("/Nothing", 1)
    _until(lambda: controller.ear.refused == 1)


def test_the_reader_agrees_with_python_osc() -> None:
    packet = _message("/a/b", 1, -2.5, "text", True, False, b"\1\2\3", None)
    assert osc_reader.read(packet) == [("/a/b", (1, -2.5, "text", True, False, b"\1\2\3", None))]
    bundle = b"#bundle\0" + bytes(7) + b"\1"
    bundle += len(packet).to_bytes(4, "big") + packet
    nested = b"#bundle\0" + bytes(7) + b"\1" + (len(bundle).to_bytes(4, "big") + bundle) * 2
    assert [m.address for m in osc_reader.read(nested)] == ["/a/b", "/a/b"]


def test_bundles_within_bundles_end_somewhere() -> None:
    packet = _message("/a")
    for _ in range(2000):
        packet = b"#bundle\0" + bytes(8) + len(packet).to_bytes(4, "big") + packet
    with pytest.raises(ValueError, match="within bundles"):
        osc_reader.read(packet)


def _rubbish(count: int, seed: int) -> Iterator[bytes]:
    """Random packets, and commands with some bytes changed, cut off or doubled."""
    chance = random.Random(seed)
    commands = [
        _message("/RecordStart", "Shot", 3), _message("/Slate", "A"),
        _message("/LiveLinkSubject", "B"),
        _message("/AddLiveLinkAddress", "127.0.0.1", 11111), _message("/Profile", "P"),
    ]  # fmt: skip
    commands.append(b"#bundle\0" + bytes(8) + len(commands[0]).to_bytes(4, "big") + commands[0])
    for index in range(count):
        if index % 4 == 0:
            yield chance.randbytes(chance.randrange(600))
            continue
        packet = bytearray(chance.choice(commands))
        for _ in range(chance.randrange(1, 4)):
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        if index % 3 == 0:
            packet = packet[: chance.randrange(len(packet))] + packet[: chance.randrange(40)]
        yield bytes(packet)


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_rubbish_breaks_nothing_and_grows_nothing(
    session: MadeUpSession, controller: Controller, count: int
) -> None:
    ear = controller.ear
    for packet in _rubbish(count, 1):
        ear.hear(Packet(packet, ("127.0.0.1", 9)))
    assert ear.malformed > count / 2
    # An empty bundle is well-formed and says nothing.
    assert ear.obeyed + ear.refused + ear.malformed >= 0.999 * count
    assert len(session.config.outputs) <= 8
    controller.send("/LiveLinkStreamStop")
    _until(lambda: not session.sending)


def test_a_flood_is_taken_slowly_and_a_command_still_comes_through(
    session: MadeUpSession, controller: Controller
) -> None:
    """What is read stays below the pace, however much is sent: the tracker keeps its processor."""
    ear, target = controller.ear, ("127.0.0.1", controller.ear._door.port)
    started = time.monotonic()
    for packet in _rubbish(5000, 2):
        controller.socket.sendto(packet, target)
    taken = ear.malformed + ear.refused + ear.obeyed
    elapsed = time.monotonic() - started
    assert taken <= 200 * elapsed + 50 + 5
    deadline = time.monotonic() + 15
    while session.sending and time.monotonic() < deadline:
        controller.send("/LiveLinkStreamStop")
        time.sleep(0.05)
    assert not session.sending


def test_pace_bursts_and_then_waits() -> None:
    pace, s = Pace(100, 5), 1_000_000_000
    assert [pace.wait_ns(s) for _ in range(6)] == pytest.approx([0] * 5 + [s / 100])
    assert pace.wait_ns(s + s // 100) == pytest.approx(s / 100)
    assert [pace.wait_ns(10 * s) for _ in range(6)] == pytest.approx([0] * 5 + [s / 100])


def test_a_port_that_is_taken_is_told_and_a_free_one_mends_it(session: MadeUpSession) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        control = RemoteControl(session)  # type: ignore[arg-type]
        assert control.status() is None
        control.set(RemoteSettings(on=True, port=taken.getsockname()[1]))
        status = control.status()
        assert status is not None
        assert "cannot be used" in status.error
    control.set(RemoteSettings(on=True, port=_free_port()))
    status = control.status()
    assert status is not None
    assert status.error == ""
    assert control.close()


def test_it_is_off_and_on_loopback_unless_told_otherwise() -> None:
    assert (RemoteSettings().on, RemoteSettings().host) == (False, "127.0.0.1")
    with pytest.raises(OutputError, match="no address of this machine"):
        Door("Test", "nowhere.invalid", 1)
