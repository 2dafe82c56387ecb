"""Face Cap as receivers see it: decoded by a slow reader of OSC, and its order as published."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest
from made_results import lost, tracked
from plain_osc import read

from engine.outputs import face_cap
from engine.types import TrackResult

Message = tuple[str, list[float]]
# A few places of the order that OpenMoBu's Face Cap device lists.
PLACES = {
    0: "browInnerUp", 1: "browDownLeft", 5: "eyeLookUpLeft", 10: "eyeLookInRight",
    13: "eyeBlinkLeft", 14: "eyeBlinkRight", 19: "cheekPuff", 24: "jawOpen", 26: "jawLeft",
    27: "jawRight", 32: "mouthRollUpper", 33: "mouthRollLower", 36: "mouthClose",
    37: "mouthSmileLeft", 44: "mouthUpperUpRight", 45: "mouthLowerDownLeft",
    50: "mouthStretchRight", 51: "tongueOut",
}  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


def _sent(receiver: socket.socket, result: TrackResult, **settings: object) -> list[Message]:
    port = receiver.getsockname()[1]
    sink = face_cap.create(face_cap.Settings(port=port, **settings))  # type: ignore[arg-type]
    sink.send(result)
    packets = [receiver.recv(4000) for _ in range(sink.traffic.packets)]
    sink.close()
    # MotionBuilder's device reads at most 2048 bytes.
    assert all(len(packet) <= 1200 for packet in packets)
    return [message for packet in packets for message in read(packet)]


def test_weights_by_its_own_indices(receiver: socket.socket) -> None:
    result = tracked(6)
    assert result.blendshapes is not None
    weights = {int(v[0]): v[1] for a, v in _sent(receiver, result) if a == "/W"}
    assert list(weights) == list(range(52))
    for place, name in PLACES.items():
        assert weights[place] == pytest.approx(result.blendshapes[name], abs=1e-7), name


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ((0.3, 0, 0), [17.188734, 0, 0]),  # down
        ((0, -0.3, 0), [0, 17.188734, 0]),  # to the own left
        ((0, 0, -0.3), [0, 0, 17.188734]),  # tilted to the own right
    ],
)
def test_head_turns_of_named_poses(
    receiver: socket.socket, turn: tuple, expected: list[float]
) -> None:
    assert dict(_sent(receiver, tracked(turn=turn)))["/HR"] == pytest.approx(expected, abs=1e-4)


def test_place_is_up_and_before_the_camera(receiver: socket.socket) -> None:
    sent = dict(_sent(receiver, tracked(place=(0.03, 0.1, 0.6))))
    assert sent["/HT"] == pytest.approx([0.03, -0.1, -0.6])


@pytest.mark.parametrize(("order", "step"), [("pitch, yaw", 1), ("yaw, pitch", -1)])
def test_each_eye_has_its_own_angles(receiver: socket.socket, order: str, step: int) -> None:
    """The left eye looks 0.2 to the own left, the right one 0.1 down."""
    result = tracked()
    assert result.head is not None
    result.head.gaze.flags.writeable = True
    result.head.gaze[:] = [[0.2, 0.0], [0.0, 0.1]]
    sent = dict(_sent(receiver, result, eyes=order))
    assert sent["/ELR"] == pytest.approx(np.rad2deg([0, 0.2])[::step].tolist(), abs=1e-4)
    assert sent["/ERR"] == pytest.approx(np.rad2deg([0.1, 0])[::step].tolist(), abs=1e-4)


def test_a_lost_face_sends_nothing(receiver: socket.socket) -> None:
    assert _sent(receiver, lost()) == []


def test_a_receiver_that_is_down_is_counted(receiver: socket.socket) -> None:
    port = receiver.getsockname()[1]
    receiver.close()
    sink = face_cap.create(face_cap.Settings(port=port))
    for index in range(4):
        sink.send(tracked(index))
    assert sink.traffic.failed > 0
    sink.close()
