"""The tracker on scripted faces: finding, following, losing, and what it says of it."""

from __future__ import annotations

import cv2
import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at

from engine.fit.fitted import roll_of
from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.fit.residuals import linearise
from engine.fit.rest import Rest
from engine.fit.settings import TrackerSettings
from engine.fit.tracker import Tracker
from engine.types import Camera, Frame, Status


def _tracker(network: FakeNetwork, distortion: np.ndarray | None = None) -> Tracker:
    bends = np.zeros(5) if distortion is None else distortion
    camera = Camera(INTRINSICS.copy(), bends, SIZE_PX)
    return Tracker(network.head, network, network, TrackerSettings(), camera)


def test_a_moving_face_is_followed_without_the_detector(head: OpenHead) -> None:
    def script(index: int):
        return state_at(
            head,
            (0.1 * np.sin(index / 6), 0.3 * np.sin(index / 9), 0.2 * np.sin(index / 8)),
            (0.10 * np.sin(index / 7), 0.03 * np.cos(index / 5), 0.5),
            jawOpen=max(0.0, 0.6 * np.sin(index / 4)),
            mouthSmileLeft=0.5,
        )

    network = FakeNetwork(head, np.random.default_rng(3).normal(size=60) * 0.7, script)
    tracker = _tracker(network)
    compiled = None
    for index in range(45):
        result = tracker.step(network.frame(index))
        assert result.status is Status.TRACKING, tracker.doubt
        assert result.head is not None
        assert result.blendshapes is not None
        off = (result.head.points_px - network.truth(index))[fit_scene.face_vertices(head)]
        assert np.median(np.linalg.norm(off, axis=1)) < 2.0
        compiled = compiled or len(linearise.signatures)
        sure = result.head.deviations
        assert sure is not None
        assert (sure.pose > 0).all()
        assert (sure.pose < 0.1).all()
        assert result.blendshapes.sd is not None
        assert ((result.blendshapes.sd >= 0) & (result.blendshapes.sd <= 1)).all()
    assert network.detections == 1
    assert len(linearise.signatures) == compiled, "read-only values made numba compile again"
    assert result.blendshapes["jawOpen"] == pytest.approx(
        float(script(44).expression[head.expression_names.index("jawOpen")]), abs=0.1
    )
    assert set(result.stage_ns) == {"detect", "crop", "align", "fit", "retarget"}
    assert 0 < sum(result.stage_ns.values()) <= result.finished_ns


def test_the_crop_runs_ahead_of_a_face_and_turns_with_it(head: OpenHead) -> None:
    def script(index: int):
        return state_at(head, (0.0, 0.0, 0.35), (-0.15 + 0.012 * index, 0.0, 0.5))

    network = FakeNetwork(head, np.zeros(60), script)
    tracker = _tracker(network)
    for index in range(20):
        tracker.step(network.frame(index))
    face = landmarks(head, network.truth(19))[:468]
    turn = cv2.getRotationMatrix2D((0, 0), np.rad2deg(0.35), 1.0)[:, :2]
    upright = face @ turn.T
    centre = turn.T @ (upright.min(axis=0) + upright.max(axis=0)) / 2
    crop = network.crops[-1]
    middle = crop.image_from_crop @ [crop.size_px / 2, crop.size_px / 2, 1.0]
    speed_px = 600 * 0.012 / 0.5
    # From the last outline alone the crop would lag by one frame's motion.
    assert abs(middle[0] - centre[0]) < 0.6 * speed_px
    axis = crop.image_from_crop[:2, 0]
    assert np.arctan2(axis[1], axis[0]) == pytest.approx(0.35, abs=0.03)


def test_a_vanished_face_is_lost_at_once_then_searched_then_found(head: OpenHead) -> None:
    def script(index: int):
        return None if 8 <= index < 14 else state_at(head, (0, 0.1, 0), jawOpen=0.3)

    network = FakeNetwork(head, np.zeros(60), script)
    tracker = _tracker(network)
    results = [tracker.step(network.frame(index)) for index in range(18)]
    assert [r.status for r in results[:8]] == [Status.TRACKING] * 8
    assert results[8].status is Status.LOST
    assert [r.status for r in results[9:14]] == [Status.SEARCHING] * 5
    assert [r.status for r in results[14:]] == [Status.TRACKING] * 4
    for result in results[8:14]:
        assert result.head is None
        assert result.blendshapes is None
        assert result.alignment is None
    assert tracker.doubt is None


def test_an_unsure_network_loses_the_face_although_one_is_detected(head: OpenHead) -> None:
    network = FakeNetwork(head, np.zeros(60), lambda _: state_at(head))
    tracker = _tracker(network)
    assert tracker.step(network.frame(0)).status is Status.TRACKING
    network.blind = True
    result = tracker.step(network.frame(1))
    assert result.status is Status.LOST
    assert result.head is None
    assert tracker.doubt is not None


