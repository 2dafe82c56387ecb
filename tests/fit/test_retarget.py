"""Blendshapes out of a fit, and settings that are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import settings as declared
from engine.errors import ConfigError
from engine.fit import skinning
from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.fit.responses import RESPONSES, YIELDS, ShapeResponse, Yield
from engine.fit.retarget import RetargetSettings, readings, retarget, weight_deviations
from engine.fit.settings import FitSettings, per_shape
from engine.fit.solver import Solver
from engine.types import BLENDSHAPE_NAMES, Array, Deviations, HeadState

PLAIN = RetargetSettings(shapes=(), yields=(), at_most=())
AHEAD = np.zeros((2, 2))


def _weights(**named: float) -> Array:
    weights = np.zeros(len(BLENDSHAPE_NAMES))
    for name, value in named.items():
        weights[BLENDSHAPE_NAMES.index(name)] = value
    return weights


@pytest.mark.parametrize(
    ("gaze", "shape"),
    [
        ((np.deg2rad(20), 0.0), ("eyeLookOutLeft", "eyeLookInRight", 0.5)),
        ((np.deg2rad(-40), 0.0), ("eyeLookInLeft", "eyeLookOutRight", 1.0)),
        ((0.0, np.deg2rad(17.5)), ("eyeLookDownLeft", "eyeLookDownRight", 0.5)),
        ((0.0, np.deg2rad(-60)), ("eyeLookUpLeft", "eyeLookUpRight", 1.0)),
    ],
)
def test_gaze_becomes_look_shapes(gaze: tuple[float, float], shape: tuple[str, str, float]) -> None:
    """Yaw + is to the subject's left: out for the left eye, in for the right."""
    lids = np.full(52, 0.3)  # the lids' own coefficients must not leak into eyeLook
    shapes = retarget(lids, BLENDSHAPE_NAMES, np.array([gaze, gaze]))
    left, right, value = shape
    look = {name: weight for name, weight in shapes.items() if "eyeLook" in name}
    assert look.pop(left) == pytest.approx(value)
    assert look.pop(right) == pytest.approx(value)
    assert set(look.values()) == {0.0}


def test_shapes_are_matched_by_name_and_gained() -> None:
    names = tuple(reversed(BLENDSHAPE_NAMES))
    expression = np.linspace(0, 1, 52)
    rows = (ShapeResponse("jawOpen", gain=2.0), ShapeResponse("tongueOut", gain=0.5, most=0.3))
    shapes = retarget(
        expression, names, AHEAD, RetargetSettings(shapes=rows, yields=(), at_most=())
    )
    by_name = dict(zip(names, expression, strict=True))
    assert shapes["cheekPuff"] == pytest.approx(by_name["cheekPuff"])
    assert shapes["jawOpen"] == pytest.approx(min(1.0, 2 * by_name["jawOpen"]))
    assert shapes["tongueOut"] == pytest.approx(0.3 * 0.5 * by_name["tongueOut"])


def test_every_shape_has_one_row() -> None:
    assert sorted(row.name for row in RESPONSES) == sorted(BLENDSHAPE_NAMES)


@pytest.mark.parametrize("row", RESPONSES, ids=lambda row: row.name)
def test_rest_is_rest_and_a_whole_movement_is_whole(row: ShapeResponse) -> None:
    """And between them a shape only rises: an avatar never moves back as the face moves on."""
    settings = RetargetSettings(yields=(), at_most=())
    other = row.name.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
    if "eyeLook" in row.name:
        return  # from the gaze
    sent = []
    for reading in np.linspace(0, 1, 101):
        both = {row.name: reading, other: reading}
        sent.append(retarget(_weights(**both), BLENDSHAPE_NAMES, AHEAD, settings)[row.name])
    assert sent[0] == sent[int(100 * min(row.dead, 0.02) / row.gain)] == 0.0
    assert sent[-1] == pytest.approx(row.most)
    assert (np.diff(sent) >= 0).all()


def test_the_stages_come_in_the_order_that_is_stated() -> None:
    """By hand, step by step: offset and gain, gain, dead zone, curve, exclusion, clamp."""

    class Person:
        offset = _weights(jawOpen=0.1, mouthSmileLeft=0.2)
        gain = np.full(52, 1.5)

    rows = (
        ShapeResponse("jawOpen", dead=0.2, gain=1.2, curve=2.0),
        ShapeResponse("mouthSmileLeft", dead=0.1, most=0.8),
    )
    yields = (Yield("mouthSmileLeft", "jawOpen", 0.5),)
    settings = RetargetSettings(
        shapes=rows, yields=yields, at_most=(("mouthClose", "jawOpen", 0.0),)
    )
    read = _weights(jawOpen=0.5, mouthSmileLeft=0.9, mouthClose=0.9)
    shapes = retarget(read, BLENDSHAPE_NAMES, AHEAD, settings, person=Person())
    jaw = (((0.5 - 0.1) * 1.5 * 1.2 - 0.2) / 0.8) ** 2
    smile = 0.8 * ((0.9 - 0.2) * 1.5 - 0.1) / 0.9 - 0.5 * jaw
    assert shapes["jawOpen"] == pytest.approx(jaw)
    assert shapes["mouthSmileLeft"] == pytest.approx(smile)
    assert shapes["mouthClose"] == pytest.approx(jaw)


