"""Learning beside the tracker: it never waits, never jumps, and forgets when told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at

from engine.fit.enrol import Enrolment, warm_up
from engine.fit.heads.open_head import OpenHead
from engine.fit.learner import Beside, Sight
from engine.fit.settings import EnrolSettings, TrackerSettings
from engine.fit.solver import Solver
from engine.fit.tracker import Tracker
from engine.types import Camera, Status, TrackResult

PATIENCE_S = 60.0


@pytest.fixture
def beside(head: OpenHead) -> Iterator[tuple[Beside, Solver]]:
    solver, own = Solver(head), Solver(head)
    enrolment = Enrolment(own, INTRINSICS)
    warm_up(own, enrolment)
    learner = Beside(solver, enrolment, own)
    yield learner, solver
    learner.close()


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.001)


def _sight(solver: Solver, person: np.ndarray, turn: float = 0.0) -> Sight:
    truth = state_at(solver.head, (0.0, turn, 0.0))
    seen = fit_scene.seen(solver.head, person, truth, np.random.default_rng(3))
    return Sight(solver.measured(seen), truth, None, None)


def test_what_was_learnt_is_taken_over_when_asked_for(beside: tuple[Beside, Solver]) -> None:
    learner, solver = beside
    person = np.random.default_rng(1).normal(size=60)
    assert not learner.news()
    assert not learner.offer(_sight(solver, person))
    _until(learner.news)
    np.testing.assert_array_equal(learner.intrinsics[:2, 2], INTRINSICS[:2, 2])
    assert learner.intrinsics[0, 0] != INTRINSICS[0, 0]
    assert np.dot(solver.identity.coefficients, person) > 0
    assert not learner.news()


def test_it_learns_the_same_as_in_step(beside: tuple[Beside, Solver], head: OpenHead) -> None:
    """Given time after every frame, the thread has nothing to leave out."""
    learner, solver = beside
    person = np.random.default_rng(2).normal(size=60)
    in_step = Solver(head)
    enrolment = Enrolment(in_step, INTRINSICS)
    for _ in range(2):
        sight = _sight(solver, person)
        enrolment.observe(sight.measurement, sight.state)
        learner.offer(sight)
        _until(learner.news)
    # The thread first fits the frame to the person known by then.
    np.testing.assert_allclose(
        solver.identity.coefficients, in_step.identity.coefficients, atol=0.15
    )


def test_a_forgotten_person_does_not_come_back(
    beside: tuple[Beside, Solver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the thread was working on when the stranger came is thrown away."""
    learner, solver = beside
    working, go_on, observe = threading.Event(), threading.Event(), Enrolment.observe

    def slow(*args: object) -> bool:
        working.set()
        assert go_on.wait(PATIENCE_S)
        return observe(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Enrolment, "observe", slow)
    first, second = 2.0 * np.random.default_rng(4).normal(size=(2, 60))
    learner.offer(_sight(solver, first))
    assert working.wait(PATIENCE_S)
    learner.restart()
    np.testing.assert_array_equal(solver.identity.coefficients, 0.0)
    working.clear()
    go_on.set()
    learner.offer(_sight(solver, second))
    assert working.wait(PATIENCE_S)
    _until(learner.news)
    learnt = solver.identity.coefficients
    assert np.linalg.norm(learnt - second) < np.linalg.norm(learnt - first)
    assert np.dot(learnt, second) > 0


def test_what_breaks_on_the_thread_is_told(head: OpenHead, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Enrolment, "observe", broken)
    solver, own = Solver(head), Solver(head)
    learner = Beside(solver, Enrolment(own, INTRINSICS), own)

    def told() -> bool:
        try:
            return learner.news()
        except ZeroDivisionError:
            return True

    learner.offer(_sight(solver, np.zeros(60)))
    _until(told)
    with pytest.raises(ZeroDivisionError):
        learner.close()


def _tracker(network: FakeNetwork) -> Tracker:
    settings = TrackerSettings(enrol=EnrolSettings(threaded=True))
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    return Tracker(network.head, network, network, settings, camera)


def test_no_frame_waits_for_the_person_and_none_jumps_when_it_comes(
    head: OpenHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread is held up for ten frames of a still face, then lets go."""
    go_on, observe = threading.Event(), Enrolment.observe

    def slow(self: Enrolment, *args: object) -> bool:
        if threading.current_thread() is not threading.main_thread():
            assert go_on.wait(PATIENCE_S)
        return observe(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Enrolment, "observe", slow)
    person = 1.5 * np.random.default_rng(5).normal(size=60)
    truth = state_at(head, (0.1, 0.3, 0.0), jawOpen=0.3)
    network = FakeNetwork(head, person, lambda _: truth, own_px=0.0, common_px=0.0)
    tracker = _tracker(network)
    results: list[TrackResult] = [tracker.step(network.frame(index)) for index in range(10)]
    assert all(result.status is Status.TRACKING for result in results)
    np.testing.assert_array_equal(tracker.identity_coefficients, 0.0)
    go_on.set()
    index = 10
    while not np.any(tracker.identity_coefficients):
        results.append(tracker.step(network.frame(index)))
        index += 1
        time.sleep(0.01)
        assert index < 1000, "no person came"
    tracker.close()
    face = fit_scene.face_vertices(head)
    points = [result.head.points_px[face] for result in results if result.head is not None]
    off = [np.linalg.norm(p - network.truth(0)[face], axis=1).mean() for p in points]
    moved = np.linalg.norm(points[-1] - points[-2], axis=1).mean()
    assert off[-1] < 0.3 * off[-2]
    assert moved < 1.1 * off[-2], "moved by more than what was wrong before"
