"""What our outputs send, and what nobody should, at a port that is listened to."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from made_results import lost, tracked

import engine.outputs
from app.cli import main
from app.commands import listen
from engine import clock, plugins
from engine.config import output_choice
from engine.door import Door, Packet
from engine.listening import reading
from engine.listening.reading import read, recognised
from engine.listening.tally import Tally
from engine.resources import ROOT
from engine.types import BLENDSHAPE_NAMES

MS = clock.NS_PER_MS
SENDER = ("127.0.0.1", 9)


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


def _sent(receiver: socket.socket, kind: str, face: bool = True, **settings: object) -> list[bytes]:
    choice = output_choice(kind, port=receiver.getsockname()[1], **settings)
    sink = plugins.load(engine.outputs, kind).create(choice.settings)
    sink.send(tracked(2) if face else lost(2))
    packets = [receiver.recv(65536) for _ in range(sink.traffic.packets)]
    sink.close()
    return packets


@pytest.mark.parametrize(
    "kind", ["vmc", "osc", "vrchat", "live_link_face", "ifacialmocap", "face_cap"]
)
def test_what_our_outputs_send_is_recognised_and_read(receiver: socket.socket, kind: str) -> None:
    packets = _sent(receiver, kind)
    tally = Tally()
    for packet in packets:
        tally.add(Packet(packet, SENDER, clock.now_ns()))
    assert tally.malformed == 0
    assert tally.protocol == kind
    shapes = tracked(2).blendshapes
    assert shapes is not None
    name = {"vmc": "JawOpen", "osc": "/face/jawOpen", "vrchat": "FT/v2/JawOpen"}.get(
        kind, "jawOpen"
    )
    precision = 0.005 if kind == "ifacialmocap" else 1e-6
    assert tally.values[name] == pytest.approx(shapes["jawOpen"], abs=precision)
    if kind in ("live_link_face", "ifacialmocap", "face_cap"):
        got = [tally.values[shape] for shape in BLENDSHAPE_NAMES]
        assert got == pytest.approx(shapes.weights.tolist(), abs=precision)


def test_vmc_bones_and_state_are_read(receiver: socket.socket) -> None:
    tally = Tally("vmc")
    for packet in _sent(receiver, "vmc"):
        tally.add(Packet(packet, SENDER, 1))
    assert tally.values["tracked"] == 1.0
    assert tally.values["Head.qw"] == pytest.approx(1.0)


def test_openseeface_is_read_at_the_documented_offsets() -> None:
    packet = bytearray(1785)
    packet[24:28] = struct.pack("<f", 0.25)  # after time, id, size and the right eye's openness
    packet[-8:-4] = struct.pack("<f", 0.75)  # mouth_open
    assert recognised(bytes(packet)) == "openseeface"
    values = read("openseeface", bytes(packet))
    assert (values["leftEyeOpen"], values["rightEyeOpen"]) == (0.25, 0.0)
    assert (values["mouth_open"], values["mouth_wide"]) == (0.75, 0.0)


def test_a_lost_face_shows_no_value(receiver: socket.socket) -> None:
    tally = Tally()
    (packet,) = _sent(receiver, "live_link_face", face=False)
    tally.add(Packet(packet, SENDER, 5))
    assert tally.no_face
    assert "no face" in tally.line(6)


def test_rate_gaps_and_malformed_are_counted() -> None:
    tally, packet = Tally("osc"), b"/a\0\0,f\0\0" + struct.pack(">f", 0.5)
    start = clock.now_ns()
    times = [0, 10, 20, 400, 410, 1000]
    for at in times:
        tally.add(Packet(packet, SENDER, start + at * MS))
    tally.add(Packet(b"rubbish", SENDER, start + 1010 * MS))
    tally.add(Packet(b"", None, start + 1020 * MS))  # nothing has come
    assert (tally.packets, tally.malformed, tally.gaps) == (7, 1, 2)
    assert tally.longest_ms == pytest.approx(590)
    assert tally.values == {"/a": 0.5}
    assert tally.rate(start + 2005 * MS) == pytest.approx(3.0, abs=0.1)  # 6 within two seconds
    line = tally.line(start + 2000 * MS)
    for part in ("osc", "7 packets", "2 gaps (longest 590 ms)", "1 malformed", "silent for 1.0 s"):
        assert part in line


def test_advice_when_nothing_or_the_wrong_thing_arrives() -> None:
    tally, later = Tally(), clock.now_ns() + 5 * clock.NS_PER_S
    assert tally.advice(clock.now_ns(), "127.0.0.1", 39539) == []
    words = "\n".join(tally.advice(later, "127.0.0.1", 39539))
    assert "127.0.0.1:39539" in words
    assert "--host 0.0.0.0" in words
    assert "--host" not in "\n".join(tally.advice(later, "0.0.0.0", 39539))
    wrong = Tally("vmc")
    wrong.add(Packet(b"\x06abc", SENDER, 1))
    assert "none is vmc" in wrong.advice(later, "127.0.0.1", 1)[0]


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_rubbish_breaks_nothing_and_grows_nothing(receiver: socket.socket, count: int) -> None:
    chance = random.Random(3)
    known = [p for kind in ("vmc", "vrchat", "live_link_face", "ifacialmocap", "face_cap")
             for p in _sent(receiver, kind)]  # fmt: skip
    tallies = [Tally(protocol) for protocol in reading.PROTOCOLS]
    for index in range(count):
        packet = bytearray(chance.choice(known))
        if index % 3 == 0:
            packet = bytearray(chance.randbytes(chance.randrange(1800)))
        for _ in range(chance.randrange(8)):
            if packet:
                packet[chance.randrange(len(packet))] = chance.randrange(256)
        for tally in (tallies[0], tallies[index % len(tallies)]):
            tally.add(Packet(bytes(packet), (f"127.0.0.{index % 200}", 9), index))
    for tally in tallies:
        assert len(tally.values) <= 512
        assert len(tally.senders) <= 8
        assert 0 < tally.malformed < tally.packets or tally is not tallies[0]


def test_a_sender_that_makes_up_names_fills_no_memory() -> None:
    tally = Tally()
    for index in range(3000):
        address = f"/{index:06d}".encode()
        tally.add(Packet(address + b"\0,f\0\0" + bytes(4), (f"10.0.0.{index}", 9), index))
    assert (len(tally.values), len(tally.senders), tally.malformed) == (512, 8, 0)


@pytest.mark.parametrize("plot", [False, True])
def test_the_command_prints_what_arrives(receiver: socket.socket, plot: bool) -> None:
    """By the real program, without a display."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "listen", str(port), "--seconds", "2.5"]
    packets = _sent(receiver, "vmc")
    with subprocess.Popen(
        [*command, *(["--plot"] if plot else [])], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert "Listening at 127.0.0.1" in program.stdout.readline()
        for _ in range(40):
            for packet in packets:
                receiver.sendto(packet, ("127.0.0.1", port))
            time.sleep(0.02)
        said = program.stdout.read()
    assert program.returncode == 0
    assert "vmc · " in said
    assert "0 malformed" in said
    assert "JawOpen" in said
    assert ("####" in said) == plot


def test_a_port_in_use_and_an_impossible_one(
    receiver: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", str(receiver.getsockname()[1])]) == 2
    assert "cannot be used" in capsys.readouterr().err
    assert main(["listen", "70000"]) == 2
    assert "allowed are 1 to 65535" in capsys.readouterr().err


def test_bars_show_sign_and_size() -> None:
    lines = listen.bars({"a": 0.5, "b": -1.0, "c": 25.0, "d": float("nan")}).splitlines()
    assert [line.count("#") for line in lines] == [20, 0, 0, 0]
    assert lines[1].endswith(" " + "-" * 40)


def test_a_door_is_polled_without_waiting(receiver: socket.socket) -> None:
    door = Door("test", "127.0.0.1", 0)
    assert door.poll() is None
    receiver.sendto(b"x", ("127.0.0.1", door.port))
    time.sleep(0.05)
    packet = door.poll()
    assert packet is not None
    assert packet.data == b"x"
    door.release()