def test_opposite_movements_leave_their_difference() -> None:
    read = _weights(mouthSmileLeft=0.7, mouthFrownLeft=0.3, jawLeft=0.2, jawRight=0.6)
    shapes = retarget(read, BLENDSHAPE_NAMES, AHEAD, RetargetSettings(shapes=()))
    assert shapes["mouthSmileLeft"] == pytest.approx(0.4)
    assert shapes["jawRight"] == pytest.approx(0.4)
    assert shapes["mouthFrownLeft"] == shapes["jawLeft"] == 0.0


def test_the_order_of_exclusions_does_not_matter() -> None:
    read = np.random.default_rng(0).uniform(0, 1, 52)
    there = retarget(read, BLENDSHAPE_NAMES, AHEAD, RetargetSettings(shapes=()))
    back = RetargetSettings(shapes=(), yields=tuple(reversed(YIELDS)))
    np.testing.assert_allclose(
        retarget(read, BLENDSHAPE_NAMES, AHEAD, back).weights, there.weights, atol=1e-12
    )


def test_small_differences_of_the_lids_are_noise_and_winks_are_whole() -> None:
    rows = tuple(ShapeResponse(f"eyeBlink{side}", together=0.1) for side in ("Left", "Right"))
    settings = RetargetSettings(shapes=rows, yields=(), at_most=())

    def sent(left: float, right: float) -> tuple[float, float]:
        read = _weights(eyeBlinkLeft=left, eyeBlinkRight=right)
        shapes = retarget(read, BLENDSHAPE_NAMES, AHEAD, settings)
        return shapes["eyeBlinkLeft"], shapes["eyeBlinkRight"]

    assert sent(0.52, 0.6) == pytest.approx((0.56, 0.56))
    assert sent(1.0, 0.0) == pytest.approx((1.0, 0.0))
    assert sent(0.0, 0.9)[1] > 0.85


def test_closed_lips_over_an_open_jaw_and_never_more() -> None:
    """ARKit: mouthClose closes the lips independently of jawOpen, so it means nothing without."""
    slack = 0.1  # lips that rest firmly closed
    for jaw, close, expected in ((0.0, 0.3, slack), (0.6, 0.3, 0.3), (0.4, 0.9, 0.4 + slack)):
        read = _weights(jawOpen=jaw, mouthClose=close)
        shapes = retarget(read, BLENDSHAPE_NAMES, AHEAD, RetargetSettings(shapes=()))
        assert shapes["mouthClose"] == pytest.approx(expected)


