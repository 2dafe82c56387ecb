"""A head that goes on as it went: velocity by closed forms, and neither lag nor overshoot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at
from scipy.spatial.transform import Rotation

from engine.fit.dynamics import velocity_after
from engine.fit.heads.open_head import OpenHead
from engine.fit.residuals import Measurement
from engine.fit.settings import FitSettings, TrackerSettings
from engine.fit.solver import FitState, Past, Solver
from engine.fit.tracker import Tracker
from engine.types import Camera

DT = 1 / 30


def _turning(head: OpenHead, rate: float, frames: int) -> list[FitState]:
    """Turns about a fixed axis of the camera and moves aside, both at a constant rate."""
    axis = np.array([0.2, 0.9, -0.3]) / np.linalg.norm([0.2, 0.9, -0.3])
    states = []
    for n in range(frames):
        turn = Rotation.from_rotvec(rate * n * DT * axis) * Rotation.from_rotvec([0.1, 0, 0.2])
        states.append(state_at(head, turn.as_rotvec(), (0.1 * rate * n * DT, 0.0, 0.5)))
    return states


def test_velocity_approaches_a_constant_one_as_a_first_order_filter(head: OpenHead) -> None:
    """So slow a motion is no surprise to the heavy tails: v (1 - (1 - g)^n)."""
    settings, rate = FitSettings(), 0.02
    states, velocity = _turning(head, rate, 25), np.zeros(6)
    truth = rate * np.array([0.2, 0.9, -0.3]) / np.linalg.norm([0.2, 0.9, -0.3])
    for n in range(1, 25):
        past = Past(states[n - 1], DT, velocity=velocity)
        velocity = velocity_after(past, states[n], settings)
        grown = 1 - (1 - settings.velocity_gain) ** n
        np.testing.assert_allclose(velocity[:3], grown * truth, rtol=5e-3, atol=1e-6)
        np.testing.assert_allclose(velocity[3:], [grown * 0.1 * rate, 0, 0], rtol=5e-3, atol=1e-9)


def test_what_is_not_seen_goes_on_at_its_velocity(head: OpenHead) -> None:
    """Without measurement the minimum of the priors is SciPy's turn of the last pose."""
    solver = Solver(head, FitSettings(damping=0.0))
    count = len(solver.chosen.vertex)
    blind = Measurement(np.zeros((count, 2)), np.ones(count), np.zeros(count))
    last = state_at(head, (0.1, -0.2, 0.05), (0.02, 0.01, 0.5))
    velocity = np.array([0.6, 1.5, -0.3, 0.2, -0.1, 0.3])
    past = Past(last, DT, velocity=velocity)
    for start in (last, past.ahead()):
        found = solver.solve(blind, INTRINSICS, start, past, steps=12)
        turn = Rotation.from_rotvec(velocity[:3] * DT).as_matrix()
        expected = turn @ last.camera_from_head[:3, :3]
        # The six of a step are charged a little for their size, see priors_for.
        np.testing.assert_allclose(found.camera_from_head[:3, :3], expected, atol=2e-3)
        np.testing.assert_allclose(
            found.camera_from_head[:3, 3],
            last.camera_from_head[:3, 3] + velocity[3:] * DT,
            atol=2e-4,
        )


def test_a_jump_is_no_velocity_and_a_new_face_stands_still(head: OpenHead) -> None:
    here, there = state_at(head), state_at(head, (0.0, 0.6, 0.0), (0.1, 0.0, 0.5))
    settings = FitSettings()
    velocity = velocity_after(Past(here, DT), there, settings)
    assert np.linalg.norm(velocity[:3]) * DT < 0.01 * 0.6
    assert np.linalg.norm(velocity[3:]) * DT < 0.03 * 0.1
    assert not velocity_after(None, there, settings).any()
    kept = Past(here, DT, hold_pose=False, velocity=np.arange(6.0))
    np.testing.assert_array_equal(velocity_after(kept, there, settings), np.arange(6.0))


def _yaw(head: OpenHead, script, gain: float, frames: int) -> np.ndarray:
    network = FakeNetwork(head, np.zeros(60), script, own_px=0.3, common_px=0.3)
    usual = TrackerSettings()
    settings = replace(
        usual,
        # So firm a prior, and so little told by exact eyeballs, that a random walk trails visibly.
        fit=replace(
            usual.fit,
            velocity_gain=gain,
            rotation_step_sigma_rad=0.002,
            step_dof=30.0,
            eyeball_weight=1.0,
        ),
        enrol=replace(usual.enrol, threaded=False, fit_focal=False),
    )
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    tracker = Tracker(head, network, network, settings, camera)
    poses = [tracker.step(network.frame(i)).head for i in range(frames)]
    tracker.close()
    return np.array([float(np.arcsin(-h.camera_from_head[2, 0])) for h in poses if h is not None])


def test_a_steady_turn_is_not_trailed_and_a_step_not_late(head: OpenHead) -> None:
    def ramp(index: int) -> FitState:
        return state_at(head, (0.0, 0.012 * index - 0.3, 0.0), (0, 0, 0.5))

    def step(index: int) -> FitState:
        return state_at(head, (0.0, 0.3 if index >= 20 else 0.0, 0.0), (0, 0, 0.5))

    truth = 0.012 * np.arange(50) - 0.3
    walk, moving = ((_yaw(head, ramp, gain, 50) - truth)[25:].mean() for gain in (0.0, 0.3))
    assert walk < -0.004, "the random walk does trail: the test can tell"
    assert abs(moving) < 0.3 * abs(walk)
    arrivals = []
    for gain in (0.0, 0.3):
        found = _yaw(head, step, gain, 32)
        share = (found - found[10:20].mean()) / (found[-4:].mean() - found[10:20].mean())
        arrivals.append(int(np.argmax(share[20:] >= 0.9)))
        assert share[20:].max() < 1.15, "no overshoot"
    assert arrivals[1] <= arrivals[0]
