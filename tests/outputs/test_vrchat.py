"""VRChat as its receiver sees it: real sockets, the tests' own OSC reader, documented numbers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from made_results import lost, tracked
from plain_osc import read

from engine.errors import OutputError
from engine.outputs import _avatar, _native_eyes, _unified, vrchat
from engine.types import BLENDSHAPE_NAMES, Blendshapes, TrackResult

START = "/avatar/parameters/FT/v2/"
S = 1_000_000_000


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


class Sender:
    def __init__(self, receiver: socket.socket, **settings: object) -> None:
        self._receiver = receiver
        port = receiver.getsockname()[1]
        self.sink = vrchat.create(vrchat.Settings(port=port, **settings))  # type: ignore[arg-type]

    def heard(self, result: TrackResult) -> dict[str, list]:
        before = self.sink.traffic.packets
        self.sink.send(result)
        packets = [self._receiver.recv(65536) for _ in range(self.sink.traffic.packets - before)]
        assert all(len(packet) <= 1200 for packet in packets)
        messages = [message for packet in packets for message in read(packet)]
        assert len({address for address, _ in messages}) == len(messages)
        return dict(messages)


@pytest.fixture
def sender(receiver: socket.socket) -> Iterator[Sender]:
    made = Sender(receiver)
    yield made
    made.sink.close()


def _face(result: TrackResult, **shapes: float) -> TrackResult:
    weights = np.array([shapes.get(name, 0.0) for name in BLENDSHAPE_NAMES])
    return replace(result, blendshapes=Blendshapes(weights))


SIMPLE_AND_COMBINED = [
    # shapes, expression, its value by the documented formula
    ({"browOuterUpLeft": 0.5, "browInnerUp": 0.25}, "BrowUpLeft", 0.6 * 0.5 + 0.4 * 0.25),
    ({"browOuterUpLeft": 0.5, "browInnerUp": 0.25}, "BrowUp", (0.4 + 0.1) / 2),
    ({"browDownRight": 0.8}, "BrowDownRight", 0.8),
    ({"browDownRight": 0.8}, "BrowDown", 0.4),
    ({"browInnerUp": 0.6, "browOuterUpLeft": 0.2, "browDownLeft": 0.1}, "BrowExpressionLeft", 0.3),
    ({"browInnerUp": 0.6, "browOuterUpLeft": 0.2, "browDownLeft": 0.1}, "BrowExpression", 0.3),
    ({"mouthSmileLeft": 0.7}, "MouthSmileLeft", 0.7),
    ({"mouthFrownLeft": 0.2, "mouthStretchLeft": 0.6}, "MouthSadLeft", 0.6),
    ({"mouthSmileLeft": 0.7, "mouthFrownLeft": 0.2}, "SmileFrownLeft", 0.5),
    ({"mouthSmileLeft": 0.7, "mouthFrownLeft": 0.2}, "SmileFrown", 0.25),
    ({"mouthSmileLeft": 0.7, "mouthStretchLeft": 0.6}, "SmileSadLeft", 0.1),
    ({"mouthSmileRight": 0.7, "mouthFrownRight": 0.2}, "MouthCornerYRight", 0.5),
    ({"mouthStretchRight": 0.6}, "MouthTightenerStretch", -0.3),
    ({"mouthStretchRight": 0.6}, "MouthStretch", 0.3),
    ({"jawRight": 0.3}, "JawX", 0.3),
    ({"jawLeft": 0.3}, "JawX", -0.3),
    ({"jawForward": 0.4}, "JawZ", 0.4),
    ({"mouthLeft": 0.3}, "MouthX", -0.3),
    ({"mouthRight": 0.3}, "MouthUpperX", 0.3),
    ({"mouthUpperUpLeft": 0.8, "mouthLowerDownRight": 0.4}, "MouthOpen", 0.3),
    ({"mouthUpperUpLeft": 0.8}, "MouthUpperUp", 0.4),
    ({"mouthPucker": 0.5}, "LipPucker", 0.5),
    ({"mouthPucker": 0.5}, "LipPuckerLeft", 0.5),
    ({"mouthFunnel": 0.5}, "LipFunnel", 0.5),
    ({"mouthFunnel": 0.5, "mouthRollLower": 0.9}, "LipSuckFunnelLower", 0.4),
    ({"mouthFunnel": 0.5}, "LipSuckFunnelUpperRight", -0.5),
    ({"mouthRollLower": 0.8}, "LipSuck", 0.4),
    ({"cheekPuff": 0.6}, "CheekPuffSuck", 0.6),
    ({"cheekSquintLeft": 0.6}, "CheekSquint", 0.3),
    ({"noseSneerLeft": 0.6}, "NoseSneer", 0.3),
    ({"eyeBlinkLeft": 0.5, "eyeSquintLeft": 0.4}, "EyeOpenLeft", 1 - 0.5 - 0.5 * 0.4),
    ({"eyeBlinkLeft": 0.5}, "EyeClosed", 0.25),
    ({"eyeBlinkLeft": 0.5, "eyeWideLeft": 0.2}, "EyeLidLeft", 0.5 * 0.75 + 0.2 * 0.25),
    ({"eyeWideRight": 0.2}, "EyeLid", 0.75 + 0.1 * 0.25),
    ({"eyeSquintLeft": 0.1, "eyeSquintRight": 0.6}, "EyesSquint", 0.6),
    ({"eyeWideLeft": 0.7}, "EyeWide", 0.7),
]


@pytest.mark.parametrize(("shapes", "name", "expected"), SIMPLE_AND_COMBINED)
def test_simple_and_combined_by_the_documented_formulas(
    sender: Sender, shapes: dict[str, float], name: str, expected: float
) -> None:
    heard = sender.heard(_face(tracked(), **shapes))
    assert heard[START + name] == [pytest.approx(expected, abs=1e-6)]


def test_every_name_is_one_of_unified_expressions_and_none_is_made_up(sender: Sender) -> None:
    heard = sender.heard(tracked())
    names = {a.removeprefix(START) for a in heard if a.startswith(START)}
    assert len(names) > 120
    untold = ("Pupil", "Nasal", "CheekSuck", "TongueX", "TongueUp", "Clench", "SoftPalate", "Neck")
    assert not [name for name in names if name.startswith(untold)]
    for group in ({"base": False}, {"simple": False}, {"combined": False}, {"head": False}):
        fewer = vrchat.expression_names(replace(vrchat.Settings(), **group))
        assert set(fewer) < names


def test_head_turns_and_moves_as_documented(sender: Sender) -> None:
    """45 degrees to the own right are half of 90; 0.1 m to the own right are a fifth of 0.5 m."""
    sender.heard(tracked(place=(0.0, 0.0, 0.6)))
    turned = sender.heard(tracked(1, turn=(0.0, np.pi / 4, 0.0), place=(-0.1, 0.05, 0.5)))
    got = {name: turned[f"{START}Head/{name}"][0] for name in ("Yaw", "PosX", "PosY", "PosZ")}
    assert got == pytest.approx({"Yaw": 0.5, "PosX": 0.2, "PosY": -0.1, "PosZ": 0.2}, abs=1e-6)
    nod = sender.heard(tracked(2, turn=(0.3, 0.0, 0.0)))
    assert nod[START + "Head/Pitch"] == [pytest.approx(0.3 / (np.pi / 2), abs=1e-6)]
    tilt = sender.heard(tracked(3, turn=(0.0, 0.0, 0.3)))  # to the own left
    assert tilt[START + "Head/Roll"] == [pytest.approx(0.3 / (np.pi / 2), abs=1e-6)]


def _looking(yaw_right: tuple[float, float], pitch_down: tuple[float, float]) -> TrackResult:
    """Return a face whose left and right eye look so, in degrees."""
    result = tracked()
    assert result.head is not None
    gaze = np.deg2rad([[-yaw_right[0], pitch_down[0]], [-yaw_right[1], pitch_down[1]]])
    return replace(result, head=replace(result.head, gaze=gaze))


def test_gaze_parameters_are_positive_to_the_right_and_up(sender: Sender) -> None:
    heard = sender.heard(_looking((22.5, 45.0), (-9.0, -9.0)))
    expected = {"EyeLeftX": 0.5, "EyeRightX": 1.0, "EyeX": 0.75, "EyeY": 0.2}
    assert {n: heard[START + n][0] for n in expected} == pytest.approx(expected, abs=1e-6)


# docs.vrchat.com, OSC eye tracking: 15.252 up, 20.128 to the right, 0.503 m away.
DOCUMENTED = {
    "CenterPitchYaw": [-15.252, 20.128],
    "CenterPitchYawDist": [-15.252, 20.128, 0.503],
    "CenterVec": [0.332, 0.263, 0.905],
    "CenterVecFull": [0.167, 0.132, 0.456],
    "LeftRightPitchYaw": [-14.903, 23.592, -15.560, 16.503],
    "LeftRightVec": [0.387, 0.257, 0.886, 0.274, 0.268, 0.923],
}


@pytest.mark.parametrize("endpoint", DOCUMENTED)
def test_native_eyes_give_the_documented_example(receiver: socket.socket, endpoint: str) -> None:
    sender = Sender(receiver, look=endpoint)
    heard = sender.heard(_looking((23.592, 16.503), (-14.903, -15.560)))
    sender.sink.close()
    looks = [a for a in heard if a.startswith("/tracking/eye/") and not a.endswith("ClosedAmount")]
    assert looks == [f"/tracking/eye/{endpoint}"]
    precision = 0.005 if "Pitch" in endpoint else 0.001
    assert heard[looks[0]] == pytest.approx(DOCUMENTED[endpoint], abs=precision)


@pytest.mark.parametrize("yaw_right", [(0.0, 0.0), (-3.0, 3.0), (2.0, 1.99)])
def test_eyes_that_do_not_meet_look_far_away(yaw_right: tuple[float, float]) -> None:
    head = _looking(yaw_right, (0.0, 0.0)).head
    assert head is not None
    x, y, z = _native_eyes.look("CenterVecFull", head.gaze)
    assert np.linalg.norm([x, y, z]) == pytest.approx(10.0)
    assert np.degrees(np.arctan2(x, z)) == pytest.approx(sum(yaw_right) / 2, abs=0.02)


def test_lids_are_closed_together(receiver: socket.socket) -> None:
    sender = Sender(receiver, look="off")
    heard = sender.heard(_face(tracked(), eyeBlinkLeft=1.0, eyeBlinkRight=0.5))
    sender.sink.close()
    eyes = {a: v for a, v in heard.items() if a.startswith("/tracking")}
    assert eyes == {"/tracking/eye/EyesClosedAmount": [pytest.approx(0.75)]}


def test_only_what_has_changed_is_sent_and_all_of_it_every_two_seconds(sender: Sender) -> None:
    still = tracked(1, 0)
    everything = sender.heard(still)
    again = sender.heard(replace(still, captured_ns=S))
    assert set(again) == {"/tracking/eye/LeftRightPitchYaw", "/tracking/eye/EyesClosedAmount"}
    assert still.blendshapes is not None
    weights = still.blendshapes.weights.copy()
    weights[BLENDSHAPE_NAMES.index("tongueOut")] -= 0.01
    weights[BLENDSHAPE_NAMES.index("jawForward")] += 0.001  # less than a step
    moved = replace(still, blendshapes=Blendshapes(weights), captured_ns=S + 1)
    assert set(sender.heard(moved)) - set(again) == {START + "TongueOut"}
    assert set(sender.heard(replace(still, captured_ns=2 * S))) == set(everything)


def test_small_steps_add_up_and_the_ends_are_reached(receiver: socket.socket) -> None:
    sender = Sender(receiver, step=0.045, resend_s=0.0)
    got = []
    for index in range(100):
        heard = sender.heard(_face(tracked(0, index), jawOpen=0.01 * index))
        got += heard.get(START + "JawOpen", [])
    np.testing.assert_allclose(got, np.arange(20) * 0.05, atol=1e-6)
    heard = sender.heard(_face(tracked(0, 200), jawOpen=1.0))
    assert heard[START + "JawOpen"] == [1.0]
    sender.heard(_face(tracked(0, 201), jawOpen=0.03))
    heard = sender.heard(_face(tracked(0, 202)))
    assert heard[START + "JawOpen"] == [0.0]
    sender.sink.close()


def test_a_lost_face_switches_the_flags_off_and_sends_nothing_else(sender: Sender) -> None:
    flags = ["EyeTrackingActive", "ExpressionTrackingActive", "LipTrackingActive"]
    addresses = ["/avatar/parameters/" + flag for flag in flags]
    heard = sender.heard(tracked())
    assert [heard[a] for a in addresses] == [[True]] * 3
    assert sender.heard(lost(1)) == {a: [False] for a in addresses}
    assert sender.heard(lost(2)) == {}
    found = sender.heard(tracked(3))
    assert [found[a] for a in addresses] == [[True]] * 3


def test_binary_parameters(receiver: socket.socket) -> None:
    sender = Sender(receiver, form="binary", bits=3, prefix="")
    start = "/avatar/parameters/v2/"
    heard = sender.heard(_face(tracked(), jawLeft=0.7, jawOpen=1.0))
    for name, expected in (("JawX", [True, False, True, True]), ("JawOpen", [True] * 3 + [False])):
        got = [heard[f"{start}{name}{end}"][0] for end in (1, 2, 4, "Negative")]
        assert got == expected  # int(0.7 * 8) is 5
    assert start + "JawOpen" not in heard
    sender.sink.close()


def test_an_avatar_gets_what_it_has_told_of() -> None:
    types = {
        "/avatar/parameters/Any/v2/JawOpen": "f",
        "/avatar/parameters/v2/MouthX1": "T",
        "/avatar/parameters/v2/MouthX2": "F",
        "/avatar/parameters/v2/MouthX8": "T",  # 4 is missing: two bits
        "/avatar/parameters/v2/JawZ1": "T",
        "/avatar/parameters/v2/JawZNegative": "T",
        "/avatar/parameters/v2/Smile": "f",
        "/avatar/parameters/v2/JawX": "i",
        "/avatar/parameters/FT/LipTrackingActive": "T",
        "/avatar/parameters/VelocityX": "f",
    }
    told = _avatar.told(types, vrchat.expression_names(vrchat.Settings()), 0.0)
    assert told.names == {"JawOpen", "MouthX", "JawZ"}
    values = {"JawOpen": 0.5, "MouthX": -0.8, "JawX": 0.1, "JawZ": -0.9}
    heard = dict(m for packet in told.messages(values, tracked=True) for m in read(packet))
    assert heard == {
        "/avatar/parameters/Any/v2/JawOpen": [0.5],
        "/avatar/parameters/v2/MouthX1": [False],  # negative, and it has no sign
        "/avatar/parameters/v2/MouthX2": [False],
        "/avatar/parameters/v2/JawZ1": [True],
        "/avatar/parameters/v2/JawZNegative": [True],
        "/avatar/parameters/FT/LipTrackingActive": [True],
    }
    values["MouthX"] = 0.8
    heard = dict(m for packet in told.messages(values, tracked=True) for m in read(packet))
    assert heard == {
        "/avatar/parameters/v2/MouthX1": [True],
        "/avatar/parameters/v2/MouthX2": [True],
    }


@pytest.mark.parametrize("prefix", ["FT", "/FT/", "F T/", "F?/", "ä/"])
def test_impossible_prefixes_are_told(prefix: str) -> None:
    with pytest.raises(OutputError, match="VRChat prefix"):
        vrchat.create(vrchat.Settings(prefix=prefix))


def test_combined_stay_within_bounds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        base = _unified.base(Blendshapes(rng.integers(0, 2, 52).astype(float)))
        values = _unified.combined(base, _unified.simple(base))
        assert all(-1.0 <= value <= 1.0 for value in values.values())
