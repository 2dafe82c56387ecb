"""Network and fit in one go against the one after the other; and nothing asks the host between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import Mock

import fit_scene
import numpy as np
import pytest
import torch
from device_watch import OnlyOnDevice
from fit_scene import INTRINSICS, SIZE_PX

from engine.capture.sources import demo
from engine.errors import BackendError, ConfigError
from engine.evaluation import network_speed
from engine.fit.carrier import Handed
from engine.fit.frame_fit import FrameFitter
from engine.fit.heads.open_head import OpenHead
from engine.fit.lens import distorted
from engine.fit.motion import Displacement, Shares, carried
from engine.fit.settings import MotionSettings, TrackerSettings
from engine.fit.sides import merged, split
from engine.fit.solver import FitState, Past, Solver
from engine.fit.step_choice import StepsMaker
from engine.fit.tensors import whole as module
from engine.fit.tensors.steps import TensorSteps
from engine.fit.tensors.whole import WholeFrame
from engine.fit.tracker import Tracker
from engine.geometry import assumed_camera
from engine.network import weights
from engine.network.backends import torch_eager
from engine.network.backends._cuda import StaticRun
from engine.network.backends._two_graphs import OnDevice
from engine.network.build import build_point_aligner
from engine.network.detector import Detector
from engine.network.export import example_inputs
from engine.network.point_aligner import PointAligner
from engine.network.warm import MEMORY_NAMES
from engine.types import Array, Camera, Crop, Frame, TrackResult

CPU, META = torch.device("cpu"), torch.device("meta")
SIDE_PX, EXPRESSIONS = 192, 52
LENS = np.array([-0.2, 0.06, 0.002, -0.003, 0.01])


def _answer(vertices: int, device: torch.device) -> dict[str, torch.Tensor]:
    sizes = {
        "points": (1, vertices, 2),
        "sigma": (1, vertices),
        "position": (1, 2, 4, 4),
        "log_sigma": (1, 1, 4, 4),
        "hidden": (1, 3, 4, 4),
        "identity": (1, 60),
        "identity_sigma": (1, 60),
        "expression": (1, EXPRESSIONS),
        "expression_sigma": (1, EXPRESSIONS),
        "tongue": (1, 1),
    }
    return {name: torch.ones(size, device=device) for name, size in sizes.items()}


def _backend(vertices: int, device: torch.device) -> OnDevice:
    """Return a network that answers what the test has written into its outputs."""
    image = torch.zeros(1, SIDE_PX, SIDE_PX, 3, dtype=torch.uint8, device=device)
    memory = {
        f"start_{name}": torch.zeros(1, channels, 4, 4, device=device)
        for name, channels in (("position", 2), ("log_sigma", 1), ("hidden", 3))
    }
    runs = (
        StaticRun(inputs, _answer(vertices, device), lambda: None, None)
        for inputs in ({"image": image}, {"image": image, **memory})
    )
    cold, warm = runs
    return OnDevice((cold, warm), SIDE_PX, "a script", on_card=False)


@dataclass(frozen=True, eq=False)
class Case:
    """A followed frame, and what the last one hands on."""

    frame: Frame
    crop: Crop
    points_px: Array  # (V, 2) what the network sees
    sigma_px: Array  # (V,)
    expression: Array  # (52,) what it takes the shapes for
    past: Past
    handed: Handed


class Carries:
    """As Carrier, with what the test hands on."""

    def __init__(self, solver: Solver) -> None:
        self.shares = Shares(solver.head, solver.chosen, solver.motion_settings)
        self._settings, self.now = solver.motion_settings, None

    def handed(self) -> Handed | None:
        return self.now

    def carried(self, measurement):
        if self.now is None:
            return None
        places, spread, moved, seen = self.now
        share = self.shares.of(measurement)
        both = (seen, measurement)
        return carried(places, spread, moved, both, share, self._settings, self.shares.parts)


@pytest.fixture(scope="module")
def solvers(head: OpenHead) -> tuple[Solver, Solver]:
    """One person's solvers, compiled and on tensors."""
    whole = split(head)
    compiled, tensors = Solver(whole), Solver(whole)
    tensors.steps = TensorSteps(tensors, CPU)
    person = np.random.default_rng(5).normal(0.0, 0.7, 60)
    compiled.become(person)
    tensors.become(person)
    return compiled, tensors


