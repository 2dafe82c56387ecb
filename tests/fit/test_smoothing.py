"""The One Euro filter against its closed forms, and an output that uses it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from engine.fit.smoothing import OneEuro, OneEuroRotation, Smoother, SmoothingSettings
from engine.types import Blendshapes, HeadState, Status, TrackResult

DT = 1 / 30


def test_a_step_without_beta_is_the_first_order_low_pass() -> None:
    """x_n = 1 - (1 - a)^n with a = 2 pi f dt / (1 + 2 pi f dt)."""
    smooth = OneEuro(cutoff_hz=1.7, beta=0.0)
    smooth(np.zeros(2), DT)
    a = 2 * np.pi * 1.7 * DT / (1 + 2 * np.pi * 1.7 * DT)
    for n in range(1, 20):
        np.testing.assert_allclose(smooth(np.array([1.0, -2.0]), DT)[0], 1 - (1 - a) ** n)


def test_a_ramp_settles_at_the_lag_of_its_cutoff() -> None:
    """At speed v the cutoff is f + beta v; a ramp then trails by v dt (1 - a) / a."""
    smooth, speed = OneEuro(cutoff_hz=1.0, beta=2.0), 1.5
    for n in range(600):
        found = smooth(np.array([speed * n * DT]), DT)[0]
    w = 2 * np.pi * (1.0 + 2.0 * speed) * DT
    a = w / (1 + w)
    assert 599 * DT * speed - found == pytest.approx(speed * DT * (1 - a) / a, rel=1e-6)


def test_every_component_has_its_own_cutoff() -> None:
    both, alone = OneEuro(1.0, 5.0), OneEuro(1.0, 5.0)
    rng = np.random.default_rng(0)
    for _ in range(50):
        quiet, loud = rng.normal(0, 0.01), rng.normal(0, 3.0)
        found = both(np.array([quiet, loud]), DT)[0]
        assert found == pytest.approx(alone(np.array([quiet]), DT)[0])


def test_a_turn_follows_slerp() -> None:
    """scipy's slerp of quaternions, at the low-pass' share of the way."""
    smooth = OneEuroRotation(cutoff_hz=1.2, beta=0.0)
    a = 2 * np.pi * 1.2 * DT / (1 + 2 * np.pi * 1.2 * DT)
    rng = np.random.default_rng(1)
    expected = Rotation.identity()
    smooth(np.eye(3), DT)
    for _ in range(30):
        target = Rotation.from_rotvec(rng.normal(0, 0.6, 3))
        both = Rotation.concatenate([expected, target])
        expected = Slerp([0.0, 1.0], both)(a)
        np.testing.assert_allclose(smooth(target.as_matrix(), DT), expected.as_matrix(), atol=1e-9)


def test_a_quick_turn_is_followed_sooner_with_beta() -> None:
    lag = []
    for beta in (0.0, 5.0):
        smooth = OneEuroRotation(1.0, beta)
        for n in range(200):
            angle = 2.0 * n * DT
            found = smooth(Rotation.from_rotvec([0, angle, 0]).as_matrix(), DT)
        off = Rotation.from_rotvec([0, angle, 0]) * Rotation.from_matrix(found).inv()
        lag.append(off.magnitude())
    w = 2 * np.pi * np.array([1.0, 11.0]) * DT
    np.testing.assert_allclose(lag, 2.0 * DT / w, rtol=1e-5)


def result(weight: float, x_m: float, index: int, seen: bool = True) -> TrackResult:
    pose = np.eye(4)
    pose[0, 3] = x_m
    head = HeadState(
        pose, np.zeros(52), np.zeros((2, 2)), np.zeros(3), np.zeros((1, 2)), np.zeros((1, 3)), 0.0
    )
    time_ns = round(index * DT * 1e9)
    status = Status.TRACKING if seen else Status.LOST
    if not seen:
        return TrackResult(index, time_ns, time_ns, status)
    return TrackResult(index, time_ns, time_ns, status, head, Blendshapes(np.full(52, weight)))


def test_off_is_the_very_result_and_on_leaves_it_unchanged() -> None:
    given = result(0.7, 0.1, 0)
    assert Smoother(SmoothingSettings())(given) is given
    smoother = Smoother(SmoothingSettings(on=True, shapes_beta=0.0, shift_beta=0.0))
    smoother(result(0.0, 0.0, 0))
    later = result(1.0, 0.2, 1)
    found = smoother(later)
    a = 2 * np.pi * 1.5 * DT / (1 + 2 * np.pi * 1.5 * DT)
    assert found.blendshapes is not None
    assert found.head is not None
    np.testing.assert_allclose(found.blendshapes.weights, a, rtol=1e-6)
    assert found.head.camera_from_head[0, 3] == pytest.approx(0.2 * a, rel=1e-6)
    assert later.blendshapes is not None
    assert later.blendshapes.weights[0] == 1.0


def test_a_lost_face_is_not_smoothed_into_the_next_one() -> None:
    smoother = Smoother(SmoothingSettings(on=True))
    smoother(result(0.0, 0.0, 0))
    lost = result(0.0, 0.0, 1, seen=False)
    assert smoother(lost) is lost
    found = smoother(result(1.0, 0.3, 2))
    assert found.blendshapes is not None
    assert found.blendshapes.weights[0] == 1.0
