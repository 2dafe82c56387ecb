from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from landmark_head import face_points, landmark_head
from scipy.spatial import Delaunay

from engine.errors import AssetError
from engine.evaluation import sequence
from engine.evaluation.accuracy import face_side_px
from engine.evaluation.datasets import sequences
from engine.evaluation.following import aligned
from engine.network.crop import crop_from_points
from engine.training.packs import fixed_point, write_pack
from engine.types import Alignment, AlignmentMemory, Crop, Frame

FRAMES = 36
STEP = np.array([0.5, 0.25])  # px a frame


def head() -> Any:
    made = landmark_head()
    made.triangles = Delaunay(face_points()).simplices.astype(np.int32)
    made.region = np.zeros(478, np.uint8)
    return made


def places() -> np.ndarray:
    """Return where the landmarks are in every frame (T, 478, 2)."""
    return face_points() + np.arange(FRAMES)[:, None, None] * STEP


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One sequence whose frames tell their number by the grey of the picture."""
    images = [np.full((224, 208, 3), 4 * t, np.uint8) for t in range(FRAMES)]
    files = [cv2.imencode(".jpg", image)[1].tobytes() for image in images]
    write_pack(
        tmp_path / "one.npz",
        files,
        stream="sequence",
        kind="calm",
        head_sha256="",
        frame_rate=np.array(30.0),
        points=fixed_point(places()),
        visible=np.packbits(np.ones((FRAMES, 478), bool), axis=1),
        depth=np.full((FRAMES, 478), 10_000, np.uint16),
    )
    return tmp_path


class Late:
    """A network that, cold, is 1 px off and, warm, answers what it answered before.

    So a warm track never moves: its error is the whole motion.
    """

    crop_side_px = 64

    def __init__(self) -> None:
        self.seen: list[tuple[int, Crop]] = []

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        number = round(float(frame.image.mean()) / 4)
        assert number == frame.index
        assert frame.captured_ns == round(number * 1e9 / 30)
        self.seen.append((number, crop))
        points = places()[number] + [1.0, 0.0] if memory is None else memory.position
        return Alignment(
            points,
            np.full(478, 1.0),
            np.arange(478, dtype=np.int32),
            memory=AlignmentMemory(crop, np.array(points), np.zeros((1, 1, 1)), np.zeros(1)),
        )

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_cold_and_warm_are_measured_apart(folder: Path) -> None:
    backend: Any = Late()
    networks = {"cold": (backend, False), "warm": (backend, True)}
    result = sequence.run(folder, head(), networks, None, None, None)  # pyright: ignore
    cold, warm = result["ways"]["cold"], result["ways"]["warm"]
    side = face_side_px(places()[0])
    assert cold["nme_percent"] == pytest.approx(100 / side, rel=1e-3)
    assert cold["ssme_px"]["face"] == pytest.approx(0.0, abs=0.02)  # moves with the face
    scale = 256 / np.ptp(places()[0][:468, 1])
    for horizon in (1, 10, 30):
        expected = horizon * np.hypot(*STEP) * scale
        assert warm["ssme_curve_px"]["face"][horizon - 1] == pytest.approx(expected, rel=0.02)
    assert warm["compared"] == 1.0
    # All errors of the cold track are 1 sigma: a share of 0 or 1 at every quantile.
    assert cold["calibration"]["share"][0] == 0.0
    assert cold["openings"]["mouth"]["pictures"] == FRAMES
    assert cold["openings"]["mouth"]["error_percent"] == pytest.approx(0.0, abs=1e-6)
    assert "one (calm)" in sequence.text(result)


def test_the_window_follows_the_last_answer(folder: Path) -> None:
    backend: Any = Late()
    one = sequences.read(folder / "one.npz", limit=5)
    found = aligned(head(), backend, one, warm=False)
    assert found.points_px.shape == (5, 478, 2)
    for number, crop in backend.seen[1:]:
        last = places()[number - 1] + [1.0, 0.0]
        expected = crop_from_points(last[:468], 64)
        centre = crop.image_from_crop @ [32, 32, 1]
        np.testing.assert_allclose(centre, expected.image_from_crop @ [32, 32, 1], atol=1.0)
    with pytest.raises(AssetError, match="no sequence"):
        sequences.find(folder / "nowhere")


def test_a_plain_pack_is_no_sequence(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    write_pack(tmp_path / "a.npz", [jpeg], stream="a", points=np.zeros((1, 478, 2), np.int16))
    with pytest.raises(AssetError, match="depth"):
        sequences.read(tmp_path / "a.npz")
