"""Jitter against series whose jitter is known, and the rival's smoothing against closed forms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from landmark_head import face_points

from engine.evaluation import jitter
from engine.evaluation.smoothing import delayed, one_euro


def test_noise_scatters_and_bends_by_its_deviation_and_drift_does_not_bend() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.3, (6000, 4, 2))
    found = jitter.jitter(noise, 2)
    assert found.scatter == pytest.approx(0.3, rel=0.02)
    assert found.bend == pytest.approx(0.3, rel=0.02)
    drift = jitter.jitter(np.linspace(0.0, 1.0, 101)[:, None])
    assert drift.scatter == pytest.approx(np.sqrt(101 * 102 / 12) / 100, rel=1e-6)
    assert drift.bend == pytest.approx(0.0, abs=1e-12)


def test_by_hand() -> None:
    # x: 0 1 0, y: 0: variances 1/3 and 0; second differences -2 and 0
    found = jitter.jitter(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), 2)
    assert found.scatter == pytest.approx(np.sqrt(1 / 6))
    assert found.bend == pytest.approx(np.sqrt(2.0) / np.sqrt(6.0))
    assert np.isnan(jitter.jitter(np.zeros((2, 1))).bend)


def test_the_known_shake_is_no_jitter_of_landmarks() -> None:
    rng = np.random.default_rng(1)
    shift = rng.normal(0, 0.4, (50, 2))
    still = face_points()[None] + shift[:, None]
    assert jitter.landmark_jitter(still, shift).scatter == pytest.approx(0.0, abs=1e-9)
    # Not taken off it is, in px of a face 256 px high (it is 140 high here).
    shaken = jitter.landmark_jitter(still, np.zeros((50, 2)))
    expected = np.sqrt(shift.var(axis=0, ddof=1).mean()) * 256 / 140
    assert shaken.scatter == pytest.approx(expected, rel=1e-6)


def test_shape_jitter_forgets_how_the_head_moves() -> None:
    rng = np.random.default_rng(2)
    points, count = face_points(), 40
    middle = points[:468].mean(axis=0)
    moved = np.array(
        [
            (1 + 0.02 * rng.normal()) * (points - middle) @ _turned(0.03 * rng.normal())
            + middle
            + rng.normal(0, 2.0, 2)
            for _ in range(count)
        ]
    )
    assert jitter.shape_jitter(moved).scatter < 0.15  # the mean of turned shapes is a bit smaller
    noisy = points + rng.normal(0, 0.5, (count, 478, 2))
    # Four of 936 numbers go into the similarity: what is left is nearly all.
    expected = 0.5 * 256 / np.ptp(noisy[:, :468, 1], axis=1).mean()
    assert jitter.shape_jitter(noisy).scatter == pytest.approx(expected, rel=0.02)


def test_rotations_about_one_axis_scatter_by_a_third_of_their_variance() -> None:
    angles = np.deg2rad(np.random.default_rng(3).normal(0.0, 0.6, 2000))
    base = cv2.Rodrigues(np.array([0.2, -0.4, 0.1]))[0]
    turned = np.array([cv2.Rodrigues(np.array([0.0, a, 0.0]))[0] @ base for a in angles])
    found = jitter.rotation_jitter_deg(turned)
    assert found.scatter == pytest.approx(0.6 / np.sqrt(3), rel=0.05)
    assert found.bend == pytest.approx(0.6 / np.sqrt(3), rel=0.05)


def test_poses_are_read_off_landmarks_as_they_were_projected() -> None:
    rng = np.random.default_rng(4)
    model = rng.uniform(-0.08, 0.08, (478, 3))
    intrinsics = np.array([[500.0, 0, 160], [0, 500, 120], [0, 0, 1]])
    vectors, places = rng.normal(0, 0.2, (5, 3)), rng.normal([0, 0, 0.5], 0.02, (5, 3))
    points = np.array(
        [
            cv2.projectPoints(model, v, p, intrinsics, None)[0][:, 0]
            for v, p in zip(vectors, places, strict=True)
        ]
    )
    found = jitter.poses_of(points, model, intrinsics)
    np.testing.assert_allclose(found[:, :3, 3], places, atol=1e-6)
    np.testing.assert_allclose(found[2, :3, :3], cv2.Rodrigues(vectors[2])[0], atol=1e-6)


def test_a_delayed_ramp_lags_by_what_is_asked_and_zero_is_untouched() -> None:
    ramp = np.arange(200.0)[:, None]
    assert ramp[-1, 0] - delayed(ramp, 1.7)[-1, 0] == pytest.approx(1.7, abs=1e-6)
    np.testing.assert_array_equal(delayed(ramp, 0.0), ramp)
    gap = ramp.copy()
    gap[50] = np.nan
    assert delayed(gap, 1.7)[51, 0] == 51.0  # a face found again starts afresh
    noise = np.random.default_rng(5).normal(size=(20000, 1))
    # variance of an exponential mean of white noise: a / (2 - a), here a = 1/2
    assert delayed(noise, 1.0).std() == pytest.approx(np.sqrt(1 / 3), rel=0.03)


def test_one_euro_against_a_plain_transcription_for_one_number() -> None:
    """Casiez et al. 2012, algorithm 1, for one coordinate; the size of the face is held at 100."""
    rng = np.random.default_rng(6)
    points = np.zeros((60, 3, 2))
    points[:, 1:] = (0.0, 0.0), (100.0, 100.0)
    points[:, 0, 0] = 50 + np.cumsum(rng.normal(0, 1.0, 60))
    points[:, 0, 1] = 50.0
    found = one_euro(points, 30.0, 0.5, 20.0, 1.0)[:, 0, 0]

    def alpha(cutoff: float) -> float:
        tau = 1 / (2 * np.pi * cutoff)
        return 1 / (1 + tau * 30.0)

    raw, filtered, speed = points[0, 0, 0], points[0, 0, 0], 0.0
    expected = [filtered]
    for value in points[1:, 0, 0]:
        slope = (value - raw) * 30.0 / 100.0
        speed = alpha(1.0) * slope + (1 - alpha(1.0)) * speed
        share = alpha(0.5 + 20.0 * abs(speed))
        filtered = share * value + (1 - share) * filtered
        raw = value
        expected.append(filtered)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def _turned(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
