"""The iFacialMocap output on real sockets, told apart by loopback addresses of their own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest
from made_results import lost, tracked

from engine.errors import OutputError
from engine.outputs import ifacialmocap as mocap

TOKEN = b"sahuasouryya9218sauhuiayeta91555dy3719"
ASK, ASK_TCP, STOP = (b"iFacialMocap_" + part + TOKEN for part in (b"", b"UDPTCP_", b"UDPTCPSTOP_"))


def _free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


def _open(receiver: socket.socket, **settings: object) -> mocap.FacialMocapSink:
    port = receiver.getsockname()[1]
    return mocap.create(mocap.Settings(port=port, **settings))  # type: ignore[arg-type]


def _asked(receiver: socket.socket) -> tuple[mocap.FacialMocapSink, tuple[str, int]]:
    door = ("127.0.0.1", _free_port())
    return _open(receiver, host="", listen=door[0], listen_port=door[1]), door


def _silent(receiver: socket.socket) -> bool:
    receiver.settimeout(0.05)
    try:
        receiver.recv(4000)
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize(("version", "mark"), [(1, b"jawOpen-"), (2, b"jawOpen&")])
def test_unasked_frames_and_silence_without_a_face(
    receiver: socket.socket, version: int, mark: bytes
) -> None:
    sink = _open(receiver, version=version)
    sink.send(tracked())
    packet = receiver.recv(4000)
    assert mark in packet
    assert packet.count(b"=") == 1
    assert packet.endswith(b"|")
    sink.send(lost(1))
    assert _silent(receiver)
    sink.close()


@pytest.mark.parametrize(
    ("ending", "mark"), [(b"", b"jawOpen-"), (b"|sendDataVersion=v2", b"jawOpen&")]
)
def test_who_asks_gets_frames_until_they_say_stop(
    receiver: socket.socket, ending: bytes, mark: bytes
) -> None:
    sink, door = _asked(receiver)
    sink.send(tracked(0))
    assert _silent(receiver)
    receiver.settimeout(1.0)
    receiver.sendto(ASK + ending, door)
    sink.send(tracked(1))
    assert mark in receiver.recv(4000)
    assert sink.traffic.packets == 1
    receiver.sendto(STOP, door)
    sink.send(tracked(2))
    assert _silent(receiver)
    sink.close()


def test_who_asks_for_tcp_gets_whole_frames(receiver: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(2.0)
        door = ("127.0.0.1", _free_port())
        sink = mocap.create(
            mocap.Settings(
                host="", listen=door[0], listen_port=door[1], tcp_port=server.getsockname()[1]
            )
        )
        receiver.sendto(ASK_TCP, door)
        sink.send(tracked(0))
        connection, _ = server.accept()
        with connection:
            connection.settimeout(2.0)
            received, index = b"", 1
            while received.count(b"___iFacialMocap") < 3:
                sink.send(tracked(index))
                index += 1
                received += connection.recv(65536)
        frames = received.split(b"___iFacialMocap")[:3]
        assert all(f.startswith(b"eyeBlink_L-") and f.endswith(b"|") for f in frames)
        assert len(set(frames)) == 3
        for _ in range(20):  # the receiver is gone: counted, never raised
            sink.send(tracked(index))
            time.sleep(0.002)
        assert sink.traffic.failed > 0
        sink.close()


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_flood_of_requests_grows_nothing(receiver: socket.socket, count: int) -> None:
    """Random and mutated packets; the one who asked keeps getting frames."""
    rng = np.random.default_rng(0)
    sink, door = _asked(receiver)
    receiver.sendto(ASK, door)
    sink.send(tracked(0))
    assert receiver.recv(4000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for index in range(count):
            mutated = bytearray(ASK_TCP)
            mutated[int(rng.integers(13))] ^= int(rng.integers(1, 256))
            packet = bytes(mutated) if index % 2 else rng.bytes(int(rng.integers(1400)))
            stranger.sendto(packet, door)
            if index % 32 == 31:
                sink.send(tracked(index))
                assert receiver.recv(4000)
    assert sink.strange >= 0.95 * count
    assert len(sink._asked) == 1
    sink.close()


def test_a_port_in_use_is_an_output_error(receiver: socket.socket) -> None:
    port = receiver.getsockname()[1]
    with pytest.raises(OutputError, match="cannot be used"):
        mocap.create(mocap.Settings(listen="127.0.0.1", listen_port=port))
