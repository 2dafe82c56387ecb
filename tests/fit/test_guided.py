"""The guided calibration on a scripted performer who never reaches 0 nor 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_results import lost, tracked

from engine.errors import CalibrationError
from engine.fit.guided import POSES, GuidedCalibration
from engine.fit.person import PersonCalibration
from engine.fit.retarget import RetargetSettings, retarget, straightened
from engine.types import BLENDSHAPE_NAMES

STEP_NS = 33_333_333
REST, FULL = 0.2, 0.55


def _face(pose: str | None) -> np.ndarray:
    """Reads 0.2 at rest in the brows; a pose takes its shapes to 0.55."""
    face = np.zeros(52)
    face[BLENDSHAPE_NAMES.index("browInnerUp")] = REST
    for name in next((p.whole for p in POSES if p.name == pose), ()):
        face[BLENDSHAPE_NAMES.index(name)] = FULL
    return face


def _performed(guide: GuidedCalibration, *, idle: str = "", gone: str = "") -> None:
    """Do what is asked, a second late; `idle` is not performed, the face is away during `gone`."""
    rng, index, since, away = np.random.default_rng(0), 0, 0, 0
    step = -1
    while not guide.prompt.done:
        index += 1
        assert index < 5000
        prompt = guide.prompt
        since = 0 if prompt.step != step else since + 1
        step, pose = prompt.step, POSES[prompt.step].name
        if pose == gone and away < 300:
            away += 1
            guide.offer(lost(index, index * STEP_NS))
            continue
        face = _face(pose if since > 30 and pose != idle else None)
        readings = face + rng.normal(0, 0.01, 52)
        guide.offer(replace(tracked(index, index * STEP_NS), readings=readings))


def _sent(face: np.ndarray, person: object) -> np.ndarray:
    gaze = np.zeros((2, 2))
    return retarget(face, BLENDSHAPE_NAMES, gaze, person=person).weights  # type: ignore[arg-type]


def test_rest_becomes_nothing_and_a_full_pose_whole() -> None:
    guide = GuidedCalibration()
    _performed(guide)
    outcome = guide.outcome(RetargetSettings())
    at_rest = _sent(_face(None), outcome.calibration)
    assert _sent(_face(None), None)[BLENDSHAPE_NAMES.index("browInnerUp")] > 0.03
    np.testing.assert_allclose(at_rest, 0.0, atol=0.03)
    for pose in ("smile", "jaw open", "eyes closed", "brows up"):
        sent = _sent(_face(pose), outcome.calibration)
        for name in next(p.whole for p in POSES if p.name == pose):
            assert sent[BLENDSHAPE_NAMES.index(name)] > 0.93, name
            assert _sent(_face(pose), None)[BLENDSHAPE_NAMES.index(name)] < 0.9
    assert any(line.startswith("browInnerUp: +0.20 at rest") for line in outcome.changes)
    assert any(line.startswith("jawOpen: full at 0.5") for line in outcome.changes)


def test_a_pose_that_was_not_made_changes_nothing() -> None:
    guide = GuidedCalibration()
    _performed(guide, idle="cheeks puffed")
    outcome = guide.outcome(RetargetSettings())
    assert outcome.calibration.gain[BLENDSHAPE_NAMES.index("cheekPuff")] == 1.0
    assert any(line.startswith("cheekPuff: hardly moved") for line in outcome.changes)


def test_a_face_that_is_away_stops_the_clock() -> None:
    guide = GuidedCalibration()
    _performed(guide, gone="smile")
    settings = RetargetSettings()
    answers = next(row.gain for row in settings.shapes if row.name == "mouthSmileLeft")
    gain = guide.outcome(settings).calibration.gain[BLENDSHAPE_NAMES.index("mouthSmileLeft")]
    assert gain == pytest.approx(1.0 / (answers * FULL), rel=0.03)


def test_prompts_count_down_and_an_unfinished_calibration_is_refused() -> None:
    guide = GuidedCalibration(ready_s=1.0, hold_s=1.0)
    first = guide.prompt
    assert (first.step, first.steps, first.holding, first.done) == (0, len(POSES), False, False)
    assert first.seconds_left == pytest.approx(1.0)
    for index in range(46):
        guide.offer(replace(tracked(index, index * STEP_NS), readings=np.zeros(52)))
    assert guide.prompt.holding
    assert guide.prompt.seconds_left == pytest.approx(0.5, abs=0.05)
    with pytest.raises(CalibrationError, match="'smile'"):
        guide.outcome(RetargetSettings())


def _looking(guide: GuidedCalibration, gaze: np.ndarray, at_camera: np.ndarray | None) -> None:
    """Hold still through all poses with a gaze that is read like this."""
    index = 0
    looks = RetargetSettings().looks
    readings = _face(None)
    readings[looks.shape] = gaze.ravel()[looks.angle] * looks.slope
    while not guide.prompt.done:
        index += 1
        made = tracked(index, index * STEP_NS)
        if at_camera is not None and guide.prompt.step > 0:
            at_camera = at_camera + 0.01  # who turns the head later on is not looked at
        guide.offer(replace(made, readings=readings, at_camera=at_camera))


def test_a_gaze_that_is_read_wrong_is_straight_afterwards_for_eyes_and_shapes() -> None:
    """Of a head that faces past the camera: its eyes look to the side, and that is no error."""
    settings, names = RetargetSettings(), BLENDSHAPE_NAMES
    at_camera = np.deg2rad([[14.0, 8.0], [11.0, 8.0]])
    wrong = np.deg2rad([[-3.0, 6.0], [2.0, 5.0]])
    guide = GuidedCalibration()
    _looking(guide, at_camera + wrong, at_camera)
    person = guide.outcome(settings).calibration
    looked = np.deg2rad([[5.0, -10.0], [7.0, -9.0]])
    straight = straightened(looked + wrong, person, settings)
    np.testing.assert_allclose(straight, looked, atol=1e-9)
    shown = retarget(np.zeros(52), names, looked + wrong, person=person)
    nobody = PersonCalibration()
    np.testing.assert_allclose(
        shown.weights, retarget(np.zeros(52), names, looked, person=nobody).weights, atol=1e-6
    )
    assert shown["eyeLookUpLeft"] > 0.3


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_no_more_of_a_gaze_is_taken_off_than_it_may_be_read_wrong(sign: float) -> None:
    settings, guide = RetargetSettings(), GuidedCalibration()
    _looking(guide, np.full((2, 2), sign * 0.6), None)
    person = guide.outcome(settings).calibration
    off = straightened(np.zeros((2, 2)), person, settings)
    np.testing.assert_allclose(np.rad2deg(off), -sign * 12.0)
