from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from landmark_head import Oracle, face_points, landmark_head

from engine.errors import AssetError
from engine.evaluation import align, rendered
from engine.evaluation.accuracy import face_side_px
from engine.evaluation.align import Aligned
from engine.training.packs import write_pack

SHIFT = np.array([0.6, -0.8])  # 1 px


def test_a_known_shift_is_the_nme() -> None:
    true = [face_points(seed=seed) for seed in range(30)]
    aligned = [Aligned(str(i), p + SHIFT, np.full(478, 1.0), p) for i, p in enumerate(true)]
    figures = align.summary(aligned)
    expected = 100 * np.mean([1 / face_side_px(p) for p in true])
    assert figures["nme_percent"] == pytest.approx(expected)
    assert figures["regions_percent"]["mouth"] == pytest.approx(expected)
    assert figures["openings"]["left_eye"]["error_percent"] == pytest.approx(0, abs=1e-9)
    # Every error is 1 sigma, which is the Rayleigh quantile 1 - exp(-1/2) = 0.39.
    share = dict(zip(np.round(figures["calibration"]["quantile"], 2), _shares(figures)))  # noqa: B905
    assert share[0.35] == 0.0
    assert share[0.4] == 1.0


def _shares(figures: dict) -> tuple[float, ...]:
    return figures["calibration"]["share"]


def test_the_upright_crop_follows_roll_and_holds_the_face() -> None:
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    points = face_points() @ turn.T
    crop = align.upright_crop(points, 64)
    in_crop = np.linalg.inv(crop.image_from_crop)
    seen = points @ in_crop[:2, :2].T + in_crop[:2, 2]
    assert (seen[:468] > 0).all()
    assert (seen[:468] < 64).all()
    right, left = seen[[33, 133]].mean(axis=0), seen[[362, 263]].mean(axis=0)
    assert np.arctan2(*(left - right)[::-1]) == pytest.approx(0.0, abs=0.15)


@pytest.fixture
def pack(tmp_path: Path) -> tuple[Path, list[np.ndarray]]:
    """Thirty pictures; the odd ones have shut eyes, and the left eye of every third is hidden."""
    truth, visible, images = [], [], []
    for index in range(30):
        points = np.round(64 * face_points(seed=index)) / 64
        if index % 2:
            for upper, lower in ((158, 153), (159, 145), (160, 144)):
                points[lower] = points[upper]
        seen = np.ones(478, bool)
        if index % 3 == 0:
            seen[[249, 263, 362, 373, 374, 380, 381, 382, 384, 385]] = False
        truth.append(points)
        visible.append(np.packbits(seen))
        image = np.full((200, 200, 3), index, np.uint8)
        images.append(cv2.imencode(".png", image)[1].tobytes())
    path = tmp_path / "a_test.npz"
    write_pack(
        path,
        images,
        points=np.array([np.round(64 * p) for p in truth], np.int16),
        visible=np.array(visible),
        stream="a",
    )
    return path, truth


def test_a_rendered_pack_is_read_back_exactly(pack: tuple[Path, list[np.ndarray]]) -> None:
    path, truth = pack
    oracle = Oracle(truth, np.zeros(2), 1.0)
    figures = rendered.run(landmark_head(), oracle, path, limit=None)
    assert figures["pictures"] == len(oracle.crops) == 30
    assert figures["nme_visible_percent"] == pytest.approx(0, abs=1e-6)
    assert figures["openings"]["right_eye"]["pictures"] == 30
    assert figures["openings"]["left_eye"]["pictures"] == 20  # hidden ones are not judged
    assert figures["openings"]["right_eye"]["correlation"] == pytest.approx(1)
    assert figures["closed_lids"]["right_eye"]["pictures"] == 15
    assert figures["closed_lids"]["left_eye"]["pictures"] == 0


def test_lids_that_never_close_show_beside_a_good_nme(pack: tuple[Path, list[np.ndarray]]) -> None:
    path, truth = pack
    dead = [points.copy() for points in truth]
    for points in dead[1::2]:
        for lower in (153, 145, 144):
            points[lower, 1] += 9  # as if open
    figures = rendered.run(landmark_head(), Oracle(dead, np.zeros(2), 1.0), path, limit=None)
    assert figures["nme_visible_percent"] < 0.1
    assert figures["closed_lids"]["right_eye"]["error_percent"] == pytest.approx(30)
    assert figures["openings"]["right_eye"]["error_percent"] == pytest.approx(15)


def test_a_missing_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="nowhere"):
        rendered.run(landmark_head(), Oracle([], SHIFT, 1.0), tmp_path / "nowhere.npz", None)
