"""The deviations that a fit states against how its values really scatter."""

from __future__ import annotations

from dataclasses import replace

import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS
from scipy.integrate import quad

from engine.fit.deviations import GROUPS, Sureness, _bounded_variance, groups_of, usual_noise
from engine.fit.heads.open_head import OpenHead
from engine.fit.noise import NoiseModel
from engine.fit.settings import FitSettings
from engine.fit.solver import FitState, Solver
from engine.types import Deviations

OWN_PX, SHARED_PX, SIGMA_PX = 0.3, 0.8, 1.0


def _flat(sd: Deviations) -> np.ndarray:
    return np.concatenate([sd.pose, sd.gaze.ravel(), sd.neck, sd.expression])


@pytest.fixture(scope="module")
def noise(head: OpenHead) -> NoiseModel:
    """Eight smooth patterns over the face, and own errors."""
    rng = np.random.default_rng(1)
    patterns = np.cos(head.neutral @ rng.normal(0, 15, (3, 8)) + rng.uniform(0, 6, 8))
    patterns *= SHARED_PX / np.sqrt((patterns**2).sum(axis=1, keepdims=True))
    count = len(head.neutral)
    own = np.full(count, OWN_PX**2, np.float32)
    return NoiseModel(patterns.astype(np.float32), own, 1e-6, np.zeros(8), np.ones(8))


def test_values_scatter_as_they_say_under_errors_that_neighbours_share(
    head: OpenHead, noise: NoiseModel
) -> None:
    """Many fits of one face, its points off by errors drawn from the stated covariance."""
    wide = FitSettings(expression_sigma=(("", 1.0),), exclusive=(), symmetric=(), student_dof=1e9)
    solver, rng = Solver(head, wide), np.random.default_rng(0)
    sure = Sureness(solver, noise)
    truth = fit_scene.state_at(head, (0.1, 0.2, 0.0), gaze=(0.1, 0.05))
    truth = replace(truth, expression=np.full(len(head.expression_names), 0.4))
    exact = fit_scene.projected(head, np.zeros(60), truth)
    found, stated = [], []
    for _ in range(60):
        error = noise.modes @ rng.normal(size=(8, 2)) + OWN_PX * rng.normal(size=exact.shape)
        measurement = solver.measured(fit_scene.alignment(exact + error, SIGMA_PX))
        state = solver.solve(measurement, INTRINSICS, truth, steps=3)
        found.append(state.change_since(truth))
        stated.append(_flat(sure.of(measurement.sigma, state, None)))
    scatter, said = np.std(found, axis=0), np.mean(stated, axis=0)
    group = np.array(groups_of(head.expression_names))
    for name in ("rotation", "shift", "gaze"):
        ratio = scatter[group == name] / said[group == name]
        # Below 1 where the prior holds: it counts as an error too, and this truth is one.
        assert 0.5 < np.median(ratio) < 1.35, name
    # The inverse Hessian alone would take a thousand points for a thousand witnesses.
    seen, _ = solver.picture
    naive = np.sqrt(np.diag(np.linalg.inv(seen + np.eye(len(seen)))))
    assert np.median(scatter[:3] / naive[:3]) > 1.4


def test_what_is_hardly_seen_is_unsure(head: OpenHead, noise: NoiseModel) -> None:
    solver = Solver(head)
    sure, truth = Sureness(solver, noise), fit_scene.state_at(head, jawOpen=0.4)
    points = fit_scene.projected(head, np.zeros(60), truth)
    said = {}
    for sigma_px in (0.5, 20.0):
        measurement = solver.measured(fit_scene.alignment(points, sigma_px))
        state = solver.solve(measurement, INTRINSICS, truth, steps=2)
        said[sigma_px] = sure.of(measurement.sigma, state, None)
    jaw = head.expression_names.index("jawOpen")
    assert said[20.0].expression[jaw] > 4 * said[0.5].expression[jaw]
    assert said[20.0].pose[0] > 4 * said[0.5].pose[0]
    # But no surer or less sure than its prior, which knows a shape to about 0.8.
    assert said[20.0].expression[jaw] < 1.2


