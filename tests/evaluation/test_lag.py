"""`bench lag`: answers whose lag is known, read as everybody's is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from landmark_head import face_points, landmark_head

from engine.config import TrackerConfig
from engine.errors import TrackingError
from engine.evaluation import lag
from engine.evaluation.lag import Answer
from engine.evaluation.openings import OPENINGS
from engine.types import (
    BLENDSHAPE_NAMES,
    Alignment,
    Blendshapes,
    Camera,
    Frame,
    HeadState,
    Status,
    TrackResult,
)

MODEL = np.pad((face_points() - [100.0, 120.0]) / 1000, ((0, 0), (0, 1)))
MODEL[:, 2] = np.random.default_rng(3).uniform(-0.03, 0.03, 478)


def test_an_answer_is_counted_from_the_frame_of_the_step() -> None:
    series = np.zeros(60)
    series[40:] = 2.0
    assert lag.answer(series, 40, 60) == Answer(0.0, 1.0)
    slow = np.zeros(60)
    slow[40:] = 2.0 * (1 - 0.5 ** np.arange(1, 21))  # 0.5, 0.75, 0.875, 0.94 of the way
    frames, at_once = lag.answer(slow, 40, 60)
    assert frames == 3.0
    assert at_once == pytest.approx(0.5, abs=1e-3)
    assert lag.answer(5.0 - 3 * slow, 40, 60).frames == 3.0  # downwards as well
    lost = series.copy()
    lost[50] = np.nan
    assert np.isnan(lag.answer(lost, 40, 60).frames)


def test_what_is_added_is_counted_step_by_step() -> None:
    nan = float("nan")
    found = {
        lag.ALIGNMENT: {"yaw": [Answer(1.0, 0.8), Answer(0.0, 1.0), Answer(2.0, 0.5)]},
        "shipped": {"yaw": [Answer(1.0, 0.8), Answer(3.0, 0.6), Answer(nan, nan)]},
    }
    row = lag.summary(found)["shipped"]["yaw"]
    assert (row["steps"], row["frames"], row["added"], row["added_worst"]) == (2, 2.0, 1.5, 3.0)
    assert row["at_once"] == pytest.approx(0.7)


def test_yaw_is_the_turn_about_the_vertical_and_openings_are_in_widths() -> None:
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[1, :3, :3] = cv2.Rodrigues(np.array([0.0, 0.17, 0.0]))[0]
    poses[:, 2, 3] = 0.6
    np.testing.assert_allclose(lag.yaw_of(poses), [0.0, 0.17], atol=1e-12)
    camera = np.array([[400.0, 0, 160], [0, 400, 160], [0, 0, 1]])
    points = np.array([_projected(pose, camera) for pose in poses])
    np.testing.assert_allclose(
        lag.read_points(points, "yaw", MODEL, camera), [0.0, 0.17], atol=1e-6
    )
    flat = face_points()[None]
    mouth = lag.read_points(flat, "jaw", MODEL, camera)
    assert mouth[0] == pytest.approx((6 + 8 + 6) / 3 / 40)  # as landmark_head has it


def _projected(pose: np.ndarray, camera: np.ndarray) -> np.ndarray:
    turn = cv2.Rodrigues(pose[:3, :3])[0]
    return cv2.projectPoints(MODEL, turn, pose[:3, 3], camera, None)[0][:, 0]


class Jumping:
    """Sees at once whether the picture is bright; its fit answers two frames later."""

    def __init__(self, camera: Camera, lost: bool) -> None:
        self._camera, self._lost = camera, lost
        self._seen = [False] * 2

    def step(self, frame: Frame) -> TrackResult:
        if self._lost:
            return TrackResult(frame.index, 0, 0, Status.LOST)
        now = bool(frame.image.mean() > 100)
        self._seen.append(now)
        late = self._seen[-3]
        pose, sent = np.eye(4), np.eye(4)
        pose[2, 3] = sent[2, 3] = 0.6
        pose[:3, :3] = cv2.Rodrigues(np.array([0.0, 0.17 * now, 0.0]))[0]
        sent[:3, :3] = cv2.Rodrigues(np.array([0.0, 0.17 * late, 0.0]))[0]
        points = _projected(pose, self._camera.intrinsics)
        if now:
            points[[lower for _, lower in OPENINGS["mouth"].pairs], 1] += 8.0
        weights = np.zeros(52)
        weights[BLENDSHAPE_NAMES.index("jawOpen")] = 0.7 * late
        return TrackResult(
            frame.index, 0, 0, Status.TRACKING,
            head=HeadState(sent, np.zeros(52), np.zeros((2, 2)), np.zeros(3),
                           points, MODEL.copy(), 1.0),
            blendshapes=Blendshapes(weights),
            alignment=Alignment(points.copy(), np.ones(478), np.arange(478, dtype=np.int32)),
            camera=self._camera,
        )  # fmt: skip


class JumpingMaker:
    about = "made up"

    def __init__(self, lost: bool = False) -> None:
        self._lost = lost

    def __call__(self, config: TrackerConfig, camera: Camera, *, live: bool = False) -> Jumping:
        return Jumping(camera, self._lost)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("step", lag.STEPS)
def test_a_fit_that_answers_late_is_found_out(step: str) -> None:
    dark, bright = np.full((64, 64, 3), 60, np.uint8), np.full((64, 64, 3), 160, np.uint8)
    images = lag.filmed(dark, bright, np.random.default_rng(0))
    assert len(images) == lag.SETTLING + 2 * lag.HELD
    assert images[lag.SETTLING - 1].mean() < 100 < images[lag.SETTLING].mean()
    makers: dict[str, Any] = {"shipped": JumpingMaker()}
    series = lag.everybody(landmark_head(), makers, TrackerConfig(), None, images, step)
    for way in (0, 1):
        begin = lag.SETTLING + lag.HELD * way
        assert lag.answer(series[lag.ALIGNMENT], begin, begin + lag.HELD).frames == 0.0
        assert lag.answer(series["shipped"], begin, begin + lag.HELD).frames == 2.0
    makers = {"shipped": JumpingMaker(lost=True)}
    with pytest.raises(TrackingError, match="lost"):
        lag.everybody(landmark_head(), makers, TrackerConfig(), None, images, step)


def test_a_person_is_drawn_in_every_state() -> None:
    """The jaw changes the mouth and not the brow; the turn changes the whole face."""
    from engine import assembly
    from engine.resources import data_folder
    from engine.training.render import steps

    if not (data_folder() / "hdri").is_dir():
        pytest.skip("needs FLOWFACE_DATA")
    renderer = steps.renderer_of(assembly.head_file("open"))
    pictures = steps.step_pictures(renderer, data_folder(), 3)
    change = {
        name: np.abs(pictures[name].astype(int) - pictures["rest"]).mean(axis=2)
        for name in ("jaw", "yaw")
    }
    upper, lower = change["jaw"][100:140, 100:220].mean(), change["jaw"][190:240, 100:220].mean()
    assert lower > 8 * upper
    assert change["yaw"][100:140, 100:220].mean() > 3 * upper


def test_a_person_is_drawn_with_any_expression_and_hair_that_covers_an_eye_is_seen() -> None:
    """At rest the picture is that of the steps; one brow changes one half of the face."""
    from engine import assembly
    from engine.resources import data_folder
    from engine.training.render import steps

    if not (data_folder() / "hdri").is_dir():
        pytest.skip("needs FLOWFACE_DATA")
    renderer, data = steps.renderer_of(assembly.head_file("open")), data_folder()
    expressions = np.zeros((2, 52))
    expressions[1, BLENDSHAPE_NAMES.index("browOuterUpLeft")] = 0.8
    rest, raised = steps.expression_pictures(renderer, data, 3, expressions)
    np.testing.assert_array_equal(rest, steps.step_pictures(renderer, data, 3)["rest"])
    change = np.abs(raised.astype(int) - rest).mean(axis=2)
    assert change[:, 160:].mean() > 5 * change[:, :160].mean()  # the subject's left
    assert steps.uncovered(renderer, data, 3)
    assert not steps.uncovered(renderer, data, 1)  # a bob hides the right eye
