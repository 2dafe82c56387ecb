"""The fit of one frame: its derivatives, its bounds, and what it recovers."""

from __future__ import annotations

from dataclasses import replace

import fit_scene
import numpy as np
import pytest
import slow_head
from fit_scene import INTRINSICS
from scipy.optimize import lsq_linear

from engine.errors import ConfigError
from engine.fit.bounded import minimise_bounded
from engine.fit.heads.open_head import OpenHead
from engine.fit.residuals import Measurement
from engine.fit.settings import FitSettings
from engine.fit.solver import FitState, Past, Solver
from engine.fit.start import first_state


def _plain(head: OpenHead) -> Solver:
    """Rows weighted by 1: every vertex counts, and no residual is doubted."""
    return Solver(
        head, FitSettings(student_dof=1e12, hidden_share=1.0, sigma_floor_share=0.0, damping=0.0)
    )


def test_jacobian_agrees_with_finite_differences_of_the_obvious_loop(head: OpenHead) -> None:
    solver, rng = _plain(head), np.random.default_rng(0)
    person = rng.normal(size=60)
    solver.become(person)
    expression = rng.uniform(0.1, 0.6, 52)
    state = FitState(
        fit_scene.state_at(head, (0.2, -0.3, 0.1), (0.03, -0.02, 0.5)).camera_from_head,
        expression,
        np.array([[0.2, -0.1], [0.1, 0.15]]),
        np.array([0.1, -0.2, 0.05]),
    )
    jointed = np.flatnonzero(solver.chosen.skin.max(axis=1) > 0)
    tested = np.concatenate([rng.choice(jointed, 7), rng.choice(1000, 3)])
    count = len(solver.chosen.vertex)
    measurement = Measurement(np.zeros((count, 2)), np.ones(count), np.ones(count))
    rows = solver.linearised(measurement, INTRINSICS, state)
    jacobian = rows.jacobian.astype(np.float64).reshape(count, 2, -1)[tested]

    def pixels(step: np.ndarray) -> np.ndarray:
        # `moved` clips, and nothing here comes near a bound.
        at = state.moved(step)
        return np.array(
            [
                slow_head.pixel(
                    slow_head.vertex(head, int(vertex), person, at.expression, at.gaze, at.neck),
                    at.camera_from_head,
                    INTRINSICS,
                )
                for vertex in solver.chosen.vertex[tested]
            ]
        )

    reach = 1e-5
    for column in range(jacobian.shape[2]):
        step = np.zeros(jacobian.shape[2])
        step[column] = reach
        expected = (pixels(step) - pixels(-step)) / (2 * reach)
        np.testing.assert_allclose(
            jacobian[:, :, column],
            expected,
            atol=1e-4 * max(1.0, float(np.abs(expected).max())),
            err_msg=f"column {column}",
        )


