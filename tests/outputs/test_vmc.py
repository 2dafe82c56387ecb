"""VMC as receivers see it: decoded by python-osc from a real socket, and byte by byte."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from made_results import lost, tracked
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage

from engine.centre import Centre
from engine.errors import OutputError
from engine.fit.smoothing import SmoothingSettings
from engine.outputs import Delivery, vmc
from engine.types import BLENDSHAPE_NAMES, Status, TrackResult

Message = tuple[str, list]


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


def _packets(receiver: socket.socket, result: TrackResult, **settings: object) -> list[bytes]:
    sink = vmc.create(vmc.Settings(port=receiver.getsockname()[1], **settings))  # type: ignore[arg-type]
    sink.send(result)
    sink.close()
    return _received(receiver)


def _received(receiver: socket.socket) -> list[bytes]:
    packets = [receiver.recv(65536)]
    receiver.setblocking(False)
    try:
        while True:
            packets.append(receiver.recv(65536))
    except BlockingIOError:
        receiver.settimeout(1.0)
        return packets


def _messages(packets: list[bytes]) -> list[Message]:
    decoded: list[Message] = []
    for packet in packets:
        for content in OscBundle(packet):
            assert isinstance(content, OscMessage)
            decoded.append((content.address, content.params))
    return decoded


def _named(messages: list[Message], address: str) -> dict[str, list]:
    return {values[0]: values[1:] for found, values in messages if found == address}


def test_packets_are_small_bundles_to_be_applied_at_once(receiver: socket.socket) -> None:
    packets = _packets(receiver, tracked())
    assert len(packets) >= 2
    for packet in packets:
        assert len(packet) <= 1200
        assert packet[:8] == b"#bundle\0"
        assert packet[8:16] == bytes([0, 0, 0, 0, 0, 0, 0, 1])


def test_first_message_byte_by_byte(receiver: socket.socket) -> None:
    packet = _packets(receiver, tracked())[0]
    expected = b"/VMC/Ext/OK\0" + b",iiii\0\0\0" + struct.pack(">iiii", 1, 3, 0, 1)
    assert struct.unpack(">i", packet[16:20])[0] == len(expected)
    assert packet[20 : 20 + len(expected)] == expected


def test_all_52_shapes_by_name_with_their_own_values(receiver: socket.socket) -> None:
    result = tracked(4)
    assert result.blendshapes is not None
    sent = _named(_messages(_packets(receiver, result)), "/VMC/Ext/Blend/Val")
    assert len(sent) == 52
    for name, weight in zip(BLENDSHAPE_NAMES, result.blendshapes.weights, strict=True):
        assert sent[name[0].upper() + name[1:]] == [pytest.approx(float(weight), abs=1e-7)]


def test_names_can_be_camel_case(receiver: socket.socket) -> None:
    sent = _named(_messages(_packets(receiver, tracked(), names="camelCase")), "/VMC/Ext/Blend/Val")
    assert set(sent) == set(BLENDSHAPE_NAMES)


def test_apply_comes_once_and_last(receiver: socket.socket) -> None:
    packets = _packets(receiver, tracked())
    addresses = [address for address, _ in _messages(packets)]
    assert addresses.count("/VMC/Ext/Blend/Apply") == 1
    assert addresses[-1] == "/VMC/Ext/Blend/Apply"
    assert all(b"Blend/Apply" not in packet for packet in packets[:-1])


def test_exactly_one_time_a_frame_in_seconds(receiver: socket.socket) -> None:
    sink = vmc.create(vmc.Settings(port=receiver.getsockname()[1]))
    times = []
    for result in (tracked(0, 5_000_000_000), lost(1, 5_040_000_000), tracked(2, 6_500_000_000)):
        sink.send(result)
        times += [v for a, v in _messages(_received(receiver)) if a == "/VMC/Ext/T"]
    sink.close()
    assert times == [[0.0], [pytest.approx(0.04)], [1.5]]


def test_bones_have_the_arguments_of_the_specification(receiver: socket.socket) -> None:
    messages = _messages(_packets(receiver, tracked()))
    bones = _named(messages, "/VMC/Ext/Bone/Pos")
    assert set(bones) == {"Head", "Neck", "LeftEye", "RightEye"}
    for values in [*bones.values(), _named(messages, "/VMC/Ext/Root/Pos")["root"]]:
        assert [type(value) for value in values] == [float] * 7
        assert np.linalg.norm(values[3:]) == pytest.approx(1, abs=1e-6)


def test_head_and_neck_share_the_turn(receiver: socket.socket) -> None:
    """0.4 rad to the own right: Unity's +y, 0.1 of it by the neck, the rest by the head."""
    result = tracked(turn=(0.0, 0.4, 0.0))
    bones = _named(_messages(_packets(receiver, result, neck_share=0.25)), "/VMC/Ext/Bone/Pos")
    for bone, angle in (("Neck", 0.1), ("Head", 0.3)):
        expected = [0, np.sin(angle / 2), 0, np.cos(angle / 2)]  # x, y, z, w
        assert bones[bone][3:] == pytest.approx(expected, abs=1e-6)