def test_points_that_fit_are_not_believed_of_an_unsure_network(head: OpenHead) -> None:
    """Such are the mean faces that a network guesses where there is none."""
    network = FakeNetwork(head, np.zeros(60), lambda _: state_at(head))
    network.align = lambda frame, crop, memory=None: fit_scene.alignment(  # type: ignore[method-assign]
        network.truth(frame.index).copy(), 25.0
    )
    tracker = _tracker(network)
    assert tracker.step(network.frame(0)).status is Status.SEARCHING
    assert tracker.doubt == "network unsure"


def test_a_sure_network_that_draws_no_head_is_not_believed(head: OpenHead) -> None:
    """Small sigma alone must not carry: the points of a shuffled face fit no head."""
    network = FakeNetwork(head, np.zeros(60), lambda _: state_at(head))
    shuffled = network.rng.permutation(len(head.neutral))
    network.align = lambda frame, crop, memory=None: fit_scene.alignment(  # type: ignore[method-assign]
        network.truth(frame.index)[shuffled], 0.5
    )
    tracker = _tracker(network)
    for index in range(5):
        assert tracker.step(network.frame(index)).status is Status.SEARCHING


def test_a_jump_is_found_again_in_the_same_frame(head: OpenHead) -> None:
    def script(index: int):
        return state_at(head, position_m=(-0.12 if index < 5 else 0.12, 0.0, 0.5))

    network = FakeNetwork(head, np.zeros(60), script)
    tracker = _tracker(network)
    results = [tracker.step(network.frame(index)) for index in range(8)]
    assert all(r.status is Status.TRACKING for r in results)
    assert network.detections == 2


def test_a_video_that_is_wound_is_looked_at_anew(head: OpenHead) -> None:
    network = FakeNetwork(head, np.zeros(60), lambda index: state_at(head))
    tracker = _tracker(network)
    for index in range(6):
        frame = network.frame(index)
        frame = Frame(frame.image.copy(), index, frame.captured_ns, passage=int(index >= 4))
        assert tracker.step(frame).status is Status.TRACKING
        assert network.detections == (2 if index >= 4 else 1)


def test_another_person_is_learnt_anew(head: OpenHead, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[Rest] = []
    forget = Rest.forget

    def counted(rest: Rest) -> None:
        forgotten.append(rest)
        forget(rest)

    first, second = 1.6 * np.random.default_rng(1).normal(size=(2, 60))

    def script(index: int):
        return state_at(head, (0, 0.3 * np.sin(index / 5), 0), (0, 0, 0.4))

    network = FakeNetwork(head, first, script, own_px=0.1, common_px=0.1)
    settings = TrackerSettings(stranger_share=0.006, stranger_after_s=0.3)
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    tracker = Tracker(head, network, network, settings, camera)
    for index in range(20):
        tracker.step(network.frame(index))
    known = tracker.identity_coefficients.copy()
    assert np.dot(known, first) > 0
    monkeypatch.setattr(Rest, "forget", counted)
    network.identity = second
    for index in range(20, 60):
        tracker.step(network.frame(index))
    learnt = tracker.identity_coefficients
    assert np.linalg.norm(learnt - second) < np.linalg.norm(known - second)
    assert np.linalg.norm(learnt - second) < np.linalg.norm(learnt - first)
    assert forgotten  # nor is the first one's rest the second one's


def test_a_bent_lens_is_undone_and_put_back(head: OpenHead) -> None:
    """cv2.projectPoints bends the points; the head must come out where it is."""
    lens = np.array([-0.25, 0.08, 0.002, -0.001, 0.0])
    truth = state_at(head, (0.1, 0.1, 0.0), (0.12, -0.05, 0.45))
    network = FakeNetwork(head, np.zeros(60), lambda _: truth)
    places = fit_scene.skinning.vertices(
        head, np.zeros(60), truth.expression, truth.gaze, truth.neck
    ).astype(float)
    turn = cv2.Rodrigues(truth.camera_from_head[:3, :3])[0]
    shift = truth.camera_from_head[:3, 3]
    bent = cv2.projectPoints(places, turn, shift, INTRINSICS, lens)[0][:, 0]
    network.truth = lambda index: bent  # type: ignore[method-assign]
    network.align = lambda frame, crop, memory=None: fit_scene.alignment(bent.copy(), 0.2)  # type: ignore[method-assign]
    tracker = _tracker(network, lens)
    for index in range(3):
        result = tracker.step(network.frame(index))
    assert result.head is not None
    face = fit_scene.face_vertices(head)
    assert np.linalg.norm((result.head.points_px - bent)[face], axis=1).mean() < 0.5
    np.testing.assert_allclose(result.head.camera_from_head[:3, 3], shift, atol=0.004)


@pytest.mark.parametrize("roll", [-2.0, -0.4, 0.0, 0.7])
def test_roll_is_the_heads_rotation_in_the_image(head: OpenHead, roll: float) -> None:
    assert roll_of(state_at(head, (0, 0, roll)).camera_from_head) == pytest.approx(roll)
