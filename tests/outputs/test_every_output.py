"""What every output keeps, whatever it sends: receivers that are down, come back, or speak IPv6."""

from __future__ import annotations

import dataclasses
import socket
import time

import pytest
from made_results import lost

import engine.outputs
from engine import clock, plugins, sweep
from engine.fit.heads import open_head
from engine.outputs import Sink

KINDS = plugins.kinds(engine.outputs)
HEAD = open_head.load()
PATIENCE_S = 5.0


def _sink(kind: str, host: str, port: int) -> Sink:
    module = plugins.load(engine.outputs, kind)
    return module.create(dataclasses.replace(module.Settings(), host=host, port=port))


def _receiver(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((host, port))
    receiver.settimeout(0.01)
    return receiver


def _play(sink: Sink, frames: int, start: int = 0) -> None:
    for index in range(start, start + frames):
        sink.send(sweep.frame(HEAD, index / 30, index, index * clock.NS_PER_S // 30))


def _heard(sink: Sink, receiver: socket.socket, start: int) -> bytes:
    """Play until something arrives."""
    deadline, index = time.monotonic() + PATIENCE_S, start
    while time.monotonic() < deadline:
        _play(sink, 1, index)
        index += 1
        try:
            return receiver.recv(65536)
        except TimeoutError:
            continue
    return b""


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_that_is_down_is_counted_and_one_that_comes_back_is_served(kind: str) -> None:
    with _receiver() as probe:
        port = probe.getsockname()[1]
        sink = _sink(kind, "127.0.0.1", port)
        first = _heard(sink, probe, 0)
    assert first
    assert sink.traffic.failed == 0
    _play(sink, 10, 100)
    assert sink.traffic.failed > 0
    assert sink.traffic.failing
    assert str(port) in (sink.traffic.trouble or "")
    with _receiver(port=port) as back:
        assert _heard(sink, back, 200)
    sink.close()


@pytest.mark.parametrize("kind", KINDS)
def test_ipv6(kind: str) -> None:
    try:
        receiver = _receiver("::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with receiver:
        sink = _sink(kind, "::1", receiver.getsockname()[1])
        assert _heard(sink, receiver, 0)
        assert sink.traffic.target.startswith("[::1]:")
        assert sink.traffic.octets > 0
        sink.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_face_that_is_lost_leaves_no_values_behind(kind: str) -> None:
    """Neither is the last packet said again, nor is anything shown as being sent."""
    with _receiver() as receiver:
        sink = _sink(kind, "127.0.0.1", receiver.getsockname()[1])
        face = _heard(sink, receiver, 0)
        assert sink.traffic.values
        receiver.settimeout(0.05)
        try:
            while True:
                receiver.recv(65536)
        except TimeoutError:
            pass
        sink.send(lost(300, 300 * clock.NS_PER_S // 30))
        assert sink.traffic.values == ()
        try:
            assert len(receiver.recv(65536)) < len(face)
        except TimeoutError:
            assert kind in ("face_cap", "ifacialmocap", "openseeface")  # no word for it
        sink.close()
