"""The next session: converged at once for the same person, untouched by a stranger."""

from __future__ import annotations

import numpy as np
import pytest
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at

from engine.fit.heads.open_head import OpenHead
from engine.fit.person import FocalLength, PersonCalibration, StoredPerson
from engine.fit.recognition import misfit
from engine.fit.settings import TrackerSettings
from engine.fit.solver import FitState
from engine.fit.tracker import Tracker
from engine.types import Camera

FRAMES = 60


def _script(head: OpenHead, index: int) -> FitState:
    beat = np.sin(index / np.array([7.0, 11.0, 5.0]))
    return state_at(
        head,
        (0.15 * beat[0], 0.45 * beat[1], 0.0),
        (0.0, 0.0, 0.5),
        jawOpen=max(0.0, 0.5 * beat[2]),
    )


def _session(
    head: OpenHead, identity: np.ndarray, person: StoredPerson | None, frames: int = FRAMES
) -> tuple[Tracker, list[StoredPerson]]:
    kept: list[StoredPerson] = []
    network = FakeNetwork(head, identity, lambda index: _script(head, index), seed=frames)
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX, name="cam")
    tracker = Tracker(head, network, network, TrackerSettings(), camera, person, kept.append)
    for index in range(frames):
        tracker.step(network.frame(index))
    return tracker, kept


@pytest.fixture(scope="module")
def anna(head: OpenHead) -> tuple[np.ndarray, StoredPerson]:
    """Somebody and what a first session has kept of them."""
    identity = np.random.default_rng(1).normal(size=60)
    tracker, kept = _session(head, identity, StoredPerson("anna", "open", "ab"))
    tracker.close()
    return identity, kept[0]


def test_misfit_is_none_for_the_best_shape_and_one_for_the_mean_head() -> None:
    rng = np.random.default_rng(0)
    root, best = rng.normal(size=(80, 60)), rng.normal(size=60)
    information = root.T @ root
    pull = information @ best
    assert misfit(best, information, pull) == pytest.approx(0.0, abs=1e-3)
    assert misfit(np.zeros(60), information, pull) == pytest.approx(1.0)
    assert misfit(rng.normal(size=60), information, pull) > 1.0


def test_the_next_session_starts_converged_and_goes_on(
    head: OpenHead, anna: tuple[np.ndarray, StoredPerson]
) -> None:
    identity, stored = anna
    assert stored.knowledge is not None
    learnt = np.linalg.norm(stored.knowledge.shape - identity)
    fresh, _ = _session(head, identity, None, frames=1)
    again, kept = _session(head, identity, stored, frames=1)
    error = np.linalg.norm(again.identity_coefficients - identity)
    assert error < 1.1 * learnt
    assert error < 0.8 * np.linalg.norm(fresh.identity_coefficients - identity)
    again.close()
    assert kept[0].knowledge is not None
    # Another minute goes on from there: the same evidence and more.
    longer, kept = _session(head, identity, stored)
    longer.close()
    assert kept[0].knowledge is not None
    assert kept[0].knowledge.worth >= stored.knowledge.worth
    assert np.linalg.norm(kept[0].knowledge.shape - identity) < 1.1 * learnt


def test_a_stranger_does_not_overwrite_the_stored_person(
    head: OpenHead, anna: tuple[np.ndarray, StoredPerson]
) -> None:
    identity, stored = anna
    assert stored.knowledge is not None
    stranger = np.random.default_rng(3).normal(size=60)
    tracker, kept = _session(head, stranger, stored)
    tracker.close()
    assert kept[0].knowledge is not None
    np.testing.assert_array_equal(kept[0].knowledge.shape, stored.knowledge.shape)
    np.testing.assert_array_equal(kept[0].knowledge.information, stored.knowledge.information)
    learnt = tracker.identity_coefficients
    assert np.linalg.norm(learnt - stranger) < np.linalg.norm(learnt - identity), (
        "a guest is learnt"
    )


def test_the_stored_person_is_recognised_after_a_stranger(
    head: OpenHead, anna: tuple[np.ndarray, StoredPerson]
) -> None:
    identity, stored = anna
    stranger = np.random.default_rng(3).normal(size=60)
    calibration = PersonCalibration(np.full(52, 1.0), np.ones(52))  # silences every shape
    stored = StoredPerson("anna", "open", "ab", stored.knowledge, stored.focal, calibration)
    network = FakeNetwork(head, stranger, lambda index: _script(head, index))
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX, name="cam")
    tracker = Tracker(head, network, network, TrackerSettings(), camera, stored)
    for index in range(30):
        result = tracker.step(network.frame(index))
    assert result.blendshapes is not None
    assert result.blendshapes.weights.max() > 0, "a guest is not calibrated as somebody else"
    network.identity = identity
    tracker._learner.restart()  # as the watch for strangers does
    for index in range(30, 60):
        result = tracker.step(network.frame(index))
    assert result.blendshapes is not None
    np.testing.assert_array_equal(result.blendshapes.weights, 0.0)


def test_the_focal_length_is_kept_by_camera_and_size(
    head: OpenHead, anna: tuple[np.ndarray, StoredPerson]
) -> None:
    _, stored = anna
    assert list(stored.focal) == ["cam 640x480"]
    assert stored.focal["cam 640x480"].focal_px == pytest.approx(600.0, rel=0.06)
    assumed = Camera(INTRINSICS * 1.2, np.zeros(5), SIZE_PX, name="cam")
    known = StoredPerson("x", "open", "ab", focal={"cam 640x480": FocalLength(600.0, 0.02)})
    mean, sigma = known.focal_of(assumed) or (0.0, 0.0)
    assert (mean, sigma) == (pytest.approx(-np.log(1.2)), 0.02)
    assert known.focal_of(Camera(INTRINSICS.copy(), np.zeros(5), (1280, 720), name="cam")) is None
    assert stored.knowledge is not None
    calibrated = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX, name="b", calibrated=True)
    assert known.after(stored.knowledge, calibrated).focal == known.focal
