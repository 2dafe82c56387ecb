"""The steps on tensors against the compiled loops, SciPy and OpenCV; and nothing asks the host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import fit_scene
import numpy as np
import pytest
import torch
from device_watch import OnlyOnDevice
from fit_scene import INTRINSICS
from scipy.optimize import lsq_linear

from engine.errors import ConfigError
from engine.fit.deviations import Sureness
from engine.fit.heads.open_head import OpenHead
from engine.fit.noise import NoiseModel
from engine.fit.residuals import Carried, Measurement
from engine.fit.settings import FitSettings
from engine.fit.sides import split
from engine.fit.solver import FitState, Past, Solver
from engine.fit.start import first_state
from engine.fit.tensors import frame, turning
from engine.fit.tensors.bounded import minimise_bounded
from engine.fit.tensors.step import Step
from engine.fit.tensors.steps import TensorSteps
from engine.fit.traits import Guess

CPU = torch.device("cpu")
INTERVAL_S = 1 / 30


@pytest.fixture(scope="module")
def pair(head: OpenHead) -> tuple[Solver, Solver]:
    """One person's solvers, compiled and on tensors."""
    whole, rng = split(head), np.random.default_rng(7)
    compiled, tensors = Solver(whole), Solver(whole)
    tensors.steps = TensorSteps(tensors, CPU)
    person = rng.normal(0.0, 0.7, 60)
    compiled.become(person)
    tensors.become(person)
    return compiled, tensors


def _case(solver: Solver, seed: int) -> tuple[Measurement, FitState, Past, Guess]:
    """A frame with all that can enter its energy: flow, a velocity, a guess, shut lids and lips."""
    head, rng = solver.head, np.random.default_rng(seed)
    shut = 0.7 * (seed % 3 == 0)
    before = replace(fit_scene.random_state(head, rng), neck=rng.normal(0.0, 0.1, 3))
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        before.expression[head.expression_names.index(name)] = shut
    step = np.concatenate([rng.normal(0, 0.01, 6), rng.normal(0, 0.05, 7 + len(before.expression))])
    now = before.moved(step)
    identity = solver.identity.coefficients
    measurement = solver.measured(fit_scene.seen(head, identity, now, rng))
    points = fit_scene.projected(head, identity, now)[solver.chosen.vertex]
    count = len(points)
    motion = Carried(
        points + rng.normal(0, 0.2, (count, 2)),
        rng.uniform(0.3, 2.0, count),
        solver.chosen.information * rng.uniform(0, 10, count) * (rng.uniform(size=count) < 0.8),
    )
    past = Past(before, INTERVAL_S, velocity=rng.normal(0, 0.2, 6), motion=motion)
    mean = np.clip(now.expression + rng.normal(0, 0.1, len(now.expression)), 0, 1)
    return measurement, before, past, Guess(mean, rng.uniform(0, 20, len(mean)))


def _same(ours: FitState, theirs: FitState, atol: float) -> None:
    for name in ("camera_from_head", "expression", "gaze", "neck"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), atol=atol, err_msg=name
        )


@pytest.mark.parametrize("seed", range(6))
def test_energy_agrees_with_the_compiled_loops(pair: tuple[Solver, Solver], seed: int) -> None:
    """Hessian and gradient at a state away from the minimum: every term, before any step."""
    compiled, tensors = pair
    measurement, state, past, guess = _case(compiled, seed)
    if seed == 1:
        past = replace(past, hold_pose=False)
    hessian, gradient = compiled.normal_equations(measurement, INTRINSICS, state, past, guess)
    given = frame.given_arrays(tensors, measurement, INTRINSICS, state, past, guess)
    found = Step(tensors, CPU).equations(
        {name: torch.as_tensor(np.array(array, np.float64)) for name, array in given.items()},
        torch.as_tensor(state.camera_from_head),
        torch.as_tensor(state.values()),
    )
    scale = np.sqrt(np.diag(hessian))
    ours, unit = found.hessian.numpy(), np.outer(scale, scale)
    np.testing.assert_allclose(ours / unit, hessian / unit, atol=2e-6)
    np.testing.assert_allclose(found.gradient.numpy() / scale, gradient / scale, atol=2e-4)
    for name, array in compiled.rows._asdict().items():
        theirs = getattr(found.rows, name).numpy()
        np.testing.assert_allclose(theirs, array, rtol=1e-5, atol=1e-5 * np.abs(array).max())


@pytest.mark.parametrize("seed", range(6))
def test_two_followed_steps_agree(pair: tuple[Solver, Solver], seed: int) -> None:
    measurement, _, past, guess = _case(pair[0], seed)
    states = [
        solver.solve(measurement, INTRINSICS, past.ahead(), past, guess=guess) for solver in pair
    ]
    _same(states[1], states[0], 1e-5)
    told = [
        Sureness(solver, None).of(measurement.sigma, state, guess)
        for solver, state in zip(pair, states, strict=True)
    ]
    for name in ("pose", "expression", "gaze", "neck"):
        np.testing.assert_allclose(getattr(told[1], name), getattr(told[0], name), rtol=2e-3)