def _crop(points: Array) -> Crop:
    """A rolled window, so that every part of its matrix matters."""
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 1.3 * float((high - low).max()) / SIDE_PX
    linear = scale * np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = linear, (low + high) / 2 - linear @ np.full(2, SIDE_PX / 2)
    return Crop(matrix, SIDE_PX)


def _case(solver: Solver, seed: int, *, jump: bool, camera: Camera) -> Case:
    head, rng = solver.head, np.random.default_rng(seed)
    identity, count = solver.identity.coefficients, len(solver.chosen.vertex)
    before = fit_scene.random_state(head, rng)
    shapes = len(before.expression)
    now = before.moved(np.concatenate([rng.normal(0, 0.004, 6), rng.normal(0, 0.02, 7 + shapes)]))
    if jump:
        jaw = head.expression_names.index("jawOpen")
        now.expression[jaw] = 0.9 if before.expression[jaw] < 0.4 else 0.0
    places = [fit_scene.projected(head, identity, state) for state in (before, now)]
    off = fit_scene.noisy(head, places[0], rng, 0.3, 0.4).points_px - places[0]  # alike in both
    seen = distorted(places[1] + off, camera)
    sigma = rng.uniform(0.2, 1.5, len(head.neutral))
    sigma[rng.integers(0, len(sigma), 300)] *= 8.0
    measured = solver.measured(fit_scene.alignment(places[0] + off, 0.6))
    if seed % 2:  # one eye is guessed
        guessed = Shares(head, solver.chosen, solver.motion_settings).lids[0]
        sigma[solver.chosen.vertex[guessed]] *= 4.0
    chosen = [p[solver.chosen.vertex] for p in places]
    flow = 0.5 if jump else 1.0  # it falls short of a jump
    moved = flow * (chosen[1] - chosen[0]) + rng.normal(0, 0.1, (count, 2))
    known = rng.uniform(size=count) < 0.9
    displacement = Displacement(
        np.where(known[:, None], moved, 0.0), np.where(known, rng.uniform(0.1, 0.4, count), np.inf)
    )
    information = measured.information * (rng.uniform(size=count) < 0.95)
    handed = Handed(
        chosen[0] + rng.normal(0, 0.2, (count, 2)),
        rng.uniform(0.05, 2.0, count),
        displacement,
        measured._replace(
            information=information, points=measured.points + rng.normal(0, 0.05, (count, 2))
        ),
    )
    past = Past(before, 1 / 30, velocity=rng.normal(0, 0.1, 6))
    frame = Frame(np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8), 0, 0)
    whole = merged(now.expression) + rng.normal(0, 0.05, EXPRESSIONS)
    return Case(frame, _crop(places[1]), seen, sigma, whole, past, handed)


def _both(
    solvers: tuple[Solver, Solver], case: Case, camera: Camera, handed: Handed | None, warm: bool
):
    """Look at a case by turns and in one go; returns both looks."""
    backend = _backend(len(solvers[0].head.neutral), CPU)
    linear, shift = case.crop.image_from_crop[:2, :2], case.crop.image_from_crop[:2, 2]
    inside = (case.points_px - shift) @ np.linalg.inv(linear).T
    rng = np.random.default_rng(1)
    for run in backend.runs:
        run.outputs["points"].copy_(torch.as_tensor(inside[None]))
        scale = np.sqrt(np.linalg.det(linear))
        run.outputs["sigma"].copy_(torch.as_tensor(case.sigma_px[None] / scale))
        expression = case.expression[None], rng.uniform(0.01, 0.5, (1, EXPRESSIONS))
        for name, value in zip(("expression", "expression_sigma"), expression, strict=True):
            run.outputs[name].copy_(torch.as_tensor(value))
    looks = []
    for solver in solvers:
        carries = Carries(solver)
        carries.now = handed
        steps = solver.steps
        whole = None
        if isinstance(steps, TensorSteps):
            whole = WholeFrame(steps, solver, backend, carries.shares, camera)
        fitter = FrameFitter(solver, backend, carries, camera, whole)  # type: ignore[arg-type]
        memory = None
        if warm:
            memory = backend.align(case.frame, case.crop).memory
        aligned = Mock()
        looks.append(fitter.fit(case.frame, case.crop, memory, INTRINSICS, case.past, aligned))
        aligned.assert_called_once_with()
    return looks


