"""Flow of known warps, the filter against a slow twin, and no lag where flow is blind."""

from __future__ import annotations

from dataclasses import replace

import fit_scene
import numpy as np
import pytest
import slow_head
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at
from scipy.ndimage import gaussian_filter, map_coordinates

from engine.errors import ConfigError
from engine.fit.heads.open_head import OpenHead
from engine.fit.motion import Displacement, FlowMeter, Shares, carried, spread_after
from engine.fit.residuals import Carried, Measurement
from engine.fit.settings import FitSettings, MotionSettings, TrackerSettings
from engine.fit.solver import FitState, Solver
from engine.fit.tracker import Tracker
from engine.types import Camera, Frame

SIDE = 240


def _texture(seed: int, side: int = SIDE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = sum(s * gaussian_filter(rng.normal(size=(side, side)), s) for s in (2, 4, 9))
    return 128.0 + 45.0 * noise / noise.std()


def _picture(grey: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(np.clip(grey, 0, 255)).astype(np.uint8)[..., None], 3, axis=2)


def _moved(grey: np.ndarray, inverse: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The picture whose point inverse @ (p - shift) comes to p; pixel centres lie at +0.5."""
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]] + 0.5
    there = np.stack([x.ravel(), y.ravel()], axis=1)
    back = (there - shift) @ inverse.T
    return map_coordinates(grey, [back[:, 1] - 0.5, back[:, 0] - 0.5], order=3).reshape(grey.shape)


def _points(side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.2 * side, 0.8 * side, (400, 2))


@pytest.mark.parametrize("side", [SIDE, 3 * SIDE])
def test_flow_of_a_known_warp(side: int) -> None:
    """scipy warps it, about the middle, by a turn, a stretch and a shift; also if shrunk."""
    grey, middle = _texture(0, side), np.full(2, side / 2)
    angle, k = 0.012, side / SIDE
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    forward = turn @ np.diag([1.01, 1.0])
    offset = middle - forward @ middle + k * np.array([1.3, -0.7])
    after = _moved(grey, np.linalg.inv(forward), offset)
    points = _points(side)
    found = FlowMeter(MotionSettings()).between(_picture(grey), _picture(after), points, points)
    assert found is not None
    truth = points @ forward.T + offset - points
    error = np.linalg.norm(found.shift_px - truth, axis=1)
    assert np.median(error) < 0.12 * k
    assert np.percentile(error, 95) < 0.35 * k
    # Stated in pixels of the image, whatever the window was shrunk by.
    shrink = max(0.5, 0.72 * side / 320)
    assert np.median(found.sigma_px) == pytest.approx(0.155 * shrink, rel=0.15)


def test_flow_forth_and_back_between_noisy_pictures_is_the_same_motion() -> None:
    """Whatever the search adds both ways alike would make a still face drift."""
    rng, points, meter = np.random.default_rng(6), _points(), FlowMeter(MotionSettings())
    grey = _texture(7)
    first, second = (_picture(grey + rng.normal(0.0, 12.0, grey.shape)) for _ in range(2))
    there = meter.between(first, second, points, points)
    assert there is not None
    back = meter.between(second, first, points + there.shift_px, points)
    assert back is not None
    known = np.isfinite(there.sigma_px) & np.isfinite(back.sigma_px)
    apart = np.linalg.norm(there.shift_px + back.shift_px, axis=1)[known]
    moved = np.linalg.norm(there.shift_px, axis=1)[known]
    assert np.median(apart) < 0.05 * np.median(moved)


def test_flow_is_not_believed_under_what_came_in_front() -> None:
    grey = _texture(2)
    after = _moved(grey, np.eye(2), np.array([1.0, 0.5]))
    after[80:130, 90:150] = _texture(3)[80:130, 90:150]
    points = _points()
    found = FlowMeter(MotionSettings()).between(_picture(grey), _picture(after), points, points)
    assert found is not None
    covered = ((points > (95, 85)) & (points < (145, 125))).all(axis=1)
    clear = (points[:, 1] > 150) | (points[:, 1] < 60)
    assert covered.sum() > 20
    assert np.median(found.sigma_px[covered]) > 1.8 * np.median(found.sigma_px[clear])
    assert np.isfinite(found.sigma_px[clear]).mean() > 0.99


def test_a_cut_a_blank_wall_and_another_size_tell_nothing() -> None:
    meter, points = FlowMeter(MotionSettings()), _points()
    first = _picture(_texture(4))
    assert meter.between(first, _picture(_texture(5)), points, points) is None
    blank = np.full_like(first, 90)
    assert meter.between(blank, blank, points, points) is None
    assert meter.between(first, first[:-2], points, points) is None
    assert meter.between(first, first, points, points / 20) is None, "the window has no room"
    assert meter.between(first, first, points, points) is not None


def _measurement(points: np.ndarray, sigma: np.ndarray, information: np.ndarray) -> Measurement:
    return Measurement(points, sigma, information)


def test_the_filter_agrees_with_a_slow_twin() -> None:
    """Vertex by vertex, in plain words of the docstring."""
    rng, count, s = np.random.default_rng(7), 60, MotionSettings()
    places, spread = rng.normal(100, 30, (count, 2)), rng.uniform(0.2, 9, count)
    sigma = rng.uniform(1, 4, (2, count))
    information = np.where(rng.random((2, count)) < 0.2, 0.0, 0.6)
    step = rng.normal(0, 1.0, (count, 2))
    before = _measurement(places, sigma[0], information[0])
    now = _measurement(places + step, sigma[1], information[1])
    flow_sigma = np.where(rng.random(count) < 0.3, np.inf, rng.uniform(0.15, 0.5, count))
    shift = np.where(np.isinf(flow_sigma)[:, None], 0.0, rng.normal(0, 1.0, (count, 2)))
    share = rng.uniform(0.1, 0.6, count)
    found = carried(places, spread, Displacement(shift, flow_sigma), (before, now), share, s)
    after = spread_after(found, now, s)
    denied: list[float] = []
    for i in range(count):
        seen_twice = information[0, i] > 0 and information[1, i] > 0
        flow_known = np.isfinite(flow_sigma[i])
        step_variance = 0.2**2 * (sigma[0, i] ** 2 + sigma[1, i] ** 2) / 2
        excess = 0.0
        if seen_twice and flow_known:
            excess = max(0.0, float(((step[i] - shift[i]) ** 2).sum()) - s.free * step_variance)
            denied.append(excess / (excess + step_variance))
        weights, shifts = [], []
        if flow_known:
            weights.append(1 / (flow_sigma[i] ** 2 + excess))
            shifts.append(shift[i])
        if seen_twice:
            refuted = excess / (excess + step_variance) if flow_known else 1.0
            weights.append(s.steps * refuted / step_variance)
            shifts.append(step[i])
        if not weights or sum(weights) == 0:
            assert found.information[i] == 0
            assert after[i] == pytest.approx(s.alike_frames * sigma[1, i] ** 2)
            continue
        moved = np.average(shifts, axis=0, weights=weights)
        variance = spread[i] + 1 / sum(weights) + s.renew * excess
        np.testing.assert_allclose(found.points[i], places[i] + moved, atol=1e-9)
        assert found.sigma[i] == pytest.approx(np.sqrt(variance))
        assert found.information[i] == pytest.approx(s.alike_frames * share[i])
        here = s.alike_frames * sigma[1, i] ** 2
        assert after[i] == pytest.approx(variance * here / (variance + here))
    assert found.refuted == pytest.approx(np.mean(denied))


@pytest.mark.parametrize(("share", "left"), [(0.3, 1.0), (0.5, 0.5), (0.8, 0.0)])
def test_flow_that_is_refuted_at_most_of_a_part_is_believed_at_none(
    share: float, left: float
) -> None:
    """Of 100 vertices, the first 50 move together; some of those have jumped, flow says still."""
    count, settings = 100, MotionSettings(part_refuted=(0.4, 0.6))
    places, part = np.zeros((count, 2)), np.arange(50)
    jumped = np.zeros((count, 2))
    jumped[: round(50 * share), 0] = 1e3
    even, flow = np.ones(count), Displacement(np.zeros((count, 2)), np.full(count, 0.15))
    seen = _measurement(places, even, even), _measurement(jumped, even, even)
    alone = carried(places, even, flow, seen, even, settings)
    found = carried(places, even, flow, seen, even, settings, (part,))
    np.testing.assert_allclose(found.information[:50], left * alone.information[:50], atol=1e-3)
    np.testing.assert_array_equal(found.information[50:], alone.information[50:])
    np.testing.assert_array_equal(found.sigma, alone.sigma)


def test_jaw_and_whole_head_are_carried_as_one(head: OpenHead) -> None:
    """A turn that only its rim does not refute holds no vertex back, wherever it is."""
    solver = Solver(head)
    jaw, whole = Shares(head, solver.chosen, MotionSettings()).parts
    count = len(solver.chosen.vertex)
    assert 0 < len(jaw) < count / 2
    flow = Displacement(np.zeros((count, 2)), np.full(count, 0.15))
    even, jumped = np.ones(count), np.zeros((count, 2))
    jumped[: round(0.8 * count), 0] = 10.0
    seen = _measurement(np.zeros((count, 2)), even, even), _measurement(jumped, even, even)
    found = carried(np.zeros((count, 2)), even, flow, seen, even, MotionSettings(), (jaw, whole))
    np.testing.assert_allclose(found.information, 0.0, atol=1e-9)


def test_mouth_jaw_and_eyeballs_are_carried_less(head: OpenHead) -> None:
    solver = Solver(head)
    count = len(solver.chosen.vertex)
    even = _measurement(np.zeros((count, 2)), np.ones(count), _evenly(head, solver))
    found = Shares(head, solver.chosen, MotionSettings(jaw_share=0.25, eyeball_share=0.1)).of(even)
    for n in range(0, 1000, 3):
        vertex = solver.chosen.vertex[n]
        with_jaw = head.skin_weights[vertex, 2] > 0.3  # of skull, neck, jaw, eyes
        mouth = head.region_names[head.region[vertex]] == "mouth"
        ball = head.region_names[head.region[vertex]].startswith("eyeball")
        part = 0.1 if ball else 0.25 if with_jaw or mouth else 1.0
        assert found[n] == pytest.approx(part * solver.chosen.information[n])
    assert 0.1 < (found < solver.chosen.information).mean() < 0.6


def test_lids_that_are_badly_seen_are_carried_less(head: OpenHead) -> None:
    solver = Solver(head)
    shares, count = Shares(head, solver.chosen, MotionSettings()), len(solver.chosen.vertex)
    left = head.neutral[solver.chosen.vertex, 0] > 0
    blink = head.expression_names.index("eyeBlinkRight")
    lid = np.linalg.norm(head.expression_basis[blink, solver.chosen.vertex], axis=1) > 0.002
    even = _evenly(head, solver)
    both, unsure = (
        shares.of(_measurement(np.zeros((count, 2)), np.where(left, 1.0, sigma), even))
        for sigma in (1.0, 2.0)
    )
    assert lid.sum() > 10
    np.testing.assert_allclose(unsure[lid], both[lid] / 4)
    np.testing.assert_allclose(unsure[~lid], both[~lid])


def _evenly(head: OpenHead, solver: Solver) -> np.ndarray:
    """Information of which the lids of both eyes have equally much; they differ in vertices."""
    information = np.ones(len(solver.chosen.vertex))
    for side in ("Left", "Right"):
        blink = head.expression_names.index(f"eyeBlink{side}")
        travel = np.linalg.norm(head.expression_basis[blink, solver.chosen.vertex], axis=1)
        information[travel > 0.002] = 1.0 / (travel > 0.002).sum()
    return information


def test_rows_of_both_measurements_are_the_slope_of_the_energy(head: OpenHead) -> None:
    """Student-t energies of the obvious loop's pixels, differentiated numerically."""
    settings = FitSettings(facing_zero=-2.0, facing_full=-1.5, damping=0.0)
    solver, rng = Solver(head, settings), np.random.default_rng(3)
    state = FitState(
        fit_scene.state_at(head, (0.1, -0.2, 0.1), (0.02, -0.01, 0.5)).camera_from_head,
        rng.uniform(0.1, 0.5, 52),
        np.array([[0.1, -0.1], [0.1, 0.1]]),
        np.array([0.1, -0.1, 0.05]),
    )
    count, tested = len(solver.chosen.vertex), rng.choice(1000, 8, replace=False)

    def pixels(at: FitState) -> np.ndarray:
        return np.array(
            [
                slow_head.pixel(
                    slow_head.vertex(head, int(v), np.zeros(60), at.expression, at.gaze, at.neck),
                    at.camera_from_head,
                    INTRINSICS,
                )
                for v in solver.chosen.vertex[tested]
            ]
        )

    here, used = pixels(state), np.zeros(count)
    used[tested] = rng.uniform(0.2, 1.0, 8)
    sigma = rng.uniform(0.5, 3.0, (2, count))
    points = np.zeros((2, count, 2))
    points[:, tested] = here + rng.normal(0, 2.0, (2, 8, 2))
    share = np.stack([used, 3.0 * used])
    share[0, tested[0]] = share[1, tested[1]] = 0.0
    rows = solver.linearised(
        Measurement(points[0], sigma[0], share[0]), INTRINSICS, state,
        Carried(points[1], sigma[1], share[1]),
    )  # fmt: skip
    gradient = rows.residual.astype(np.float64) @ rows.jacobian.astype(np.float64)

    def energy(at: FitState) -> float:
        total, projected = 0.0, pixels(at)
        dof = (settings.student_dof, MotionSettings().student_dof)
        for kind in range(2):
            squared = ((projected - points[kind, tested]) ** 2).sum(axis=1)
            squared /= sigma[kind, tested] ** 2
            loss = (dof[kind] + 2) / 2 * np.log1p(squared / dof[kind])
            total += float((share[kind, tested] * loss).sum())
        return total

    for column in [*range(13), *rng.choice(np.arange(13, 65), 12, replace=False)]:
        reach = np.zeros(65)
        reach[column] = 1e-5
        expected = (energy(state.moved(reach)) - energy(state.moved(-reach))) / 2e-5
        assert gradient[column] == pytest.approx(expected, rel=2e-3, abs=2e-2), column


class _Filmed(FakeNetwork):
    """A scripted face before a camera whose picture never moves: flow says that all is still."""

    still = _picture(np.pad(_texture(8, 480), ((0, 0), (80, 80)), mode="wrap"))

    def frame(self, index: int) -> Frame:
        return Frame(self.still.copy(), index, super().frame(index).captured_ns)

    def align(self, frame, crop, memory=None):
        """Errors that stay from frame to frame are larger than what changes; sigma is of both."""
        found = super().align(frame, crop, memory)
        return replace(found, sigma_px=8.0 * found.sigma_px)


def _followed(head: OpenHead, script, weight: float, seed: int, frames: int, own_px: float):
    network = _Filmed(head, np.zeros(60), script, own_px=own_px, common_px=own_px, seed=seed)
    usual = TrackerSettings()
    settings = replace(
        usual,
        motion=replace(usual.motion, weight=weight),
        enrol=replace(usual.enrol, threaded=False, fit_focal=False),
    )
    tracker = Tracker(
        head, network, network, settings, Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    )
    results = [tracker.step(network.frame(i)) for i in range(frames)]
    tracker.close()
    assert all(r.head is not None for r in results)
    return results


@pytest.mark.parametrize("what", ["jawOpen", "yaw", "blink"])
def test_a_step_arrives_in_the_frame_in_which_it_arrives_without_flow(
    head: OpenHead, what: str
) -> None:
    """The hardest case: the step is invisible to the flow, which is sure that nothing moved."""
    start = 20

    def script(index: int) -> FitState:
        on = index >= start
        if what == "yaw":
            return state_at(head, (0.0, 0.25 if on else 0.0, 0.0), (0, 0, 0.5))
        names = ("jawOpen",) if what == "jawOpen" else ("eyeBlinkLeft", "eyeBlinkRight")
        return state_at(head, (0, 0, 0), (0, 0, 0.5), **dict.fromkeys(names, 0.8 if on else 0.0))

    def value(result) -> float:
        if what == "yaw":
            return float(result.head.camera_from_head[0, 2])
        name = "jawOpen" if what == "jawOpen" else "eyeBlinkLeft"
        return float(result.head.expression[head.expression_names.index(name)])

    arrivals = []
    for weight in (0.0, 1.0):
        values = np.array([value(r) for r in _followed(head, script, weight, 0, 32, 0.3)])
        low, high = values[start - 4 : start].mean(), values[-4:].mean()
        share = (values - low) / (high - low)
        arrivals.append(int(np.argmax(share[start:] >= 0.9)))
    assert arrivals[1] <= arrivals[0], arrivals


def test_a_still_face_is_stiller_with_flow(head: OpenHead) -> None:
    def tremble(weight: float) -> float:
        results = _followed(
            head, lambda _: state_at(head, jawOpen=0.2, mouthSmileLeft=0.4), weight, 1, 60, 0.25
        )
        points = np.array([r.head.points_px for r in results[30:]])
        face = fit_scene.face_vertices(head)
        return float(np.linalg.norm(np.diff(points[:, face], axis=0), axis=2).mean())

    assert tremble(1.0) < 0.4 * tremble(0.0)


def test_a_gap_in_the_camera_is_not_bridged_by_flow(head: OpenHead) -> None:
    network = _Filmed(head, np.zeros(60), lambda _: state_at(head))
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    tracker = Tracker(head, network, network, TrackerSettings(), camera)
    asked = []
    between = tracker._carrier._meter.between
    tracker._carrier._meter.between = lambda *args: asked.append(1) or between(*args)  # type: ignore[method-assign]
    for index in (0, 1, 2, 12, 13):
        tracker.step(network.frame(index))
    tracker.close()
    assert len(asked) == 3, "frames 1, 2 and 13"


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="alike_frames"):
        MotionSettings(alike_frames=0.0)
    with pytest.raises(ConfigError, match="weight"):
        MotionSettings(weight=-1.0)
