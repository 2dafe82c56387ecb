"""Blendshapes out of a fit, and settings that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import ConfigError
from engine.fit.heads import open_head
from engine.fit.retarget import RetargetSettings, retarget
from engine.fit.settings import FitSettings, per_shape
from engine.training.portraits.lids import closing
from engine.types import BLENDSHAPE_NAMES


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
    settings = RetargetSettings(gains=(("jawOpen", 2.0), ("tongueOut", 0.5)))
    shapes = retarget(expression, names, np.zeros((2, 2)), settings)
    by_name = dict(zip(names, expression, strict=True))
    assert shapes["cheekPuff"] == pytest.approx(by_name["cheekPuff"])
    assert shapes["jawOpen"] == pytest.approx(min(1.0, 2 * by_name["jawOpen"]))
    assert shapes["tongueOut"] == pytest.approx(0.5 * by_name["tongueOut"])


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: RetargetSettings(gains=(("jawOpne", 1.0),)), "jawOpne"),
        (lambda: RetargetSettings(gains=(("jawOpen", -1.0),)), "jawOpen"),
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


def test_lids_that_touch_read_as_a_whole_blink() -> None:
    """Where the lids touch is measured on the mesh, by code that the fit does not use."""
    head, rng = open_head.load(), np.random.default_rng(4)
    identities = [np.zeros(60), *(rng.normal(0.0, 0.8, (4, 60)))]
    for identity in identities:
        left, right = closing(head, identity, np.zeros(len(BLENDSHAPE_NAMES)))
        expression = np.zeros(len(BLENDSHAPE_NAMES))
        expression[BLENDSHAPE_NAMES.index("eyeBlinkLeft")] = left
        expression[BLENDSHAPE_NAMES.index("eyeBlinkRight")] = right
        shapes = retarget(expression, BLENDSHAPE_NAMES, np.zeros((2, 2)))
        assert shapes["eyeBlinkLeft"] > 0.84
        assert shapes["eyeBlinkRight"] > 0.84