def _camera(lens: Array) -> Camera:
    return Camera(INTRINSICS.copy(), lens.copy(), SIZE_PX)


def _assert_same_state(ours: FitState, theirs: FitState, atol: float) -> None:
    for name in ("camera_from_head", "expression", "gaze", "neck"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), atol=atol, err_msg=name
        )


@pytest.mark.parametrize("jump", [False, True])
@pytest.mark.parametrize("lens", [np.zeros(5), LENS], ids=["pinhole", "lens"])
@pytest.mark.parametrize("seed", range(3))
def test_a_frame_in_one_go_is_what_it_is_by_turns(
    solvers: tuple[Solver, Solver], seed: int, lens: Array, jump: bool
) -> None:
    camera = _camera(lens)
    case = _case(solvers[0], seed, jump=jump, camera=camera)
    turns, whole = _both(solvers, case, camera, case.handed, warm=seed == 2)
    np.testing.assert_allclose(whole.alignment.points_px, turns.alignment.points_px, atol=1e-9)
    for name in ("points", "sigma", "information"):
        ours, theirs = (getattr(look.measurement, name) for look in (whole, turns))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)
        ours, theirs = (getattr(look.past.motion, name) for look in (whole, turns))
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9, err_msg=f"carried {name}")
    for ours, theirs in zip(whole.measurement.gaps, turns.measurement.gaps, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert whole.past.motion.refuted == pytest.approx(turns.past.motion.refuted, rel=1e-9)
    np.testing.assert_array_equal(whole.guess.mean, turns.guess.mean)
    _assert_same_state(whole.state, turns.state, 1e-5)
    rows = [solver.rows for solver in solvers]
    for name in ("facing", "weight"):
        ours, theirs = (getattr(row, name) for row in (rows[1], rows[0]))
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max(), err_msg=name)
    for ours, theirs in zip(solvers[1].picture, solvers[0].picture, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("jump", [False, True])
def test_a_third_step_only_where_two_went_far(solvers: tuple[Solver, Solver], jump: bool) -> None:
    """One step for all frames, or none, would change what the other frames find."""
    camera = _camera(np.zeros(5))
    case = _case(solvers[0], 4, jump=jump, camera=camera)
    _, whole = _both(solvers, case, camera, case.handed, warm=False)
    expected = {}
    for steps in (2, 3):
        motion = Carries(solvers[0])
        motion.now = case.handed
        past = replace(case.past, motion=motion.carried(whole.measurement))
        expected[steps] = solvers[0].solve(
            whole.measurement, INTRINSICS, past.ahead(), past, steps, whole.guess
        )
    assert np.abs(expected[2].expression - expected[3].expression).max() > 1e-4
    _assert_same_state(whole.state, expected[3 if jump else 2], 1e-5)


def test_without_flow_nothing_is_carried(solvers: tuple[Solver, Solver]) -> None:
    camera = _camera(np.zeros(5))
    case = _case(solvers[0], 6, jump=False, camera=camera)
    turns, whole = _both(solvers, case, camera, None, warm=False)
    assert turns.past.motion is None
    assert whole.past.motion is None
    _assert_same_state(whole.state, turns.state, 1e-5)


def test_points_that_are_no_numbers_count_nothing(solvers: tuple[Solver, Solver]) -> None:
    camera = _camera(np.zeros(5))
    case = _case(solvers[0], 8, jump=False, camera=camera)
    vertex, lips = solvers[0].chosen.vertex, solvers[0].contact.vertex
    points, sigma = case.points_px.copy(), case.sigma_px.copy()
    points[[*vertex[:40], lips[-1]]] = np.nan
    sigma[vertex[40:60]] = np.nan
    case = replace(case, points_px=points, sigma_px=sigma)
    turns, whole = _both(solvers, case, camera, case.handed, warm=False)
    assert (whole.measurement.information[:60] == 0).all()
    assert np.isinf(whole.measurement.gaps.sigma_px[2])
    for name in ("points", "sigma", "information"):
        ours, theirs = (getattr(look.measurement, name) for look in (whole, turns))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=name)
    _assert_same_state(whole.state, turns.state, 1e-5)


