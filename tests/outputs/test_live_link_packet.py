"""Live Link Face packets: byte by byte from the specification, and as PyLiveLinkFace reads them.

PyLiveLinkFace 0.1 is not ours. Its known deviations: it takes the version and the three upper bytes
of the id's length for one little-endian number, and the lowest byte (36, which is $) for the first
character of the id; it needs an id of 36 characters.
"""

from __future__ import annotations

import struct
import time
import uuid

import numpy as np
import pytest
from made_results import tracked
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from engine.errors import OutputError
from engine.outputs import _live_link as link
from engine.types import HeadState, TrackResult

ID = "01234567-89ab-cdef-0123-456789abcdef"
MOMENT = link.FrameTime(5_375_735, 0.25, (60, 1))


def _face(result: TrackResult, **turns: bool) -> bytes:
    assert result.head is not None
    assert result.blendshapes is not None
    values = link.values_of(result.head, result.blendshapes, link.Turns(**turns))
    return link.encode(link.head_of_packet(ID, "Iphone12"), MOMENT, values)


def _angles(result: TrackResult, **turns: bool) -> list[float]:
    return list(struct.unpack(">9f", _face(result, **turns)[-36:]))


def _looking(result: TrackResult, left: list[float], right: list[float]) -> HeadState:
    assert result.head is not None
    result.head.gaze.flags.writeable = True
    result.head.gaze[:] = [left, right]
    return result.head


def test_packet_byte_by_byte() -> None:
    """Every offset written out as in the table of the packet."""
    packet = _face(tracked(3))
    assert len(packet) == 314
    assert packet[:5] == b"\x06\x00\x00\x00\x24"
    assert packet[5:41] == ID.encode()
    assert packet[41:45] == b"\x00\x00\x00\x08"
    assert packet[45:53] == b"Iphone12"
    assert packet[53:57] == b"\x00\x52\x06\xf7"  # 5,375,735
    assert packet[57:61] == b"\x3e\x80\x00\x00"  # 0.25
    assert packet[61:69] == b"\x00\x00\x00\x3c\x00\x00\x00\x01"
    assert packet[69] == 61
    weights = tracked(3).blendshapes.weights  # type: ignore[union-attr]
    assert packet[70 : 70 + 4 * 52] == weights.astype(">f4").tobytes()


def test_an_independent_receiver_reads_every_shape_by_name() -> None:
    result = tracked(5, turn=(0.1, 0.2, 0.3))
    found, face = PyLiveLinkFace.decode(_face(result))
    assert found
    assert (face.name, face.uuid, face.fps) == ("Iphone12", "$" + ID, 60)
    assert face._frames == 5_375_735
    assert face._denominator == 1
    assert result.blendshapes is not None
    for name, weight in result.blendshapes.items():
        shape = FaceBlendShape[name[0].upper() + name[1:]]
        assert face.get_blendshape(shape) == pytest.approx(weight, abs=1e-7), name
    for place, name in enumerate(link.TURN_NAMES):
        assert FaceBlendShape[name].value == 52 + place


def test_a_packet_without_values_is_no_face() -> None:
    packet = link.encode(link.head_of_packet(ID, "Face"), MOMENT, None)
    assert PyLiveLinkFace.decode(packet)[0] is False
    assert link.decode(packet) == link.Packet(ID, "Face", MOMENT, None)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ((0, -0.3, 0), [0.3, 0, 0]),  # to the own left
        ((-0.3, 0, 0), [0, 0.3, 0]),  # up
        ((0, 0, -0.3), [0, 0, 0.3]),  # tilted to the own right
    ],
)
def test_head_turns_of_named_poses_in_radians(turn: tuple, expected: list[float]) -> None:
    assert _angles(tracked(turn=turn))[:3] == pytest.approx(expected, abs=1e-6)


def test_eyes_are_positive_to_the_own_right_and_down() -> None:
    result = tracked()
    _looking(result, [-0.2, 0.1], [0.05, -0.15])
    assert _angles(result)[3:] == pytest.approx([0.2, 0.1, 0, -0.05, -0.15, 0], abs=1e-6)


def test_half_turns_and_flips() -> None:
    result = tracked(turn=(0, 0.3, 0))
    assert _angles(result, half_turns=True)[0] == pytest.approx(-np.rad2deg(0.3) / 180)
    assert _angles(result, flip_yaw=True)[0] == pytest.approx(0.3)
    both = tracked(turn=(0.1, 0, 0.2))
    plain, flipped = _angles(both), _angles(both, flip_pitch=True, flip_roll=True)
    assert flipped[:3] == pytest.approx([plain[0], -plain[1], -plain[2]])
    assert flipped[3:] == plain[3:]


@pytest.mark.parametrize("rate", link.RATES.values())
def test_frames_are_counted_from_local_midnight(rate: tuple[int, int]) -> None:
    """An hour, two minutes and 3.5 s after midnight, by exact fractions."""
    moment = time.mktime((2026, 3, 4, 1, 2, 3, 0, 0, -1))
    made = link.time_of_day(int(moment) * 10**9 + 500_000_000, rate)
    exact = 3723.5 * rate[0] / rate[1]
    assert made.frame + made.sub_frame == pytest.approx(exact, abs=1e-6)
    assert made.frame == int(exact)
    assert made.rate == rate


def test_a_sub_frame_never_becomes_one() -> None:
    packet = link.encode(b"", link.FrameTime(1, 1 - 1e-12, (60, 1)), None)
    assert struct.unpack_from(">f", packet, 4)[0] < 1.0


def test_an_id_stays_and_differs_between_subjects() -> None:
    assert link.device_id("a") == link.device_id("a")
    assert link.device_id("a") != link.device_id("b")
    assert str(uuid.UUID(link.device_id("a"))) == link.device_id("a")


@pytest.mark.parametrize("subject", ["", "Gesicht ä", "a" * 257, "two\nlines"])
def test_names_that_receivers_misread_are_refused(subject: str) -> None:
    with pytest.raises(OutputError, match="subject"):
        link.head_of_packet(ID, subject)


def test_decoding_gives_what_was_encoded() -> None:
    decoded = link.decode(_face(tracked(7)))
    assert (decoded.device, decoded.subject, decoded.time) == (ID, "Iphone12", MOMENT)
    assert decoded.values == struct.unpack(">61f", _face(tracked(7))[70:])


def test_damaged_packets_are_a_value_error() -> None:
    rng, whole = np.random.default_rng(0), _face(tracked())
    refused = 0
    for _ in range(2000):
        packet = bytearray(whole[: rng.integers(len(whole) + 1)])
        for place in rng.integers(max(1, len(packet)), size=3):
            packet[place : place + 1] = rng.bytes(1)
        try:
            link.decode(bytes(packet))
        except ValueError:
            refused += 1
    assert refused > 1000