@pytest.mark.parametrize("seed", range(20))
def test_bounded_minimum_agrees_with_scipy(seed: int) -> None:
    """And its Karush-Kuhn-Tucker conditions hold: no free slope, none that points inwards."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(80, 40)) * np.geomspace(1, 30, 40)
    target = rows @ rng.normal(0.3, 0.8, 40) + rng.normal(size=80)
    low, high = -rng.uniform(0, 0.5, 40), rng.uniform(0, 1, 40)
    low[:5], high[:5] = -np.inf, np.inf
    hessian, gradient = rows.T @ rows, -rows.T @ target
    ours = minimise_bounded(hessian, gradient, low, high)
    theirs = lsq_linear(rows, target, (low, high), method="bvls", tol=1e-14).x
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert ((ours >= low) & (ours <= high)).all()
    slope = hessian @ ours + gradient
    tolerance = 1e-7 * np.abs(gradient).max()
    assert (np.abs(slope[(ours > low) & (ours < high)]) < tolerance).all()
    assert (slope[ours <= low] > -tolerance).all()
    assert (slope[ours >= high] < tolerance).all()


def _errors(head: OpenHead, own_px: float, common_px: float) -> np.ndarray:
    """Mean coefficient error, vertex error (mm), gaze error (rad) over some random faces."""
    # The priors of the product hold real people; here the truth is drawn uniformly.
    solver = Solver(head, FitSettings(expression_sigma=(("", 1.0),), exclusive=(), symmetric=()))
    face, rng, errors = fit_scene.face_vertices(head), np.random.default_rng(1), []
    for _ in range(6):
        truth = fit_scene.random_state(head, rng)
        seen = fit_scene.seen(head, np.zeros(60), truth, rng, own_px, common_px)
        measurement = solver.measured(seen)
        start = first_state(solver, measurement, INTRINSICS)
        assert start is not None
        found = solver.solve(measurement, INTRINSICS, start, steps=12)
        off = np.linalg.norm(solver.vertices(found) - solver.vertices(truth), axis=1)[face]
        errors.append(
            [
                np.abs(found.expression - truth.expression).mean(),
                1e3 * off.mean(),
                np.abs(found.gaze - truth.gaze).mean(),
            ]
        )
    return np.mean(errors, axis=0)


def test_exact_points_give_back_the_face(head: OpenHead) -> None:
    coefficient, vertex_mm, gaze = _errors(head, 0.0, 0.0)
    assert coefficient < 0.03
    assert vertex_mm < 0.2
    assert gaze < 0.01


def test_noise_costs_no_more_than_known(head: OpenHead) -> None:
    """Source: findings.md, fit: 0.05 a coefficient and 0.4-0.7 mm at 0.5 px own, 0.7 px common."""
    coefficient, vertex_mm, gaze = _errors(head, 0.5, 0.7)
    assert coefficient < 0.08
    assert vertex_mm < 0.9
    assert gaze < 0.05


def test_coefficients_keep_their_bounds_where_the_points_ask_for_more(solver: Solver) -> None:
    head = solver.head
    truth = fit_scene.state_at(head, jawOpen=1.0)
    truth = replace(truth, expression=truth.expression * 1.3)
    points = fit_scene.projected(head, np.zeros(60), truth)
    measurement = solver.measured(fit_scene.alignment(points, 0.3))
    start = solver.rest(truth.camera_from_head)
    found = solver.solve(measurement, INTRINSICS, start, steps=12)
    assert found.expression.max() == 1.0
    assert found.expression.min() == 0.0
    assert found.expression[head.expression_names.index("jawOpen")] == 1.0


def test_a_gross_error_of_a_fifth_of_the_points_hardly_matters(solver: Solver) -> None:
    head, rng = solver.head, np.random.default_rng(2)
    truth = fit_scene.state_at(head, (0.1, 0.2, 0.0), jawOpen=0.5, mouthSmileLeft=0.6)
    points = fit_scene.projected(head, np.zeros(60), truth)
    points[rng.uniform(size=len(points)) < 0.2] += (25.0, -10.0)
    measurement = solver.measured(fit_scene.alignment(points, 0.5))
    start = first_state(solver, measurement, INTRINSICS)
    assert start is not None
    found = solver.solve(measurement, INTRINSICS, start, steps=15)
    face = fit_scene.face_vertices(head)
    off = (fit_scene.projected(head, np.zeros(60), found) - points)[face]
    assert np.median(np.linalg.norm(off, axis=1)) < 0.6


def test_two_warm_steps_land_where_many_do(solver: Solver) -> None:
    head, rng = solver.head, np.random.default_rng(3)
    before = fit_scene.state_at(head, jawOpen=0.3, eyeBlinkLeft=0.2, mouthSmileLeft=0.4)
    now = fit_scene.state_at(
        head, (0.02, 0.03, 0), (0.003, 0, 0.55), jawOpen=0.45, eyeBlinkLeft=0.7, mouthSmileLeft=0.4
    )
    measurement = solver.measured(fit_scene.seen(head, np.zeros(60), now, rng))
    few = solver.solve(measurement, INTRINSICS, before, steps=2)
    many = solver.solve(measurement, INTRINSICS, before, steps=15)
    assert np.abs(few.expression - many.expression).max() < 0.05
    # Not the eyeball behind the shutting lid: what it is told fades step by step.
    face = fit_scene.face_vertices(head)
    moved = np.linalg.norm(solver.vertices(few) - solver.vertices(many), axis=1)[face]
    assert 1e3 * moved.max() < 0.5


@pytest.mark.parametrize(
    ("turn_rad", "jaw_open", "steps"), [(0.02, 0.1, 2), (0.02, 0.8, 3), (0.15, 0.1, 3)]
)
def test_a_face_that_moves_far_takes_a_step_more(
    solver: Solver, turn_rad: float, jaw_open: float, steps: int
) -> None:
    head, rng = solver.head, np.random.default_rng(5)
    before = fit_scene.state_at(head, (0, 0, 0), (0, 0, 0.55))
    now = fit_scene.state_at(head, (0, turn_rad, 0), (0, 0, 0.55), jawOpen=jaw_open)
    measurement = solver.measured(fit_scene.seen(head, np.zeros(60), now, rng))
    past = Past(before, 1 / 30)
    usual = solver.solve(measurement, INTRINSICS, before, past)
    for count in (2, 3):
        counted = solver.solve(measurement, INTRINSICS, before, past, steps=count)
        assert np.array_equal(usual.expression, counted.expression) == (count == steps)
        assert np.array_equal(usual.camera_from_head, counted.camera_from_head) == (count == steps)


def test_the_past_holds_jitter_and_lets_a_blink_go(solver: Solver) -> None:
    head, rng = solver.head, np.random.default_rng(4)
    rest = fit_scene.state_at(head)
    held, free = [], []
    for _ in range(8):
        measurement = solver.measured(fit_scene.seen(head, np.zeros(60), rest, rng))
        past = Past(rest, 1 / 30)
        held.append(solver.solve(measurement, INTRINSICS, rest, past).expression)
        free.append(solver.solve(measurement, INTRINSICS, rest).expression)
    assert np.mean(held) < 0.7 * np.mean(free)
    blink = fit_scene.state_at(head, eyeBlinkLeft=0.9, eyeBlinkRight=0.9)
    measurement = solver.measured(fit_scene.seen(head, np.zeros(60), blink, rng))
    found = solver.solve(measurement, INTRINSICS, rest, Past(rest, 1 / 30))
    assert found.expression[head.expression_names.index("eyeBlinkLeft")] > 0.65


def test_vertices_that_the_network_did_not_see_are_left_out(solver: Solver) -> None:
    head = solver.head
    truth = fit_scene.state_at(head, (0, 0.2, 0), jawOpen=0.4)
    points = fit_scene.projected(head, np.zeros(60), truth)
    sigma, anchors = np.full(len(points), 0.3), np.arange(len(points), dtype=np.int32)
    points[::3] = np.nan
    seen = fit_scene.alignment(points, 0.3)
    some = replace(seen, points_px=points[600:], sigma_px=sigma[600:], anchors=anchors[600:])
    measurement = solver.measured(some)
    missing = (solver.chosen.vertex < 600) | (solver.chosen.vertex % 3 == 0)
    assert (measurement.information[missing] == 0).all()
    start = first_state(solver, measurement, INTRINSICS)
    assert start is not None
    found = solver.solve(measurement, INTRINSICS, start, steps=12)
    off = np.linalg.norm(solver.vertices(found) - solver.vertices(truth), axis=1)
    assert 1e3 * np.median(off) < 0.5


def test_a_vertex_of_an_eyeball_counts_more_than_one_of_the_face(head: OpenHead) -> None:
    usual, alike = (Solver(head, FitSettings(eyeball_weight=share)).chosen for share in (4.0, 1.0))
    ball = head.in_regions("eyeball_left", "eyeball_right")[usual.vertex]
    assert ball.sum() > 20
    np.testing.assert_allclose(usual.information[ball], 4.0 * alike.information[ball])
    np.testing.assert_array_equal(usual.information[~ball], alike.information[~ball])


def test_a_weight_below_zero_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"fit\.eyeball_weight: -1\.0"):
        FitSettings(eyeball_weight=-1.0)
    with pytest.raises(ConfigError, match=r"fit\.far_turn_rad: 0\.0"):
        FitSettings(far_turn_rad=0.0)
