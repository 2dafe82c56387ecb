"""iFacialMocap's text against the example of its maker's page and a parser written from it."""

from __future__ import annotations

import numpy as np
import pytest
from made_results import tracked

from engine.outputs import _facial_mocap as mocap
from engine.types import BLENDSHAPE_NAMES, TrackResult

# The frame that ifacialmocap.com/for-developer gives as its example.
EXAMPLE = (
    "mouthSmile_R-0|eyeLookOut_L-0|mouthUpperUp_L-11|eyeWide_R-0|mouthClose-8|mouthPucker-4|"
    "mouthRollLower-9|eyeBlink_R-7|eyeLookDown_L-17|cheekSquint_R-11|eyeBlink_L-7|tongueOut-0|"
    "jawRight-0|eyeLookIn_R-6|cheekSquint_L-11|mouthDimple_L-10|mouthPress_L-4|eyeSquint_L-11|"
    "mouthRight-0|mouthShrugLower-9|eyeLookUp_R-0|eyeLookOut_R-0|mouthPress_R-5|cheekPuff-2|"
    "jawForward-11|mouthLowerDown_L-9|mouthFrown_L-6|mouthShrugUpper-26|browOuterUp_L-4|"
    "browInnerUp-20|mouthDimple_R-10|browDown_R-0|mouthUpperUp_R-10|mouthRollUpper-8|"
    "mouthFunnel-12|mouthStretch_R-21|mouthFrown_R-13|eyeLookDown_R-17|jawOpen-12|jawLeft-0|"
    "browDown_L-0|mouthSmile_L-0|noseSneer_R-18|mouthLowerDown_R-8|noseSneer_L-21|eyeWide_L-0|"
    "mouthStretch_L-21|browOuterUp_R-4|eyeLookIn_L-4|eyeSquint_R-11|eyeLookUp_L-0|mouthLeft-1|"
    "=head#-21.488958,-6.038993,-6.6019735,-0.030653415,-0.10287084,-0.6584072|"
    "rightEye#6.0297494,2.4403017,0.25649446|leftEye#6.034903,-1.6660284,-0.17520553|"
)


def _text(result: TrackResult, version: int = 1) -> str:
    assert result.head is not None
    assert result.blendshapes is not None
    return mocap.encode(result.head, result.blendshapes, version).decode("ascii")


def _parsed(text: str, mark: str) -> tuple[dict[str, int], dict[str, list[float]]]:
    """Read a frame as its description says, sharing nothing with the code."""
    shapes, rest = text.split("=")
    assert shapes.endswith("|")
    assert rest.endswith("|")
    pairs = [field.split(mark) for field in shapes[:-1].split("|")]
    turns = [field.split("#") for field in rest[:-1].split("|")]
    return (
        {name: int(value) for name, value in pairs},
        {name: [float(v) for v in values.split(",")] for name, values in turns},
    )


@pytest.mark.parametrize(("version", "mark"), [(1, "-"), (2, "&")])
def test_all_shapes_have_the_names_of_the_example_and_whole_percents(
    version: int, mark: str
) -> None:
    result = tracked(2)
    assert result.blendshapes is not None
    shapes, turns = _parsed(_text(result, version), mark)
    example, example_turns = _parsed(EXAMPLE, "-")
    assert set(shapes) == set(example)
    assert list(turns) == list(example_turns)
    for name, weight in result.blendshapes.items():
        spelled = name
        if name[:3] != "jaw" and name not in ("mouthLeft", "mouthRight"):
            spelled = name.replace("Left", "_L").replace("Right", "_R")
        assert shapes[spelled] == pytest.approx(100 * weight, abs=0.5001), name


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ((0.3, 0, 0), [17.188734, 0, 0]),  # down
        ((0, -0.3, 0), [0, 17.188734, 0]),  # to the own left
        ((0, 0, -0.3), [0, 0, 17.188734]),  # tilted to the own right
    ],
)
def test_head_turns_of_named_poses_in_degrees(turn: tuple, expected: list[float]) -> None:
    _, turns = _parsed(_text(tracked(turn=turn)), "-")
    assert turns["head"][:3] == pytest.approx(expected, abs=1e-5)