@pytest.mark.parametrize("slope", [1e-6, 0.5, 2.0, 50.0])
def test_a_shape_at_its_bound_is_off_to_one_side(head: OpenHead, slope: float) -> None:
    """The second moment of a Gaussian cut at its bound, integrated."""
    curvature, count = 4.0, len(head.expression_names)
    state = FitState(np.eye(4), np.zeros(count), np.zeros((2, 2)), np.zeros(3))

    def density(x: float) -> float:
        return float(np.exp(-curvature * x * x / 2 - slope * x))

    reach = 12.0 / max(np.sqrt(curvature), slope)
    expected = quad(lambda x: x * x * density(x), 0, reach)[0] / quad(density, 0, reach)[0]
    slopes = np.full(13 + count, slope)
    ours = _bounded_variance(state, np.full(13 + count, 1 / curvature), slopes)
    np.testing.assert_allclose(ours[13:], expected, rtol=0.05)
    np.testing.assert_allclose(ours[:13], 1 / curvature)
    away = _bounded_variance(state, np.full(13 + count, 1 / curvature), -slopes)
    np.testing.assert_allclose(away, 1 / curvature)


def test_factors_are_applied_by_group(head: OpenHead, noise: NoiseModel) -> None:
    solver = Solver(head)
    truth = fit_scene.state_at(head, jawOpen=0.4)
    points = fit_scene.projected(head, np.zeros(60), truth)
    measurement = solver.measured(fit_scene.alignment(points, 1.0))
    state = solver.solve(measurement, INTRINSICS, truth)
    scaled = replace(noise, scale=1.0 + np.arange(8.0))
    plain, ours = (
        _flat(Sureness(solver, one).of(measurement.sigma, state, None)) for one in (noise, scaled)
    )
    expected = [1.0 + GROUPS.index(name) for name in groups_of(head.expression_names)]
    np.testing.assert_allclose(ours / plain, expected, rtol=1e-9)
    shapes = groups_of(("eyeBlinkLeft", "jawOpen", "noseSneerLeft"))[13:]
    assert shapes == ["lids", "mouth", "others"]


def test_a_network_that_was_not_measured_errs_as_networks_do(head: OpenHead) -> None:
    vertices = np.arange(0, len(head.neutral), 7)
    noise = usual_noise(head, vertices)
    modes = noise.modes[vertices].astype(float)
    covariance = modes @ modes.T + np.diag(noise.own[vertices])
    np.testing.assert_allclose(np.diag(covariance), 1.0, atol=0.2)
    distance = np.linalg.norm(head.neutral[vertices, None] - head.neutral[None, vertices], axis=2)
    near = covariance[(distance > 0.018) & (distance < 0.022)].mean()
    assert near == pytest.approx(0.85 * np.exp(-0.020 / 0.023), abs=0.08)


def test_a_network_that_errs_more_is_less_sure_of_a_shape_at_rest(
    head: OpenHead, noise: NoiseModel
) -> None:
    """Four times the error: four times as unsure; up to sixteen times, held against a bound."""
    solver = Solver(head, FitSettings(expression_sigma=(("", 30.0),), exclusive=(), symmetric=()))
    truth = fit_scene.state_at(head, (0.1, 0.2, 0.0))
    opened = fit_scene.projected(head, np.zeros(60), fit_scene.state_at(head, mouthClose=0.6))
    rest = fit_scene.projected(head, np.zeros(60), truth)
    closed = fit_scene.projected(head, np.zeros(60), fit_scene.state_at(head))
    points = rest - 0.5 * (opened - closed)  # as if the shape were below zero
    measurement = solver.measured(fit_scene.alignment(points, 1.0))
    state = solver.solve(measurement, INTRINSICS, truth, steps=6)
    none = replace(noise, modes=np.zeros_like(noise.modes))
    louder = replace(none, own=16.0 * none.own)
    sd, more = (
        Sureness(solver, one).of(measurement.sigma, state, None).expression
        for one in (none, louder)
    )
    held = head.expression_names.index("mouthClose")
    assert state.expression[held] == 0.0
    assert 6.0 < more[held] / sd[held] < 16.5
