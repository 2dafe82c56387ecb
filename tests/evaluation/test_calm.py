"""`bench calm`: the films it shows, and whose jitter it finds in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from landmark_head import face_points, landmark_head
from videos import write_video

from engine.config import TrackerConfig
from engine.errors import TrackingError
from engine.evaluation import calm
from engine.evaluation.datasets import clips
from engine.evaluation.datasets.clips import Clip
from engine.types import Alignment, Blendshapes, Camera, Frame, HeadState, Status, TrackResult

MODEL = np.random.default_rng(8).uniform(-0.07, 0.07, (478, 3))
MODEL[:, 2] *= 0.5


def test_the_films_hold_still_but_for_noise_and_the_shake(monkeypatch: pytest.MonkeyPatch) -> None:
    v, u = np.mgrid[:64, :96]
    value = 60 + 120 * np.exp(-((u - 48) ** 2 + (v - 32) ** 2) / 200)
    image = np.repeat(value[..., None], 3, axis=2).astype(np.uint8)
    rng = np.random.default_rng(0)
    jpeg = calm.filmed(image, "jpeg", 8, rng)
    assert jpeg.images.shape == (8, 64, 96, 3)
    assert not jpeg.shift_px.any()
    assert 0.5 < jpeg.images.astype(float).std(axis=0, ddof=1).mean() < 2.6  # JPEG eats some
    assert np.abs(jpeg.images.mean(axis=0) - image).mean() < 1.5
    shaken = calm.filmed(image, "tremor", 30, rng)
    assert 0.2 < np.abs(shaken.shift_px).max() < 0.51
    grey = shaken.images[..., 1].astype(float) - 60
    centre = np.array([(g * u).sum() / g.sum() for g in grey])
    slope = np.polyfit(shaken.shift_px[:, 0], centre, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.2)  # the content moves by what is stated
    coded = calm.filmed(image, "h264", 8, rng)
    assert coded.images.shape == (8, 64, 96, 3)
    assert np.abs(coded.images.mean(axis=0) - image).mean() < 3


class Trembling:
    """A tracker whose alignment trembles by a known deviation and whose fit does by a third."""

    def __init__(self, camera: Camera, lost_at: int | None) -> None:
        self._camera, self._lost_at = camera, lost_at
        self._rng = np.random.default_rng(9)

    def step(self, frame: Frame) -> TrackResult:
        if frame.index == self._lost_at:
            return TrackResult(frame.index, frame.captured_ns, 0, Status.LOST)
        noise = self._rng.normal(0, 0.6, (478, 2))
        place = np.eye(4)
        place[2, 3] = 0.5 + 0.001 * self._rng.normal()
        points = cv2.projectPoints(
            MODEL, np.zeros(3), np.array([0, 0, 0.5]), self._camera.intrinsics, None
        )[0][:, 0]
        return TrackResult(
            frame.index, frame.captured_ns, 0, Status.TRACKING,
            head=HeadState(
                camera_from_head=place,
                expression=np.zeros(52),
                gaze=np.zeros((2, 2)),
                neck=np.zeros(3),
                points_px=points + noise / 3,
                vertices=MODEL.copy(),
                rms_px=1.0,
            ),
            blendshapes=Blendshapes(self._rng.normal(0.5, 0.02, 52)),
            alignment=Alignment(points + noise, np.ones(478), np.arange(478, dtype=np.int32)),
            camera=self._camera,
        )  # fmt: skip


class TremblingMaker:
    about = "made up"

    def __init__(self, lost_at: int | None = None) -> None:
        self._lost_at = lost_at

    def __call__(self, config: TrackerConfig, camera: Camera, *, live: bool = False) -> Trembling:
        return Trembling(camera, self._lost_at)

    def close(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "clips"
    made.mkdir()
    write_video(made / "one.mp4", range(0, 200, 40))
    np.savez(
        made / "one.teacher.npz",
        landmarks=np.repeat(np.pad(face_points(), ((0, 0), (0, 1)))[None], 5, 0),
    )
    return tmp_path


def test_ours_and_the_rival_are_measured_alike(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival trembles by 0.3 px on a face of the same size."""
    seen: list[int] = []

    def rival(_python: Path, images: np.ndarray) -> np.ndarray:
        seen.append(len(images))
        camera = np.array([[96.0, 0, 48], [0, 96, 32], [0, 0, 1]])
        points = cv2.projectPoints(MODEL, np.zeros(3), np.array([0, 0, 0.5]), camera, None)[0][:, 0]
        return points + np.random.default_rng(10).normal(0, 0.3, (len(images), 478, 2))

    monkeypatch.setattr(calm, "mediapipe_video", rival)
    monkeypatch.setattr(calm, "CAMERAS", ("jpeg",))
    makers: dict[str, Any] = {"shipped": TremblingMaker()}
    result = calm.run(
        folder, landmark_head(), makers, TrackerConfig(), folder, None, 200, lag_frames=0.0
    )
    assert seen == [calm.SETTLING + 200]
    tracks = result["cameras"]["jpeg"]
    ours, alignment, theirs = tracks["shipped"], tracks[calm.ALIGNMENT], tracks[calm.RIVAL]
    for measure in ("landmarks", "shape"):
        for kind in ("scatter", "bend"):
            third = ours[measure][kind] / alignment[measure][kind]
            assert third == pytest.approx(1 / 3, rel=0.06), measure  # noise makes a face larger
    assert theirs["landmarks"]["scatter_ratio"] == pytest.approx(1.0)
    assert ours["place"]["scatter"] == pytest.approx(1.0 / np.sqrt(3), rel=0.15)  # its own pose, mm
    assert ours["rotation"]["scatter"] == pytest.approx(0.0, abs=1e-6)
    assert alignment["rotation"]["scatter"] > 0.01  # read off the points
    assert ours["weights"]["scatter"] == pytest.approx(0.02, rel=0.05)
    assert tracks[calm.SMOOTHED]["landmarks"]["bend"] < 0.6 * theirs["landmarks"]["bend"]
    assert "jpeg: bend" in calm.text(result)


def test_a_held_face_that_is_lost_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calm, "CAMERAS", ("jpeg",))
    makers: dict[str, Any] = {"shipped": TremblingMaker(lost_at=calm.SETTLING + 3)}
    with pytest.raises(TrackingError, match="one: the tracker loses a face"):
        calm.run(folder, landmark_head(), makers, TrackerConfig(), None, None, 5)


def test_the_middle_of_the_known_frames_is_held(tmp_path: Path) -> None:
    path = write_video(tmp_path / "one.mp4", range(0, 40 * 9, 40))
    teacher = np.repeat(face_points()[None], 9, axis=0)
    teacher[:4] = np.nan  # known: 4 to 8, the middle one is 6
    held = calm.held_frame(Clip("one", path, teacher))
    frames = [frame.image for frame in clips.frames(path)]
    assert [np.array_equal(held, frame) for frame in frames].index(True) == 6