def test_a_step_more_of_a_far_jump_agrees(pair: tuple[Solver, Solver]) -> None:
    compiled, _ = pair
    _, before, past, guess = _case(compiled, 2)
    jaw = compiled.head.expression_names.index("jawOpen")
    now = replace(before, expression=before.expression.copy())
    now.expression[jaw] = 0.9 if before.expression[jaw] < 0.4 else 0.0
    points = fit_scene.seen(
        compiled.head, compiled.identity.coefficients, now, np.random.default_rng(4)
    )
    measurement, past = compiled.measured(points), replace(past, motion=None)
    states = [
        solver.solve(measurement, INTRINSICS, past.ahead(), past, guess=guess) for solver in pair
    ]
    _same(states[1], states[0], 1e-5)
    fewer = compiled.solve(measurement, INTRINSICS, past.ahead(), past, steps=2, guess=guess)
    assert np.abs(fewer.expression - states[0].expression).max() > 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_a_cold_start_agrees(pair: tuple[Solver, Solver], seed: int) -> None:
    compiled, _ = pair
    measurement, _, _, _ = _case(compiled, 20 + seed)
    start = first_state(compiled, measurement, INTRINSICS)
    assert start is not None
    states = [solver.solve(measurement, INTRINSICS, start, steps=12) for solver in pair]
    _same(states[1], states[0], 2e-5)


def test_thirty_frames_in_a_row_do_not_drift_apart(pair: tuple[Solver, Solver]) -> None:
    compiled, _ = pair
    measurement, first, _, _ = _case(compiled, 40)
    states = [first, first]
    head, rng = compiled.head, np.random.default_rng(40)
    for index in range(30):
        beat = 0.5 + 0.5 * np.sin(index / 4)
        now = fit_scene.state_at(
            head, (0, 0.2 * beat, 0), (0, 0, 0.5), jawOpen=0.6 * beat, eyeBlinkLeft=0.8 * beat
        )
        seen = fit_scene.seen(head, compiled.identity.coefficients, now, rng)
        measurement = compiled.measured(seen)
        for which, solver in enumerate(pair):
            past = Past(states[which], INTERVAL_S)
            states[which] = solver.solve(measurement, INTRINSICS, states[which], past)
        _same(states[1], states[0], 1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_bounded_minimum_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(80, 40)) * np.geomspace(1, 30, 40)
    target = rows @ rng.normal(0.3, 0.8, 40) + rng.normal(size=80)
    low, high = -rng.uniform(0, 0.5, 40), rng.uniform(0, 1, 40)
    low[:5], high[:5] = -np.inf, np.inf
    problem = (rows.T @ rows, -rows.T @ target, low, high)
    ours = minimise_bounded(*(torch.as_tensor(array) for array in problem))
    theirs = lsq_linear(rows, target, (low, high), method="bvls", tol=1e-14).x
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-3, 0.049, 0.051, 0.4, 2.5])
def test_rotations_agree_with_opencv(angle: float) -> None:
    vector = angle * np.array([0.6, -0.48, 0.64])
    rotation, by_vector = turning.turned_by(torch.as_tensor(vector), turning.crosses(CPU))
    expected, slopes = cv2.Rodrigues(vector)
    np.testing.assert_allclose(rotation.numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(by_vector.numpy(), slopes.reshape(3, 3, 3), atol=1e-8)
    np.testing.assert_allclose(turning.vector_of(rotation).numpy(), vector, atol=1e-9)


def test_shared_errors_are_refused(head: OpenHead) -> None:
    modes = np.zeros((len(head.neutral), 2), np.float32)
    noise = NoiseModel(modes, np.ones(len(modes)), 1e-3, np.zeros(2), np.ones(8))
    solver = Solver(head, FitSettings(marginalise=True), noise=noise)
    with pytest.raises(ConfigError, match="marginalise"):
        TensorSteps(solver, CPU)


def _on_meta(solver: Solver, then: Any = None) -> None:
    """Run a step where tensors have no values: whoever wants to see one fails."""
    meta, size = torch.device("meta"), len(solver.head.expression_names)
    step = Step(solver, meta)
    shapes = frame.given_shapes(len(solver.chosen.vertex), size, len(solver.contact.vertex))
    given, state = (
        {n: torch.zeros(s, dtype=torch.float64, device=meta) for n, s in group.items()}
        for group in (shapes, frame.state_shapes(size))
    )
    with OnlyOnDevice():
        found = step(given, state["camera_from_head"], state["values"])
        if then is not None:
            then(found.values)
    assert found.rows.jacobian.shape == solver.rows.jacobian.shape


def test_a_step_asks_the_host_for_nothing(pair: tuple[Solver, Solver]) -> None:
    _on_meta(pair[1])


@pytest.mark.parametrize(
    "asks",
    [
        lambda x: x[0].item(),
        lambda x: x.cpu(),
        lambda x: x.numpy(),
        lambda x: bool(x[0] > 0),
        lambda x: x[x > 0],
        lambda x: x + torch.tensor([1.0]),
    ],
    ids=["item", "cpu", "numpy", "bool", "mask", "constant"],
)
def test_whoever_asks_the_host_is_caught(pair: tuple[Solver, Solver], asks: Any) -> None:
    with pytest.raises((RuntimeError, NotImplementedError, AssertionError, TypeError)):
        _on_meta(pair[1], asks)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("seed", range(3))
def test_the_captured_step_agrees(pair: tuple[Solver, Solver], seed: int) -> None:
    compiled, _ = pair
    captured = Solver(compiled.head)
    captured.adopt(compiled.body)
    captured.steps = TensorSteps(captured, torch.device("cuda"))
    measurement, _, past, guess = _case(compiled, seed)
    states = [
        solver.solve(measurement, INTRINSICS, past.ahead(), past, guess=guess)
        for solver in (compiled, captured, captured)
    ]
    _same(states[1], states[0], 1e-4)
    _same(states[2], states[1], 1e-9)  # a replay leaves nothing behind
