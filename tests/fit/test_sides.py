"""Brows and cheeks that move on one side alone, though ARKit has one shape for both."""

from __future__ import annotations

import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS

from engine.fit import skinning
from engine.fit.heads.open_head import OpenHead
from engine.fit.retarget import RetargetSettings, retarget
from engine.fit.settings import FitSettings
from engine.fit.sides import SPLIT_NAMES, halves, left_share, merged, shares, split, spread
from engine.fit.solver import Solver
from engine.fit.start import first_state
from engine.fit.traits import guess_of
from engine.types import BLENDSHAPE_NAMES, SIDE_NAMES, FaceTraits

AHEAD = np.zeros((2, 2))


def test_names_say_which_half_is_where(head: OpenHead) -> None:
    names = split(head).expression_names
    assert len(names) == 54
    assert [name for name in names if name in SIDE_NAMES] == [
        "browInnerUpLeft", "cheekPuffLeft", "browInnerUpRight", "cheekPuffRight",
    ]  # fmt: skip
    for name in set(names) & set(BLENDSHAPE_NAMES):
        assert names.index(name) == BLENDSHAPE_NAMES.index(name)
    values = np.arange(54.0)
    parts = halves(values)
    assert parts is not None
    assert [float(values[names.index(name)]) for name in SIDE_NAMES] == parts.tolist()


def test_both_halves_together_are_the_shape(head: OpenHead) -> None:
    """On the posed mesh, and each half moves its own side alone but for a band in the middle."""
    whole = np.random.default_rng(0).uniform(0, 1, 52)
    wide = split(head)
    person = np.zeros(60)
    a = skinning.vertices(head, person, whole, AHEAD, np.zeros(3))
    b = skinning.vertices(wide, person, spread(whole, 54), AHEAD, np.zeros(3))
    np.testing.assert_allclose(a, b, atol=1e-6)
    for name in SPLIT_NAMES:
        for side, sign in (("Left", -1), ("Right", 1)):
            far = sign * head.neutral[:, 0] > 0.012
            moved = wide.expression_basis[wide.expression_names.index(f"{name}{side}")]
            assert np.abs(moved[far]).max() == 0.0
            assert np.abs(moved).max() > 0.001


def test_the_mask_is_smooth_and_shares_everything() -> None:
    x = np.linspace(-0.03, 0.03, 601)
    left = left_share(np.column_stack([x, 0 * x, 0 * x]))
    np.testing.assert_allclose(left + left[::-1], 1.0, atol=1e-12)
    assert np.abs(np.diff(left, 2)).max() < 1e-3
    assert (np.diff(left) >= 0).all()
    assert left[0] == 0.0


def test_whole_shapes_survive_the_way_there_and_back() -> None:
    whole = np.random.default_rng(1).uniform(0, 1, 52)
    np.testing.assert_array_equal(merged(spread(whole, 54)), whole)
    np.testing.assert_array_equal(spread(whole, 52), whole)
    assert halves(whole) is None


@pytest.mark.parametrize("name", SPLIT_NAMES)
def test_one_side_alone_is_fitted_and_sent(head: OpenHead, name: str) -> None:
    """A raised left brow, a left cheek with air: the right one rests, the whole says half."""
    wide = split(head)
    solver = Solver(wide)
    truth = fit_scene.state_at(wide, (0.05, 0.1, 0.0), **{f"{name}Left": 0.9})
    seen = fit_scene.seen(wide, np.zeros(60), truth, np.random.default_rng(2), 0.2, 0.2)
    measurement = solver.measured(seen)
    start = first_state(solver, measurement, INTRINSICS)
    assert start is not None
    found = solver.solve(measurement, INTRINSICS, start, steps=12)
    plain = RetargetSettings(shapes=(), yields=(), at_most=())
    shapes = retarget(found.expression, wide.expression_names, found.gaze, plain)
    assert shapes.sides is not None
    sent = dict(zip(SIDE_NAMES, shapes.sides, strict=True))
    assert sent[f"{name}Left"] > 0.6
    assert sent[f"{name}Right"] < 0.25
    assert shapes[name] == pytest.approx((sent[f"{name}Left"] + sent[f"{name}Right"]) / 2)


def test_halves_answer_as_the_whole_and_give_way_with_it() -> None:
    expression = np.zeros(54)
    expression[BLENDSHAPE_NAMES.index("cheekPuff")] = 0.35  # the left half
    expression[53] = 0.35
    expression[BLENDSHAPE_NAMES.index("jawOpen")] = 0.3
    shapes = retarget(expression, _names(), AHEAD)
    assert shapes.sides is not None
    assert 0.2 < shapes["cheekPuff"] < 0.6
    np.testing.assert_allclose(shapes.sides[2:], shapes["cheekPuff"])


def _names() -> tuple[str, ...]:
    named = {"browInnerUp": "browInnerUpLeft", "cheekPuff": "cheekPuffLeft"}
    kept = tuple(named.get(name, name) for name in BLENDSHAPE_NAMES)
    return (*kept, "browInnerUpRight", "cheekPuffRight")


def test_what_a_network_says_of_a_whole_shape_counts_once() -> None:
    """Both halves at m + d cost what the whole would: 52 outputs still speak to 54 shapes."""
    mean, sigma = np.full(52, 0.4), np.full(52, 0.2)
    traits = FaceTraits(np.zeros(60), np.ones(60), mean, sigma, 0.0)
    wide, whole = guess_of(traits, 0.5, 54), guess_of(traits, 0.5)
    assert wide is not None
    assert whole is not None
    costs = [(g.information * (v - g.mean) ** 2).sum() for g, v in
             ((wide, np.full(54, 0.7)), (whole, np.full(52, 0.7)))]  # fmt: skip
    assert costs[0] == pytest.approx(costs[1])
    assert shares(52).sum() == 52


def test_a_head_with_whole_shapes_needs_no_other_settings(head: OpenHead) -> None:
    assert Solver(head, FitSettings()).priors.within.shape == (65, 65)
