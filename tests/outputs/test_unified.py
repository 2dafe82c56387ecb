"""Unified Expressions: the documented table and the documented binary form, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.outputs import _unified
from engine.types import BLENDSHAPE_NAMES, Blendshapes


def _shapes(sides: tuple[float, ...] | None = None, **given: float) -> Blendshapes:
    weights = np.array([given.get(name, 0.0) for name in BLENDSHAPE_NAMES])
    return Blendshapes(weights, None if sides is None else np.array(sides))


def test_sides_stay_the_subjects_own() -> None:
    values = _unified.base(_shapes(mouthLeft=0.6, browDownRight=0.4, jawLeft=0.3))
    assert {name: value for name, value in values.items() if value} == {
        "MouthUpperLeft": 0.6,
        "MouthLowerLeft": 0.6,
        "BrowPinchRight": 0.4,
        "BrowLowererRight": 0.4,
        "JawLeft": 0.3,
    }


def test_halves_that_are_told_apart_are_sent_apart() -> None:
    values = _unified.base(_shapes((0.1, 0.9, 0.3, 0.7), browInnerUp=0.5, cheekPuff=0.5))
    got = [values[n] for n in ("BrowInnerUpLeft", "BrowInnerUpRight")]
    got += [values[n] for n in ("CheekPuffLeft", "CheekPuffRight")]
    assert got == [0.1, 0.9, 0.3, 0.7]


def test_upper_lip_is_sucked_in_unless_it_is_drawn_up() -> None:
    values = _unified.base(_shapes(mouthRollUpper=0.8, mouthUpperUpLeft=0.015625))
    assert values["LipSuckUpperRight"] == pytest.approx(0.8)
    assert values["LipSuckUpperLeft"] == pytest.approx(0.5)  # 1 - (2 ** -6) ** (1 / 6)


@pytest.mark.parametrize(
    ("value", "signed", "expected"),
    [(0.0, False, "000"), (0.3, False, "010"), (0.7, False, "101"), (1.0, False, "111"),
     (-0.7, False, "000"), (-0.7, True, "101")],
)  # fmt: skip
def test_binary_form(value: float, signed: bool, expected: str) -> None:
    got = _unified.bits(value, 3, signed=signed)
    assert "".join(str(int(bit)) for bit in reversed(got)) == expected
