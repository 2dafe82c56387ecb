"""The quadratic of the shared unknowns, against least squares on the stacked measurements."""

from __future__ import annotations

import numpy as np
import pytest
from fit_scene import state_at

from engine.fit.evidence import Evidence
from engine.fit.heads.open_head import OpenHead
from engine.fit.keyframes import Poses
from engine.fit.settings import EnrolSettings

SIZE = 4


def _measured(rng: np.random.Generator, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and what they say of the truth, with unit noise."""
    rows = rng.normal(size=(6, SIZE))
    return rows, rows @ truth + rng.normal(size=6)


def test_minimum_is_the_weighted_least_squares_solution() -> None:
    rng = np.random.default_rng(0)
    truth, precision = rng.normal(size=SIZE), rng.uniform(0.5, 2.0, SIZE)
    evidence, stacked, said = Evidence(SIZE, 100.0), [], []
    for worth in (1.0, 0.25, 0.5):
        rows, values = _measured(rng, truth)
        evidence.add(rows.T @ rows, rows.T @ values, worth)
        stacked.append(np.sqrt(worth) * rows)
        said.append(np.sqrt(worth) * values)
    stacked.append(np.diag(np.sqrt(precision)))
    said.append(np.zeros(SIZE))
    expected = np.linalg.lstsq(np.concatenate(stacked), np.concatenate(said), rcond=None)[0]
    np.testing.assert_allclose(evidence.minimum(precision, np.zeros(SIZE)), expected, atol=1e-9)


def test_what_is_remembered_stays_bounded_and_the_last_is_no_more_than_one_of_many() -> None:
    """A thousand keyframes are worth as many as are remembered, each but its share of them."""
    evidence = Evidence(1, 40.0)
    for _ in range(1000):
        evidence.add(np.ones((1, 1)), np.zeros(1), 1.0)
    assert evidence.worth == pytest.approx(40.0)
    assert evidence.information[0, 0] == pytest.approx(40.0)
    evidence.add(np.ones((1, 1)), np.ones(1), 1.0)
    assert evidence.minimum(np.zeros(1), np.zeros(1))[0] == pytest.approx(1 / 40)


def test_gain_is_half_the_logarithm_of_the_volumes_ratio() -> None:
    rng = np.random.default_rng(1)
    precision, rows = rng.uniform(0.5, 2.0, SIZE), rng.normal(size=(6, SIZE))
    evidence = Evidence(SIZE, 100.0)
    evidence.add(rows.T @ rows, np.zeros(SIZE), 1.0)
    more = rng.normal(size=(3, SIZE))
    gain = evidence.gain(more.T @ more, precision)
    before = np.linalg.inv(rows.T @ rows + np.diag(precision))
    after = np.linalg.inv(rows.T @ rows + more.T @ more + np.diag(precision))
    assert gain == pytest.approx(0.5 * np.log(np.linalg.det(before) / np.linalg.det(after)))
    assert evidence.gain(np.zeros((SIZE, SIZE)), precision) == pytest.approx(0.0)


def test_without_the_last_unknown_the_others_keep_minimum_and_covariance() -> None:
    rng = np.random.default_rng(2)
    evidence = Evidence(SIZE, 100.0)
    rows, values = _measured(rng, rng.normal(size=SIZE))
    evidence.add(rows.T @ rows, rows.T @ values, 1.0)
    information, pull = evidence.without_last(3.0)
    whole = evidence.information + np.diag([0.0, 0.0, 0.0, 3.0])
    np.testing.assert_allclose(np.linalg.inv(information), np.linalg.inv(whole)[:-1, :-1])
    expected = np.linalg.solve(whole, evidence.pull)[:-1]
    np.testing.assert_allclose(np.linalg.solve(information, pull), expected)


def test_likeness_falls_with_turn_and_expression(head: OpenHead) -> None:
    settings = EnrolSettings()
    poses = Poses(52, 3, settings)
    assert poses.likeness(state_at(head)) == 0.0
    poses.add(state_at(head))
    assert poses.likeness(state_at(head)) == pytest.approx(1.0)
    turned = state_at(head, (0.0, settings.alike_rotation_rad, 0.0))
    assert poses.likeness(turned) == pytest.approx(np.exp(-0.5))
    smiling = state_at(head, mouthSmileLeft=settings.alike_expression)
    assert poses.likeness(smiling) == pytest.approx(np.exp(-0.5))
    both = state_at(
        head, (settings.alike_rotation_rad, 0, 0), mouthSmileLeft=settings.alike_expression
    )
    assert poses.likeness(both) == pytest.approx(np.exp(-1.0))


def test_the_oldest_poses_make_room(head: OpenHead) -> None:
    poses = Poses(52, 3, EnrolSettings())
    for turn in (0.0, 1.0, 2.0, 3.0):
        poses.add(state_at(head, (0.0, turn, 0.0)))
    assert poses.likeness(state_at(head)) < 1e-6
    assert poses.likeness(state_at(head, (0.0, 3.0, 0.0))) == pytest.approx(1.0)
    assert len(poses) == 3
    again = Poses(52, 2, EnrolSettings())
    again.restore(poses.rotations, poses.expressions)
    assert len(again) == 2