def test_flow_that_the_alignment_denies_is_let_go_alike(solvers: tuple[Solver, Solver]) -> None:
    """Both kinds of parts: where the jaw's flow is denied, and where the whole head's is."""
    camera, found = _camera(np.zeros(5)), []
    case = _case(solvers[0], 10, jump=False, camera=camera)
    jaw, _ = Carries(solvers[0]).shares.parts
    for rows in (jaw, slice(None)):
        shift = case.handed.moved.shift_px.copy()
        shift[rows] += 9.0
        moved = replace(case.handed.moved, shift_px=shift)
        turns, whole = _both(solvers, case, camera, case.handed._replace(moved=moved), warm=False)
        np.testing.assert_allclose(
            whole.past.motion.information, turns.past.motion.information, atol=1e-9
        )
        found.append(whole.past.motion)
    assert found[0].information.any()
    assert not found[0].information[jaw].any()
    assert not found[1].information.any()
    assert found[1].refuted > 0.9


def test_nothing_between_network_and_head_asks_the_host(head: OpenHead) -> None:
    solver = Solver(split(head))
    steps = TensorSteps(solver, META)
    backend = _backend(len(head.neutral), META)
    shares = Shares(solver.head, solver.chosen, MotionSettings())
    whole = WholeFrame(steps, solver, backend, shares, _camera(LENS))
    with OnlyOnDevice():
        whole._fit(backend.runs[0].outputs)


def test_a_network_for_another_head_is_refused(solvers: tuple[Solver, Solver]) -> None:
    solver, backend = solvers[1], _backend(100, CPU)
    shares = Shares(solver.head, solver.chosen, MotionSettings())
    with pytest.raises(ConfigError, match="100 vertices"):
        WholeFrame(solver.steps, solver, backend, shares, _camera(LENS))  # type: ignore[arg-type]


def test_a_closed_backend_aligns_nothing(head: OpenHead) -> None:
    backend, frame = _backend(len(head.neutral), CPU), Frame(np.zeros((9, 9, 3), np.uint8), 0, 0)
    then = Mock()
    backend.align_then(frame, Crop(np.eye(3), SIDE_PX), None, then)
    then.assert_called_once_with()
    backend.close()
    with pytest.raises(ValueError, match="closed"):
        backend.align_then(frame, Crop(np.eye(3), SIDE_PX), None, then)
    with pytest.raises(ValueError, match="closed"):
        backend.align(frame, Crop(np.eye(3), SIDE_PX))
    then.assert_called_once_with()


