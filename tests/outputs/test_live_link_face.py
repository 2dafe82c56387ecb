"""The Live Link Face output on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest
from made_results import lost, tracked
from pylivelinkface import PyLiveLinkFace

from engine import clock
from engine.outputs import live_link_face as link
from engine.types import TrackResult


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


def _faces(
    receiver: socket.socket, results: list[TrackResult], **settings: object
) -> list[tuple[bool, PyLiveLinkFace]]:
    port = receiver.getsockname()[1]
    sink = link.create(link.Settings(port=port, **settings))  # type: ignore[arg-type]
    for result in results:
        sink.send(result)
    packets = [receiver.recv(2000) for _ in range(sink.traffic.packets)]
    sink.close()
    return [PyLiveLinkFace.decode(packet) for packet in packets]


def test_every_frame_is_a_packet_and_a_lost_face_says_so(receiver: socket.socket) -> None:
    faces = _faces(receiver, [tracked(0), lost(1), tracked(2)], subject="Someone")
    assert [found for found, _ in faces] == [True, False, True]
    assert faces[0][1].name == "Someone"


@pytest.mark.parametrize(("rate", "period_ns"), [("60", 10**9 / 60), ("29.97", 1001 * 10**9 / 3e4)])
def test_frames_are_as_far_apart_as_the_captures(
    receiver: socket.socket, rate: str, period_ns: float
) -> None:
    start = clock.now_ns()
    results = [tracked(i, start + round(10 * i * period_ns)) for i in range(3)]
    faces = [face for _, face in _faces(receiver, results, frame_rate=rate)]
    counted = [face._frames + face._sub_frame for face in faces]
    assert counted[1] - counted[0] == pytest.approx(10, abs=0.01)
    assert counted[2] - counted[0] == pytest.approx(20, abs=0.01)


def test_resampling_sends_at_the_frame_rate(receiver: socket.socket) -> None:
    """A second of 30 Hz becomes 24 evenly spaced frames, and one at its end."""
    results = [tracked(i, i * 10**9 // 30) for i in range(31)]
    faces = [face for _, face in _faces(receiver, results, frame_rate="24", resample=True)]
    assert len(faces) in (24, 25)
    moments = [face._frames + face._sub_frame for face in faces]
    assert [b - a for a, b in pairwise(moments)] == pytest.approx(
        [1.0] * (len(faces) - 1), abs=0.01
    )


def test_ids_can_be_given(receiver: socket.socket) -> None:
    device = "A" * 36
    assert _faces(receiver, [tracked()], device=device)[0][1].uuid == "$" + device


def test_a_receiver_that_comes_up_gets_the_next_packet(receiver: socket.socket) -> None:
    port = receiver.getsockname()[1]
    receiver.close()
    sink = link.create(link.Settings(port=port))
    for index in range(4):
        sink.send(tracked(index))
    assert sink.traffic.failed > 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.bind(("127.0.0.1", port))
        late.settimeout(1.0)
        sink.send(tracked(5))
        assert PyLiveLinkFace.decode(late.recv(2000))[0]
    sink.close()


def test_over_ipv6() -> None:
    try:
        bound = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        bound.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    with bound:
        bound.settimeout(1.0)
        sink = link.create(link.Settings(host="::1", port=bound.getsockname()[1]))
        sink.send(tracked())
        assert PyLiveLinkFace.decode(bound.recv(2000))[0]
        sink.close()