def test_eyes_turn_by_themselves(receiver: socket.socket) -> None:
    """Looking 0.2 rad to the own left is a turn about Unity's -y; each eye has its own value."""
    result = tracked(turn=(0.3, 0.0, 0.0))
    assert result.head is not None
    result.head.gaze.flags.writeable = True
    result.head.gaze[:] = [[0.2, 0.0], [0.0, 0.1]]
    bones = _named(_messages(_packets(receiver, result)), "/VMC/Ext/Bone/Pos")
    assert bones["LeftEye"][3:] == pytest.approx([0, -np.sin(0.1), 0, np.cos(0.1)], abs=1e-6)
    assert bones["RightEye"][3:] == pytest.approx([np.sin(0.05), 0, 0, np.cos(0.05)], abs=1e-6)


def test_root_stays_unless_it_shall_follow(receiver: socket.socket) -> None:
    sinks = [
        vmc.create(vmc.Settings(port=receiver.getsockname()[1], root_follows=follows))
        for follows in (False, True)
    ]
    places = []
    for sink in sinks:
        sink.send(tracked(0, place=(0.0, 0.0, 0.6)))
        _received(receiver)
        sink.send(tracked(1, place=(0.02, 0.0, 0.5)))  # closer, and to the own left
        places.append(_named(_messages(_received(receiver)), "/VMC/Ext/Root/Pos")["root"][:3])
        sink.close()
    assert places == [[0, 0, 0], pytest.approx([-0.02, 0.0, 0.1], abs=1e-6)]


def test_root_is_at_the_origin_when_recentred(receiver: socket.socket) -> None:
    port, centre = receiver.getsockname()[1], Centre()
    sink = vmc.create(
        vmc.Settings(port=port, root_follows=True, smoothing=SmoothingSettings(on=False))
    )

    def root(index: int, place: tuple[float, float, float]) -> list[float]:
        sink.send(centre(tracked(index, turn=(0.0, 0.4, 0.0), place=place)))
        return _named(_messages(_received(receiver)), "/VMC/Ext/Root/Pos")["root"][:3]

    assert root(0, (0.1, 0.0, 0.6)) == [0, 0, 0]
    centre.here()
    assert root(1, (0.2, 0.1, 0.7)) == pytest.approx([0, 0, 0], abs=1e-6)
    moved = root(2, (0.2, 0.0, 0.7))  # 0.1 m up from there
    assert moved == pytest.approx([0.0, 0.1, 0.0], abs=1e-6)
    centre.reset()
    assert root(3, (0.3, 0.0, 0.5)) == pytest.approx([0, 0, 0], abs=1e-6)
    sink.close()


@pytest.mark.parametrize("status", [Status.LOST, Status.SEARCHING])
def test_without_a_face_only_state_and_time_are_sent(
    receiver: socket.socket, status: Status
) -> None:
    messages = _messages(_packets(receiver, lost(status=status)))
    assert messages == [("/VMC/Ext/OK", [1, 3, 0, 0]), ("/VMC/Ext/T", [0.0])]


def test_receiver_that_is_down_is_counted_not_raised(receiver: socket.socket) -> None:
    port = receiver.getsockname()[1]
    receiver.close()
    sink = vmc.create(vmc.Settings(port=port))
    for index in range(5):
        sink.send(tracked(index))
    assert sink.traffic.failed > 0
    assert sink.traffic.failing
    sink.close()