def test_whoever_is_on_one_device_goes_in_one_go(
    head: OpenHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, camera = _backend(len(head.neutral), CPU), _camera(np.zeros(5))
    maker, loops = StepsMaker("torch", backend), StepsMaker("cpu", backend)
    solver = Solver(split(head))
    shares = Shares(solver.head, solver.chosen, MotionSettings())
    assert loops.whole(solver, shares, camera) is None
    solver.steps = maker(solver)
    assert isinstance(maker.whole(solver, shares, camera), WholeFrame)
    assert maker.about.endswith("behind the network's")
    elsewhere = StepsMaker("torch", _backend(len(head.neutral), META))
    assert elsewhere.whole(solver, shares, camera) is None

    def refuse(*_: object) -> None:
        raise BackendError("this card does not")

    monkeypatch.setattr(module, "captured", refuse)
    assert maker.whole(solver, shares, camera) is None


def _on_processor(network: PointAligner, warm: bool) -> StaticRun:
    inputs = example_inputs(network, SIDE_PX, warm)
    with torch.inference_mode():
        outputs = network(*inputs)._asdict()

    def launch() -> None:
        for name, tensor in network(*inputs)._asdict().items():
            outputs[name].copy_(tensor)

    names = ["image", *MEMORY_NAMES][: len(inputs)]
    return StaticRun(dict(zip(names, inputs, strict=True)), outputs, launch, None)


def _either_way(
    head: OpenHead, backend: OnDevice, settings: TrackerSettings
) -> list[tuple[TrackResult, TrackResult]]:
    """Track twelve frames of the demo by turns and in one go: detector, person, flow and all."""
    source = demo.create(demo.Settings(loop=False))
    frames = [frame for frame in (source.take() for _ in range(12)) if frame is not None]
    source.close()
    height, width = frames[0].image.shape[:2]
    camera, found = assumed_camera(width, height), []
    for kind in ("cpu", "torch"):
        maker = StepsMaker(kind, backend)
        tracker = Tracker(split(head), backend, Detector(), settings, camera, steps=maker)
        assert ("behind" in maker.about) == (kind == "torch")
        found.append([tracker.step(frame) for frame in frames])
        tracker.close()
    return list(zip(*found, strict=True))


@pytest.mark.parametrize("warm", [False, True])
def test_the_tracker_follows_the_demo_alike_either_way(head: OpenHead, warm: bool) -> None:
    network = build_point_aligner(weights.load())
    runs = _on_processor(network, False), _on_processor(network, True)
    backend = OnDevice(runs, SIDE_PX, "the shipped network", on_card=False)
    settings = replace(TrackerSettings(), warm_start=warm)
    for turns, whole in _either_way(head, backend, settings):
        assert turns.head is not None
        assert whole.head is not None
        np.testing.assert_allclose(whole.head.points_px, turns.head.points_px, atol=0.05)
        assert turns.blendshapes is not None
        assert whole.blendshapes is not None
        for name, atol in (("weights", 0.003), ("sd", 0.01)):
            ours, theirs = (getattr(r.blendshapes, name) for r in (whole, turns))
            np.testing.assert_allclose(ours, theirs, atol=atol, err_msg=name)


def test_the_bench_times_network_and_fit_together() -> None:
    """What it times is a fit of that frame: its head projects where the network sees the face."""
    files = weights.load()
    network = build_point_aligner(files)
    runs = _on_processor(network, False), _on_processor(network, True)
    backend = OnDevice(runs, SIDE_PX, "the shipped network", on_card=False)
    scene = network_speed._scene(network, files.config)
    together = network_speed.followed_by_fit(backend, scene, scene.frames[1], scene.memory)
    alignment, measurement, motion, state = together()
    assert motion is None
    np.testing.assert_allclose(alignment.points_px, scene.warm.points_px, atol=1e-4)
    assert np.isfinite(state.camera_from_head).all()
    assert 0.2 < state.camera_from_head[2, 3] < 2.0
    assert (measurement.information > 0).mean() > 0.99


def test_the_bench_keeps_the_time_of_a_network_whose_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = weights.load()
    network = build_point_aligner(files)
    scene = network_speed._scene(network, files.config)

    def timed() -> list[dict[str, Any]]:
        runs = _on_processor(network, False), _on_processor(network, True)
        backend = OnDevice(runs, SIDE_PX, "the shipped network", on_card=False)
        return network_speed._timed("it", False, backend, scene, 5)

    assert all(row["with_fit_ms"] > row["median_ms"] for row in timed())

    def refuse(*_: object) -> None:
        raise BackendError("this card does not")

    monkeypatch.setattr(module, "captured", refuse)
    alone = timed()
    assert [row["with_fit_ms"] for row in alone] == [None, None]
    assert all(row["median_ms"] > 0 for row in alone)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_captured_frame_agrees(head: OpenHead) -> None:
    """Network and fit, each a CUDA graph on one stream."""
    backend = torch_eager.create(weights.load(), 1, half=False)
    assert isinstance(backend, OnDevice)
    for turns, whole in _either_way(head, backend, TrackerSettings()):
        assert turns.head is not None
        assert whole.head is not None
        np.testing.assert_allclose(whole.head.points_px, turns.head.points_px, atol=0.05)