def test_place_is_in_metres_up_and_before_the_camera() -> None:
    _, turns = _parsed(_text(tracked(place=(-0.03, 0.1, 0.66))), "-")
    assert turns["head"][3:] == pytest.approx([-0.03, -0.1, -0.66])


def test_eyes_have_the_signs_of_the_example() -> None:
    """There both eyes look down (17) and inwards, the right one by 6, the left one by 4."""
    shapes, example = _parsed(EXAMPLE, "-")
    assert shapes["eyeLookDown_L"] > 0
    assert shapes["eyeLookIn_R"] > shapes["eyeLookIn_L"] > 0
    result = tracked()
    assert result.head is not None
    result.head.gaze.flags.writeable = True
    # Inwards is to the own left for the right eye, to the own right for the left one.
    result.head.gaze[:] = [[-0.03, 0.1], [0.04, 0.1]]
    _, turns = _parsed(_text(result), "-")
    for eye in ("leftEye", "rightEye"):
        assert np.sign(turns[eye][:2]).tolist() == np.sign(example[eye][:2]).tolist()
    assert turns["rightEye"] == pytest.approx(np.rad2deg([0.1, 0.04, 0]), abs=1e-5)


def test_the_example_is_decoded() -> None:
    face = mocap.decode(EXAMPLE.encode())
    assert set(face.shapes) == set(BLENDSHAPE_NAMES)
    assert face.shapes["noseSneerLeft"] == 0.21
    assert face.shapes["mouthLeft"] == 0.01
    assert face.head == (-21.488958, -6.038993, -6.6019735, -0.030653415, -0.10287084, -0.6584072)
    assert face.left_eye == (6.034903, -1.6660284, -0.17520553)


@pytest.mark.parametrize("version", [1, 2])
def test_decoding_gives_what_was_encoded(version: int) -> None:
    face = mocap.decode(_text(tracked(9), version).encode())
    shapes, turns = _parsed(_text(tracked(9)), "-")
    assert [round(100 * value) for value in face.shapes.values()] == list(shapes.values())
    assert face.head == tuple(turns["head"])


@pytest.mark.parametrize(
    "text", ["", "jawOpen-3|", "jawOpen-3|=head#1,2|rightEye#1,2,3|leftEye#1,2,3|", "a|=head#1"]
)
def test_what_is_no_frame_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no|needs"):
        mocap.decode(text.encode())


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719", ("udp", 1)),
        (b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719|sendDataVersion=v2", ("udp", 2)),
        (
            b"iFacialMocap_UDPTCP_sahuasouryya9218sauhuiayeta91555dy3719|sendDataVersion=v2",
            ("tcp", 2),
        ),
        (b"iFacialMocap_UDPTCPSTOP_sahuasouryya9218sauhuiayeta91555dy3719", ("stop", 1)),
        (
            b"iFacialMocap_UDPTCPSTOP_sahuasouryya9218sauhuiayeta91555dy3719|sendDataVersion=v2",
            ("stop", 2),
        ),
        (b"iFacialMocap_lookForward", ("look forward", 1)),
    ],
)
def test_requests(packet: bytes, expected: tuple[str, int]) -> None:
    assert mocap.request(packet) == mocap.Request(*expected)
    assert mocap.request(packet + b"x" * 60_000) is None
    assert mocap.request(packet[1:]) is None


def test_random_and_mutated_requests_never_raise() -> None:
    rng = np.random.default_rng(0)
    seed = b"iFacialMocap_UDPTCP_sahuasouryya9218sauhuiayeta91555dy3719|sendDataVersion=v2"
    for _ in range(2000):
        assert mocap.request(rng.bytes(int(rng.integers(200)))) is None
        mutated = bytearray(seed)
        mutated[int(rng.integers(20))] ^= int(rng.integers(1, 256))
        assert mocap.request(bytes(mutated)) is None
