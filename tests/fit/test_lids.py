"""An eye that is badly seen does what the other one does; a wink is left alone."""

from __future__ import annotations

from dataclasses import replace

import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS

from engine.fit.heads.open_head import OpenHead
from engine.fit.lids import Lids
from engine.fit.residuals import EXPRESSION_START, Carried
from engine.fit.retarget import retarget
from engine.fit.settings import FitSettings
from engine.fit.solver import FitState, Past, Solver
from engine.types import Alignment

SIDES = ("Left", "Right")
NO_BALLS = (np.zeros(0, np.intp), np.zeros(0, np.intp))


def _seen(head: OpenHead, state: FitState, blind: str | None) -> Alignment:
    """The truth, but around one eye an open one, about which the network is quite unsure."""
    rest = fit_scene.state_at(head)
    points = fit_scene.projected(head, np.zeros(60), state)
    if blind is None:
        return fit_scene.alignment(points, 0.5)
    left = head.neutral[:, 0] > 0
    around = head.in_regions("eyes") & (left if blind == "Left" else ~left)
    points[around] = fit_scene.projected(head, np.zeros(60), rest)[around]
    sigma = np.where(around, 6.0, 0.5)
    return Alignment(points, sigma, np.arange(len(points), dtype=np.int32))


@pytest.mark.parametrize("blind", ["Left", "Right"])
def test_a_hidden_eye_blinks_with_the_other_at_once(head: OpenHead, blind: str) -> None:
    solver = Solver(head)
    shapes = [head.expression_names.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    hidden = shapes[0] if blind == "Left" else shapes[1]
    state = fit_scene.state_at(head)
    readings = []
    for blink in (0.0, 0.0, 0.6, 0.6, 0.0, 0.0):
        truth = fit_scene.state_at(head, eyeBlinkLeft=blink, eyeBlinkRight=blink)
        measurement = solver.measured(_seen(head, truth, blind))
        state = solver.solve(measurement, INTRINSICS, state, Past(state, 1 / 30))
        readings.append(state.expression[hidden])
    assert max(readings[0], readings[1]) < 0.1
    assert min(readings[2], readings[3]) > 0.4
    assert max(readings[4], readings[5]) < 0.15


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_wink_that_is_seen_stays_on_its_side(head: OpenHead, side: str) -> None:
    solver = Solver(head)
    other = "Right" if side == "Left" else "Left"
    truth = fit_scene.state_at(head, **{f"eyeBlink{side}": 0.65})
    rest = fit_scene.state_at(head)
    measurement = solver.measured(_seen(head, truth, None))
    found = solver.solve(measurement, INTRINSICS, rest, Past(rest, 1 / 30), steps=4)
    assert found.expression[head.expression_names.index(f"eyeBlink{side}")] > 0.58
    assert found.expression[head.expression_names.index(f"eyeBlink{other}")] < 0.05


def test_the_tie_is_the_derivative_of_its_charge(head: OpenHead) -> None:
    lids = Lids(head.expression_names, FitSettings(wink_sigma=0.5, unseen_lid_sigma=0.1), NO_BALLS)
    values = np.random.default_rng(0).uniform(0, 1, 65)
    left, right = lids.columns
    squints = [EXPRESSION_START + head.expression_names.index(f"eyeSquint{s}") for s in SIDES]
    seen, firm = np.array([1.0, 0.4]), 0.6 / 0.01
    charge = 0.4 / 0.25 + firm

    def energy(at: np.ndarray) -> float:
        squint = firm * (at[squints[0]] - at[squints[1]]) ** 2
        return 0.5 * charge * (at[left] - at[right]) ** 2 + 0.5 * squint

    curved, slope = np.zeros((65, 65)), np.zeros(65)
    lids.tie(seen, values, curved, slope)
    for column in (left, right, *squints, EXPRESSION_START):
        step = 1e-3 * np.eye(65)[column]
        expected = (energy(values + step) - energy(values - step)) / 2e-3
        assert slope[column] == pytest.approx(expected, abs=1e-6)
    difference = np.random.default_rng(1).normal(size=65)
    assert difference @ curved @ difference == pytest.approx(2 * energy(difference), rel=1e-9)
    np.testing.assert_allclose(lids.held(np.ones(65), seen)[[left, right]], [1.0, 0.4])
    np.testing.assert_allclose(lids.held(np.ones(65), seen)[squints], [1.0, 0.4])


def test_an_eye_is_seen_by_the_alignment_alone(head: OpenHead) -> None:
    """What was carried over is as sure of both; the alignment hardly sees the right eye."""
    solver, rest = Solver(head), fit_scene.state_at(head)
    measurement = solver.measured(_seen(head, rest, "Right"))
    count = len(measurement.sigma)
    still = Carried(measurement.points, np.full(count, 0.2), np.full(count, 5.0))
    lids = Lids(head.expression_names, FitSettings(), NO_BALLS)
    rows = solver.linearised(measurement, INTRINSICS, rest)
    alone = lids.seen(rows)
    information = np.square(rows.jacobian[:, lids.columns]).sum(axis=0)
    np.testing.assert_allclose(alone, information / information.max(), rtol=1e-4)
    assert alone[1] < 0.02
    np.testing.assert_allclose(
        lids.seen(solver.linearised(measurement, INTRINSICS, rest, still)), alone, rtol=1e-3
    )


def _iris_aside(head: OpenHead, state: FitState, yaw: float) -> Alignment:
    """The truth, but the left eyeball's points are those of an eye that looks aside."""
    points = fit_scene.projected(head, np.zeros(60), state)
    aside = fit_scene.projected(
        head, np.zeros(60), replace(state, gaze=np.array([[yaw, 0.0], [yaw, 0.0]]))
    )
    ball = head.in_regions("eyeball_left")
    points[ball] = aside[ball]
    return fit_scene.alignment(points, 0.5)


@pytest.mark.parametrize(("blink", "turns"), [(0.0, True), (1.0, False)])
def test_an_iris_behind_a_shut_lid_says_nothing(head: OpenHead, blink: float, turns: bool) -> None:
    solver = Solver(head)
    rest = fit_scene.state_at(head)
    left, right = blink * solver.touching(rest)
    state = fit_scene.state_at(head, eyeBlinkLeft=left, eyeBlinkRight=right)
    measurement = solver.measured(_iris_aside(head, state, 0.3))
    found = solver.solve(measurement, INTRINSICS, state, Past(state, 1 / 30), steps=6)
    assert (found.gaze[0, 0] > 0.15) == turns
    assert abs(found.gaze[0, 0]) < 0.05 or turns


def test_eyes_that_nobody_sees_converge_a_little(head: OpenHead) -> None:
    """To something a metre off: 62 mm between the pupils."""
    solver = Solver(head)
    rest = fit_scene.state_at(head)
    nothing = solver.measured(fit_scene.seen(head, np.zeros(60), rest, np.random.default_rng(0)))
    blind = nothing._replace(information=np.zeros_like(nothing.information))
    gaze = solver.solve(blind, INTRINSICS, rest, steps=3).gaze
    assert gaze[1, 0] - gaze[0, 0] == pytest.approx(0.06, abs=0.01)
    assert gaze[0, 0] == pytest.approx(-gaze[1, 0], abs=1e-6)


@pytest.mark.parametrize("pitch", [0.2, 0.4])
def test_looking_down_is_no_blink(head: OpenHead, pitch: float) -> None:
    """Lids follow: the head's eyeLookDown takes them along, as in training."""
    down = {f"eyeLookDown{side}": pitch / 0.61 for side in ("Left", "Right")}
    truth = fit_scene.state_at(head, gaze=(0.0, pitch), **down)
    solver, rng = Solver(head), np.random.default_rng(3)
    measurement = solver.measured(fit_scene.seen(head, np.zeros(60), truth, rng, 0.3, 0.3))
    found = solver.solve(measurement, INTRINSICS, fit_scene.state_at(head), steps=10)
    sent = retarget(
        found.expression, head.expression_names, found.gaze, touching=solver.touching(found)
    )
    assert max(sent["eyeBlinkLeft"], sent["eyeBlinkRight"]) < 0.12
    assert sent["eyeLookDownLeft"] == pytest.approx(pitch / 0.61, abs=0.12)


def test_squint_and_wide_are_not_blinks(head: OpenHead) -> None:
    """Squint raises the lower lid, wide lifts the upper one: each reads as itself alone."""
    solver = Solver(head)
    for name, others in (("eyeSquint", "eyeWide"), ("eyeWide", "eyeSquint")):
        truth = fit_scene.state_at(head, **{f"{name}Left": 0.9, f"{name}Right": 0.9})
        seen = fit_scene.seen(head, np.zeros(60), truth, np.random.default_rng(4), 0.2, 0.2)
        start = fit_scene.state_at(head)
        found = solver.solve(solver.measured(seen), INTRINSICS, start, steps=10)
        sent = retarget(
            found.expression, head.expression_names, found.gaze, touching=solver.touching(found)
        )
        for side in ("Left", "Right"):
            assert sent[f"{name}{side}"] > 0.6
            assert sent[f"{others}{side}"] < 0.1
            assert sent[f"eyeBlink{side}"] < 0.15
