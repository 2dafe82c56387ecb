"""OSC over TCP, read by hand: SLIP by RFC 1055, OSC by its specification, from a real socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from made_results import lost, tracked
from plain_osc import read

from engine import clock
from engine.errors import OutputError
from engine.outputs import _stream, osc
from engine.outputs._stream import ROOM_BYTES, StreamSender
from engine.types import BLENDSHAPE_NAMES

PATIENCE_S = 5.0


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_S)
        yield listening


def _again(port: int) -> socket.socket:
    server = socket.create_server(("127.0.0.1", port))
    server.settimeout(PATIENCE_S)
    return server


def _accepted(server: socket.socket) -> socket.socket:
    connection, _ = server.accept()
    connection.settimeout(PATIENCE_S)
    return connection


class Slip:
    """Reads frames off a connection, one byte after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self.begins = connection, b""

    def frame(self) -> bytes:
        whole, escaped = bytearray(), False
        while True:
            (byte,) = self._connection.recv(1)
            self.begins = self.begins or bytes([byte])
            if escaped:
                whole.append({0xDC: 0xC0, 0xDD: 0xDB}[byte])
                escaped = False
            elif byte == 0xDB:
                escaped = True
            elif byte != 0xC0:
                whole.append(byte)
            elif whole:
                return bytes(whole)


def _until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_bytes_of_the_specification(server: socket.socket) -> None:
    """RFC 1055: END 192 is sent as 219 220, ESC 219 as 219 221; OSC 1.1: END before and after."""
    sender = StreamSender("Test", *server.getsockname())
    with _accepted(server) as connection:
        _until(lambda: sender.send(bytes([1, 192, 219, 220, 221, 2])))
        assert connection.recv(99) == bytes([192, 1, 219, 220, 219, 221, 220, 221, 2, 192])
    sender.close()


@pytest.mark.parametrize("style", ["bundle", "messages", "list"])
def test_every_shape_arrives(server: socket.socket, style: str) -> None:
    # -6.0 and 439.5 have the bytes of END and ESC in them: 0xC0C00000, 0x43DBC000.
    result = tracked(3, place=(-439.5, 0.0, 6.0))
    settings = osc.Settings(
        port=server.getsockname()[1], transport="tcp", style=style, axes="opengl", gaze=False
    )
    sink = osc.create(settings)
    heard: dict[str, list] = {}
    with _accepted(server) as connection:
        slip = Slip(connection)
        sink.send(result)
        while "/head/rotation" not in heard:
            heard |= dict(read(slip.frame()))
        assert slip.begins == b"\xc0"
    sink.close()
    assert heard["/head/position"] == [-439.5, 0.0, -6.0]
    assert heard["/face/tracking"] == [1]
    assert result.blendshapes is not None
    if style == "list":
        assert heard["/face"] == pytest.approx(result.blendshapes.weights.tolist(), abs=1e-7)
    else:
        for name in BLENDSHAPE_NAMES:
            assert heard[f"/face/{name}"] == [pytest.approx(result.blendshapes[name], abs=1e-7)]


def test_a_frame_is_one_bundle(server: socket.socket) -> None:
    sink = osc.create(osc.Settings(port=server.getsockname()[1], transport="tcp", deviations=True))
    with _accepted(server) as connection:
        slip = Slip(connection)
        sink.send(tracked(1))
        sink.send(lost(2))
        assert len(read(slip.frame())) == 1 + 2 * 52 + 2 + 2
        assert read(slip.frame()) == [("/face/tracking", [0])]
    sink.close()
    assert sink.traffic.packets == 2


def test_a_receiver_that_goes_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stream, "FIRST_PAUSE_NS", 20 * clock.NS_PER_MS)
    monkeypatch.setattr(_stream, "LONGEST_PAUSE_NS", 40 * clock.NS_PER_MS)
    server = _again(0)
    port = server.getsockname()[1]
    sink = osc.create(osc.Settings(port=port, transport="tcp"))
    with server, _accepted(server) as connection:
        sink.send(tracked(0))
        assert Slip(connection).frame().startswith(b"#bundle\0")
    failed = sink.traffic.failed
    _until(lambda: sink.send(tracked(1)) or sink.traffic.failed > failed + 3)
    assert sink.traffic.failing
    assert str(port) in (sink.traffic.trouble or "")
    with _again(port) as server:
        packets = sink.traffic.packets
        _until(lambda: sink.send(tracked(2)) or sink.traffic.packets > packets)
        with _accepted(server) as connection:
            slip = Slip(connection)
            assert dict(read(slip.frame()))["/face/tracking"] == [1]
            assert slip.begins == b"\xc0"
    sink.close()


def test_nobody_there_from_the_beginning_is_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    sink = osc.create(osc.Settings(port=port, transport="tcp"))
    for index in range(5):
        sink.send(tracked(index))
    assert (sink.traffic.packets, sink.traffic.failed) == (0, 5)
    sink.close()


def test_a_slow_receiver_loses_whole_packets(server: socket.socket) -> None:
    """It reads nothing, then everything: what it gets is whole and in order."""
    sender = StreamSender("Test", *server.getsockname())
    with _accepted(server) as connection:
        _until(lambda: sender.send(b"begin"))
        number = 0
        while sender.traffic.dropped < 10:
            sender.send(b"%06d" % number + 1000 * b"\xc0")
            number += 1
            assert sender.waiting_bytes <= ROOM_BYTES
            assert number < 50_000
        slip = Slip(connection)
        assert slip.frame() == b"begin"
        expected = number - sender.traffic.dropped
        connection.setblocking(False)
        taken = bytearray()
        deadline = time.monotonic() + PATIENCE_S
        while sender.waiting_bytes and time.monotonic() < deadline:
            try:
                taken += connection.recv(1 << 20)
            except BlockingIOError:
                sender._flush()
        sender.close()
        connection.settimeout(PATIENCE_S)
        while rest := connection.recv(1 << 20):
            taken += rest
    frames = [frame for frame in bytes(taken).split(b"\xc0") if frame]
    assert len(frames) == expected
    assert all(frame[6:] == 1000 * b"\xdb\xdc" for frame in frames)
    numbers = [int(frame[:6]) for frame in frames]
    assert numbers == sorted(set(numbers))


def test_half_a_packet_is_not_ended_on_the_next_connection(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_stream, "FIRST_PAUSE_NS", 20 * clock.NS_PER_MS)
    sender = StreamSender("Test", *server.getsockname())
    with _accepted(server):
        while sender.traffic.dropped < 1:
            sender.send(b"old" + 50_000 * b"x")
    _until(lambda: sender.send(b"new") and sender.traffic.failed > 0)
    with _accepted(server) as connection:
        assert Slip(connection).frame() == b"new"
    sender.close()


def test_unknown_host_and_impossible_port_are_told() -> None:
    with pytest.raises(OutputError, match="unknown host"):
        osc.create(osc.Settings(host="no-such-host.invalid", transport="tcp"))
    with pytest.raises(OutputError, match="allowed are 1 to 65535"):
        osc.create(osc.Settings(port=0, transport="tcp"))


def test_ipv6() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    server.settimeout(PATIENCE_S)
    with server:
        sender = StreamSender("Test", "::1", server.getsockname()[1])
        with _accepted(server) as connection:
            _until(lambda: sender.send(b"six"))
            assert Slip(connection).frame() == b"six"
        sender.close()
