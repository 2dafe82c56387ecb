from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from landmark_head import face_points, landmark_head
from videos import picture, write_video

from engine.config import TrackerConfig
from engine.evaluation import tables, tracks, video
from engine.evaluation.datasets import clips
from engine.evaluation.datasets.clips import Clip
from engine.evaluation.tracks import Track
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

FRAMES = 40


def teacher() -> np.ndarray:
    """Return 40 frames (40, 478, 2) in which the right eye blinks once and the mouth opens."""
    track = np.repeat(face_points()[None], FRAMES, axis=0)
    for t in range(10, 16):
        for upper, lower in ((158, 153), (159, 145), (160, 144)):
            track[t, lower] = track[t, upper]
    track[:, [178, 14, 402], 1] += 10 * np.abs(np.sin(np.arange(FRAMES) / 5))[:, None]
    return track


class Scripted:
    """A tracker that says what it is told, and has lost the face in frame 3."""

    def __init__(self, points: np.ndarray) -> None:
        self._points = points

    def step(self, frame: Frame) -> TrackResult:
        if frame.index == 3:
            return TrackResult(frame.index, frame.captured_ns, frame.captured_ns, Status.LOST)
        points = self._points[frame.index]
        weights = np.zeros(52, np.float32)
        shut = float(np.linalg.norm(points[159] - points[145]) < 1)
        weights[BLENDSHAPE_NAMES.index("eyeBlinkRight")] = shut
        return TrackResult(
            frame.index,
            frame.captured_ns,
            frame.captured_ns,
            Status.TRACKING,
            head=HeadState(
                camera_from_head=np.eye(4),
                expression=np.zeros(52),
                gaze=np.zeros((2, 2)),
                neck=np.zeros(3),
                points_px=points + 2.0,
                vertices=np.zeros((478, 3)),
                rms_px=1.0,
            ),
            blendshapes=Blendshapes(weights),
            alignment=Alignment(
                points + np.array([0.0, 1.0]), np.ones(478), np.arange(478, dtype=np.int32)
            ),
            stage_ns={"align": 3_000_000},
        )


class ScriptedMaker:
    about = "made up"

    def __init__(self, points: np.ndarray) -> None:
        self._points = points
        self.camera: Camera | None = None

    def __call__(self, config: TrackerConfig, camera: Camera, *, live: bool = False) -> Scripted:
        self.camera = camera
        return Scripted(self._points)

    def close(self) -> None:
        pass


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    path = write_video(tmp_path / "made.mp4", range(0, 40 * FRAMES, 40))
    return Clip("made", path, teacher())


@pytest.fixture
def found(clip: Clip) -> Track:
    maker: Any = ScriptedMaker(clip.teacher_px)
    return tracks.track(clip, landmark_head(), maker, TrackerConfig(), None)


def test_every_frame_is_kept_and_a_lost_one_is_nan(clip: Clip, found: Track) -> None:
    assert found.tracked.tolist() == [t != 3 for t in range(FRAMES)]
    assert np.isnan(found.fit_px[3]).all()
    assert np.isnan(found.blendshapes[3]).all()
    np.testing.assert_allclose(found.fit_px[7], clip.teacher_px[7] + 2.0)
    np.testing.assert_allclose(found.alignment_px[7], clip.teacher_px[7] + np.array([0.0, 1.0]))
    assert found.stage_ms[7].tolist() == [0.0, 0.0, 3.0, 0.0, 0.0]


def test_figures_of_a_clip(clip: Clip, found: Track) -> None:
    figures = video.measured(clip, found, with_motion=False)
    assert figures["tracked_percent"] == pytest.approx(100 * 39 / 40)
    # The mesh of frame t is 120 px wide and at least 140 high; the mouth stays inside.
    assert figures["nme_alignment_percent"] == pytest.approx(100 / np.sqrt(120 * 140))
    assert figures["nme_fit_percent"] == pytest.approx(100 * np.sqrt(8) / np.sqrt(120 * 140))
    right, left = figures["openings"]["right_eye"], figures["openings"]["left_eye"]
    assert right["moves"]
    assert right["alignment"] == pytest.approx(1)
    assert right["blendshape"] == pytest.approx(1)
    assert not left["moves"]
    assert figures["openings"]["mouth"]["fit"] == pytest.approx(1)
    assert figures["openings"]["mouth"]["blendshape"] == 0.0  # the script never opens the jaw


def test_overall_counts_frames_and_movers_only(clip: Clip, found: Track) -> None:
    rows = {"made": video.measured(clip, found, with_motion=False)}
    rows["again"] = {**rows["made"], "frames": 120, "tracked_percent": 100.0}
    total = video.overall(rows)
    assert total["tracked_percent"] == pytest.approx((97.5 * 40 + 100 * 120) / 160)
    assert total["openings"]["right_eye"]["clips"] == 2
    assert total["openings"]["left_eye"]["clips"] == 0
    assert np.isnan(total["openings"]["left_eye"]["fit_mean"])
    text = tables.video_text({"clips": rows, "overall": total})
    assert "97.50" in text
    assert "right_eye made" in text
    assert "left_eye made" not in text


def test_motion_is_judged_on_the_frames_of_the_clip(tmp_path: Path) -> None:
    """The picture stands still, so that frozen points are right and shaking ones are not."""
    path = write_video(tmp_path / "still.mp4", [0, 400, 800], made=lambda _: picture(0))
    still = np.repeat(np.linspace((5, 5), (90, 60), 478)[None], 3, axis=0)
    still[:, ::2, 0] = 95 - still[:, ::2, 0]
    shaken = still + np.array([[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 0.0]]])
    errors = video.motion(
        Clip("still", path, still),
        Track(np.ones(3, bool), shaken, still, np.zeros((3, 52)), np.zeros(3), np.zeros((3, 5))),
    )
    assert errors["alignment"][1] > 1.0
    assert errors["teacher"][1] == errors["frozen"][1] < 0.5


def test_clips_are_found_with_their_teacher(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    write_video(folder / "one.mp4", [0, 40, 80])
    np.savez(folder / "one.teacher.npz", landmarks=np.zeros((2, 478, 3), np.float32))
    write_video(folder / "unlabelled.mp4", [0, 40])
    (clip,) = clips.find(tmp_path)
    assert (clip.name, clip.teacher_px.shape) == ("one", (2, 478, 2))
    stamps = [frame.captured_ns for frame in clips.frames(clip.path)]
    assert np.diff(stamps).tolist() == [40_000_000, 40_000_000]
    with pytest.raises(Exception, match="no clip 'two'; there are one"):
        clips.find(tmp_path, ["two"])