def test_a_row_is_read_from_a_file() -> None:
    values = {"name": "mouthPucker", "dead": 0.1, "curve": 1.5}
    row = declared.read(ShapeResponse, values, "retarget.yaml")
    assert (row.name, row.dead, row.gain, row.curve) == ("mouthPucker", 0.1, 1.0, 1.5)
    with pytest.raises(ConfigError, match=r"dead.*0\.0 to 0\.9"):
        declared.read(ShapeResponse, {"name": "mouthPucker", "dead": 1.0}, "retarget.yaml")


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: ShapeResponse("jawOpne"), "jawOpne"),
        (lambda: ShapeResponse("jawOpen", gain=-1.0), "jawOpen"),
        (lambda: RetargetSettings(shapes=(ShapeResponse("jawOpen"),) * 2), "jawOpen"),
        (
            lambda: RetargetSettings(
                shapes=(ShapeResponse("eyeWideLeft", together=0.1), ShapeResponse("eyeWideRight"))
            ),
            "eyeWideLeft",
        ),
        (lambda: RetargetSettings(at_most=(("mouthClos", "jawOpen", 0.0),)), "mouthClos"),
        (lambda: Yield("jawLeft", "jawRihgt"), "jawRihgt"),
        (lambda: RetargetSettings(look_limits_rad=(("Up", 0.4),)), "Down"),
        (lambda: FitSettings(steps=0), "steps"),
        (lambda: FitSettings(facing_full=0.0), "facing_full"),
        (lambda: per_shape(BLENDSHAPE_NAMES, (("", 1.0), ("eyeBlonk", 2.0))), "eyeBlonk"),
        (lambda: per_shape(BLENDSHAPE_NAMES, (("eye", 1.0),)), "jawForward"),
    ],
)
def test_wrong_settings_are_named(make, names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        make()


def test_the_longest_start_wins() -> None:
    values = per_shape(("eyeBlinkLeft", "eyeWideLeft", "jawOpen"),
                       (("", 1.0), ("eye", 2.0), ("eyeBlink", 3.0)))  # fmt: skip
    np.testing.assert_array_equal(values, [3.0, 2.0, 1.0])


def _shut_at(head: OpenHead, identity: Array, expression: Array, side: str) -> float:
    """Push eyeBlink up by thousandths until no pair of lid landmarks of the posed head is open."""
    lids = {
        "Left": ((388, 390), (387, 373), (386, 374), (385, 380), (384, 381)),
        "Right": ((161, 163), (160, 144), (159, 145), (158, 153), (157, 154)),
    }[side]
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        tried = expression.copy()
        tried[BLENDSHAPE_NAMES.index(f"eyeBlink{side}")] = middle
        at = landmarks(head, skinning.vertices(head, identity, tried, AHEAD, np.zeros(3)))
        shut = all(at[lower, 1] <= at[upper, 1] for upper, lower in lids)
        low, high = (low, middle) if shut else (middle, high)
    return high


@pytest.mark.parametrize("seed", range(4))
def test_lids_that_touch_read_as_a_whole_blink_on_every_face(head: OpenHead, seed: int) -> None:
    """Where they touch is searched on the posed mesh: 0.57 to 0.73 of the head's own blink."""
    rng = np.random.default_rng(seed)
    solver, identity = Solver(head), rng.normal(0.0, 0.8, 60)
    solver.become(identity)
    expression = _weights(eyeSquintLeft=0.5 * (seed % 2), mouthSmileLeft=0.4)
    shut = [_shut_at(head, identity, expression, side) for side in ("Left", "Right")]
    for share in (1.0, 0.5):
        lids = _weights(eyeBlinkLeft=share * shut[0], eyeBlinkRight=share * shut[1])
        state = solver.rest(np.eye(4))
        state = replace(state, expression=expression + lids)
        shapes = retarget(
            state.expression, BLENDSHAPE_NAMES, AHEAD, PLAIN, touching=solver.touching(state)
        )
        # The lids are pressed together by 0.3 mm in what the renderer calls shut.
        assert shapes["eyeBlinkLeft"] == pytest.approx(share, abs=0.06)
        assert shapes["eyeBlinkRight"] == pytest.approx(share, abs=0.06)
        sent = retarget(
            state.expression,
            BLENDSHAPE_NAMES,
            AHEAD,
            RetargetSettings(yields=()),
            touching=solver.touching(state),
        )
        assert share == 0.5 or min(sent["eyeBlinkLeft"], sent["eyeBlinkRight"]) > 0.97


def test_a_weight_is_as_unsure_as_its_reading_after_gain_dead_zone_and_lids() -> None:
    """Finite differences of `retarget` itself, one shape at a time."""
    names = BLENDSHAPE_NAMES
    at = {"eyeBlinkLeft": 0.3, "jawOpen": 0.4}
    by = {"eyeBlinkLeft": 0.06, "eyeBlinkRight": 0.03, "jawOpen": 0.02, "mouthFunnel": 0.1}
    shapes = (ShapeResponse("jawOpen", dead=0.1, gain=1.5), ShapeResponse("mouthFunnel", dead=0.3))
    settings = RetargetSettings(shapes=shapes, yields=(), at_most=())
    expression, touching = np.array([at.get(n, 0.0) for n in names]), np.array([0.6, 0.6])
    said = Deviations(
        np.zeros(6),
        np.array([by.get(n, 0.0) for n in names]),
        np.array([[0.07, 0.0], [0.0, 0.0]]),
        np.zeros(3),
    )
    head = HeadState(
        np.eye(4),
        expression,
        np.zeros((2, 2)),
        np.zeros(3),
        np.zeros((1, 2)),
        np.zeros((1, 3)),
        1.0,
        said,
    )
    sd = weight_deviations(head, names, settings, None, touching)
    assert sd is not None
    by_name = dict(zip(BLENDSHAPE_NAMES, sd, strict=True))
    assert by_name["eyeBlinkLeft"] == pytest.approx(0.06 / 0.6)
    assert by_name["eyeBlinkRight"] == pytest.approx(0.03 / 0.6), "it can only be more than 0"

    def jaw(value: float) -> float:
        moved = expression.copy()
        moved[names.index("jawOpen")] = value
        return retarget(moved, names, AHEAD, settings, touching=touching)["jawOpen"]

    assert by_name["jawOpen"] == pytest.approx(jaw(0.42) - jaw(0.4), abs=1e-9)
    assert by_name["mouthFunnel"] == 0.0, "a tenth does not leave the dead zone"
    out = dict(settings.look_limits_rad)["Out"]
    assert by_name["eyeLookOutLeft"] == pytest.approx(0.07 / out)
    assert by_name["browInnerUp"] == 0.0


def test_a_head_that_lacks_a_shape_reads_the_others_where_they_belong() -> None:
    names = tuple(n if n != "cheekPuff" else "wiggle" for n in reversed(BLENDSHAPE_NAMES))
    expression = np.linspace(0.1, 0.9, len(names))
    read = readings(expression, names, AHEAD)
    by_name = dict(zip(names, expression, strict=True))
    for name, value in zip(BLENDSHAPE_NAMES, read, strict=True):
        if not name.startswith("eyeLook"):
            assert value == by_name.get(name, 0.0), name
