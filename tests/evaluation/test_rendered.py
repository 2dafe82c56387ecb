from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from landmark_head import Oracle, face_points, landmark_head

from engine.evaluation import rendered, tables
from engine.evaluation.eyes import gaze_error_deg
from engine.evaluation.tongue import area_under_roc, tongue_summary
from engine.geometry import rotation_from_vector
from engine.training.packs import write_pack
from engine.types import BLENDSHAPE_NAMES

RADIUS_M = 0.012
COUNT = 24
LOOKS = np.stack([np.linspace(-3, 3, COUNT), np.zeros(COUNT)], axis=1)  # px to the side


def head() -> Any:
    made = landmark_head()
    made.neutral = np.zeros((478, 3))
    made.neutral[[468, 473]] = (0.0, 0.0, -RADIUS_M)
    made.joint_neutral = np.zeros((4, 3))
    return made


def poses() -> np.ndarray:
    """Return (24, 4, 4): half of them straight, half turned by 30 degrees, off the axis."""
    result = np.tile(np.eye(4), (COUNT, 1, 1))
    for index in range(COUNT):
        place = np.array([0.1, 0.0, 0.5])
        sight = np.arctan2(place[0], place[2])  # of a head that looks into the camera
        turn = sight + (np.deg2rad(30) if index >= COUNT // 2 else 0.0)
        result[index, :3, :3] = rotation_from_vector(np.array([0.0, turn, 0.0]))
        result[index, :3, 3] = place
    return result


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    points = np.array([face_points(seed=i) for i in range(COUNT)])
    for upper, lower in ((468, 158), (473, 385)):
        points[:, upper] = points[:, lower] + [5.0, 4.0] + LOOKS
    images = [
        cv2.imencode(".png", np.full((200, 200, 3), i, np.uint8))[1].tobytes() for i in range(COUNT)
    ]
    expression = np.zeros((COUNT, 52))
    expression[::3, BLENDSHAPE_NAMES.index("tongueOut")] = 0.8
    write_pack(
        tmp_path / "a.npz",
        images,
        points=np.round(64 * points).astype(np.int16),
        visible=np.packbits(np.ones((COUNT, 478), bool), axis=1),
        stream="a",
        camera_from_head=poses(),
        intrinsics=np.tile(np.diag([400.0, 400.0, 1.0]), (COUNT, 1, 1)),
        glasses=np.arange(COUNT) % 4 == 0,
        expression=expression,
    )
    return tmp_path / "a.npz"


class Telling(Oracle):
    """Says that the tongue is out in the first twelve pictures."""

    def align(self, frame: Any, crop: Any, memory: Any = None) -> Any:
        answer = super().align(frame, crop, memory)
        number = int(frame.image[0, 0, 0])
        traits = SimpleNamespace(tongue=0.9 if number < 12 else 0.2)
        return SimpleNamespace(
            points_px=answer.points_px, sigma_px=answer.sigma_px, traits=traits, memory=None
        )


def test_openings_are_split_by_the_view_and_by_glasses(pack: Path) -> None:
    truth = [np.round(64 * face_points(seed=i)) / 64 for i in range(COUNT)]
    wide = [points.copy() for points in truth]
    for number, points in enumerate(wide):
        points[468] = points[158] + [5.0, 4.0]
        points[473] = points[385] + [5.0, 4.0]
        if number >= COUNT // 2:  # wrong where the head is turned: the mouth 12 px further open
            points[[178, 14, 402], 1] += 12.0
    backend: Any = Telling(wide, np.zeros(2), 1.0)
    figures = rendered.run(head(), backend, pack, None)
    views = figures["openings_by_view"]
    straight, turned = views["yaw 0-15°, no glasses"], views["yaw 15-45°, glasses"]
    assert straight["mouth"]["pictures"] == 9
    assert turned["mouth"]["pictures"] == 3
    assert straight["mouth"]["error_percent"] == pytest.approx(0.0, abs=1e-6)
    assert turned["mouth"]["error_percent"] == pytest.approx(100 * 12 / 40, rel=1e-3)
    # Said of pictures 0-11, true of every third: 4 of 8 found, 8 of 16 imagined.
    tongue = figures["tongue"]
    assert (tongue["out"], tongue["in"]) == (8, 16)
    assert tongue["found_percent"] == pytest.approx(50.0)
    assert tongue["false_percent"] == pytest.approx(50.0)
    text = tables.align_text(_with_portraits(figures))
    assert "yaw 15-45°, glasses" in text
    assert "area under the ROC" in text


def _with_portraits(figures: dict[str, Any]) -> dict[str, Any]:
    row = {
        "pictures": 1, "nme_percent": 1.0, "nme_median_percent": 1.0, "nme_p90_percent": 1.0,
        "regions_percent": {}, "calibration": {"expected_error": 0.0, "scale": 1.0},
        "openings": figures["openings"],
    }  # fmt: skip
    harder = {"occluders": {**row, "nme_to_clean": 1.5}}
    return {"teacher_box": row, "detector_box": row, "harder": harder, "rendered": figures}


def test_an_iris_beside_its_place_is_a_turned_eye(pack: Path) -> None:
    """1.92 px at 400 px/m/0.5 are 2.4 mm: with a radius of 12 mm, atan 0.2 = 11.31 degrees."""
    found = [np.round(64 * face_points(seed=i)) / 64 for i in range(COUNT)]
    for points, look in zip(found, LOOKS, strict=True):
        points[468] = points[158] + [5.0 + 1.92, 4.0] + look
        points[473] = points[385] + [5.0, 4.0] + look
    backend: Any = Oracle(found, np.array([0.7, -0.4]), 1.0)  # the whole face a little off as well
    irises = rendered.run(head(), backend, pack, None)["irises"]
    assert irises["right_eye"]["gaze_deg"] == pytest.approx(np.rad2deg(np.arctan(0.2)), rel=0.02)
    assert irises["left_eye"]["gaze_deg"] == pytest.approx(0.0, abs=0.1)
    assert irises["left_eye"]["correlation"] == pytest.approx(1.0, abs=1e-3)
    expected = 100 * np.hypot(1.92 + 0.7, 0.4) / 30
    assert irises["right_eye"]["centre_percent"] == pytest.approx(expected, rel=0.01)


def test_gaze_does_not_change_when_the_whole_eye_is_shifted() -> None:
    true = np.array([face_points()])
    shifted = true + 3.0
    error = gaze_error_deg(shifted, true, 468, (33, 133), RADIUS_M, np.array([800.0]))
    np.testing.assert_allclose(error, 0.0, atol=1e-9)


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(2)
    score, positive = rng.integers(0, 6, 40) / 5.0, rng.random(40) < 0.4
    pairs = [(a, b) for a in score[positive] for b in score[~positive]]
    expected = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs])
    assert area_under_roc(score, positive) == pytest.approx(expected)
    assert np.isnan(area_under_roc(score, np.zeros(40, bool)))


def test_half_a_tongue_and_a_silent_network_do_not_count() -> None:
    expression = np.zeros((4, 52))
    expression[:, BLENDSHAPE_NAMES.index("tongueOut")] = (0.9, 0.15, 0.0, 0.0)
    row = tongue_summary(np.array([0.8, 0.9, 0.1, np.nan]), expression)
    assert (row["out"], row["in"]) == (1, 1)
    assert (row["found_percent"], row["false_percent"]) == (100.0, 0.0)