def test_receiver_that_comes_up_gets_whole_frames(receiver: socket.socket) -> None:
    port = receiver.getsockname()[1]
    receiver.close()
    sink = vmc.create(vmc.Settings(port=port))
    sink.send(tracked(0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.bind(("127.0.0.1", port))
        late.settimeout(1.0)
        sink.send(tracked(1))
        addresses = [address for address, _ in _messages(_received(late))]
    sink.close()
    assert addresses[0] == "/VMC/Ext/OK"
    assert addresses.count("/VMC/Ext/Blend/Val") == 52


def test_delivery_is_the_newest() -> None:
    assert vmc.VmcSink.delivery is Delivery.LATEST


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_impossible_port_is_an_output_error(port: int) -> None:
    with pytest.raises(OutputError, match=f"port {port}: allowed are 1 to 65535"):
        vmc.create(vmc.Settings(port=port))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "bad..name", "", "a" * 300])
def test_unknown_host_is_an_output_error(host: str) -> None:
    with pytest.raises(OutputError, match="host"):
        vmc.create(vmc.Settings(host=host))


def _face(**weights: float) -> TrackResult:
    result = tracked()
    assert result.blendshapes is not None
    result.blendshapes.weights.flags.writeable = True
    result.blendshapes.weights[:] = [weights.get(name, 0.0) for name in BLENDSHAPE_NAMES]
    return result


def _presets(receiver: socket.socket, result: TrackResult) -> dict[str, float]:
    messages = _messages(_packets(receiver, result, shapes="vrm"))
    return {name: value for name, (value,) in _named(messages, "/VMC/Ext/Blend/Val").items()}


SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8}


@pytest.mark.parametrize(
    ("shapes", "strongest"),
    [
        ({"jawOpen": 0.7}, "A"),
        ({"mouthPucker": 0.9}, "U"),
        ({"mouthFunnel": 0.9, "jawOpen": 0.5}, "O"),
        ({"mouthStretchLeft": 0.9, "mouthStretchRight": 0.9}, "I"),
        (SMILE | {"cheekSquintLeft": 0.7, "cheekSquintRight": 0.7}, "Joy"),
        ({"browDownLeft": 0.9, "browDownRight": 0.9}, "Angry"),
        ({"mouthFrownLeft": 0.8, "mouthFrownRight": 0.8}, "Sorrow"),
        ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, "Blink"),
        ({"eyeBlinkLeft": 1.0}, "Blink_L"),
        ({"eyeBlinkRight": 1.0}, "Blink_R"),
        ({"eyeLookUpLeft": 0.6, "eyeLookUpRight": 0.6}, "LookUp"),
        ({"eyeLookOutLeft": 0.6, "eyeLookInRight": 0.6}, "LookLeft"),
        ({"eyeLookInLeft": 0.6, "eyeLookOutRight": 0.6}, "LookRight"),
        ({}, "Neutral"),
    ],
)
def test_named_face_is_the_preset_of_vrm(
    receiver: socket.socket, shapes: dict[str, float], strongest: str
) -> None:
    presets = _presets(receiver, _face(**shapes))
    if strongest != "Neutral":
        presets.pop("Neutral")
    assert max(presets, key=presets.__getitem__) == strongest
    assert presets[strongest] >= 0.4


def test_presets_never_add_up_to_more_than_a_face(receiver: socket.socket) -> None:
    for seed in range(20):
        presets = _presets(receiver, tracked(seed))
        assert all(-1e-6 <= value <= 1 + 1e-6 for value in presets.values())
        assert sum(presets[n] for n in "AIUEO") <= 1 + 1e-5
        assert sum(presets[n] for n in ("Joy", "Angry", "Sorrow", "Fun")) <= 1 + 1e-5


def test_perfect_sync_and_presets_together(receiver: socket.socket) -> None:
    packets = _packets(receiver, tracked(), shapes="both")
    assert len(_named(_messages(packets), "/VMC/Ext/Blend/Val")) == 52 + 17
    assert all(len(packet) <= 1200 for packet in packets)


def test_root_has_scale_and_offset_only_if_wished(receiver: socket.socket) -> None:
    root = _named(_messages(_packets(receiver, tracked(), root_scale=True)), "/VMC/Ext/Root/Pos")
    assert root["root"] == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
