"""Plain OSC as a receiver sees it, from a real socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from made_results import lost, tracked
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage

from engine.errors import OutputError
from engine.outputs import osc
from engine.types import BLENDSHAPE_NAMES, TrackResult


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


def _packets(receiver: socket.socket, result: TrackResult, **settings: object) -> list[bytes]:
    sink = osc.create(osc.Settings(port=receiver.getsockname()[1], **settings))  # type: ignore[arg-type]
    sink.send(result)
    count = sink.traffic.packets
    sink.close()
    return [receiver.recv(65536) for _ in range(count)]


def _heard(packets: list[bytes]) -> dict[str, list]:
    heard: dict[str, list] = {}
    for packet in packets:
        parts = [OscMessage(packet)] if packet[:1] == b"/" else list(OscBundle(packet))
        for part in parts:
            assert isinstance(part, OscMessage)
            assert part.address not in heard
            heard[part.address] = part.params
    return heard


@pytest.mark.parametrize("style", ["bundle", "messages"])
def test_every_shape_under_its_own_address(receiver: socket.socket, style: str) -> None:
    result = tracked(3)
    packets = _packets(receiver, result, style=style, shape_address="/me/{shape}/value")
    heard = _heard(packets)
    assert result.blendshapes is not None
    for name, weight in result.blendshapes.items():
        assert heard[f"/me/{name}/value"] == [pytest.approx(weight, abs=1e-7)]
    assert heard["/face/tracking"] == [1]
    assert all(len(packet) <= 1200 for packet in packets)
    assert (packets[0][:1] == b"/") == (style == "messages")


def test_one_list_of_all_shapes(receiver: socket.socket) -> None:
    result = tracked(3)
    packets = _packets(receiver, result, style="list", list_address="/all", deviations=True)
    heard = _heard(packets)
    assert result.blendshapes is not None
    assert result.blendshapes.sd is not None
    assert heard["/all"] == pytest.approx(result.blendshapes.weights.tolist(), abs=1e-7)
    assert heard["/all/sd"] == pytest.approx(result.blendshapes.sd.tolist(), abs=1e-7)
    assert len(packets) == 1


def test_head_in_unreal_centimetres_and_degrees(receiver: socket.socket) -> None:
    """Nod 0.3 rad down, 0.6 m before the camera and 0.1 m to the own left."""
    result = tracked(turn=(0.3, 0, 0), place=(0.1, 0, 0.6))
    heard = _heard(_packets(receiver, result, axes="unreal", length="cm"))
    assert heard["/head/position"] == pytest.approx([-60, -10, 0], abs=1e-5)
    assert heard["/head/rotation"] == pytest.approx([0, -17.18873, 0], abs=1e-4)


def test_time_tag_is_set_only_if_wished(receiver: socket.socket) -> None:
    (first, *_), (second, *_) = (
        _packets(receiver, tracked(), time_tags=tags) for tags in (False, True)
    )
    assert first[8:16] == struct.pack(">Q", 1)
    assert struct.unpack(">I", second[8:12])[0] > 3_900_000_000  # seconds since 1900: after 2023


def test_a_lost_face_sends_its_state_alone(receiver: socket.socket) -> None:
    assert _heard(_packets(receiver, lost())) == {"/face/tracking": [0]}


@pytest.mark.parametrize("address", ["face/{shape}", "/face", "/{shape}/{x}", "/a b/{shape}", "/{"])
def test_impossible_addresses_are_told(address: str) -> None:
    with pytest.raises(OutputError, match="OSC address"):
        osc.create(osc.Settings(shape_address=address))


def test_what_is_shown_is_what_was_sent(receiver: socket.socket) -> None:
    sink = osc.create(osc.Settings(port=receiver.getsockname()[1]))
    sink.send(tracked(1))
    assert [name for name, _ in sink.traffic.values] == list(BLENDSHAPE_NAMES)
    sink.send(lost(2))
    assert sink.traffic.values == ()
    sink.close()
