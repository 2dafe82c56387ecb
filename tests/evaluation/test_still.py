from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import AssetError
from engine.evaluation import still
from engine.evaluation.rivals.run import mediapipe_static
from engine.evaluation.shaken import ShakeSettings, moved_image, scatter_px, shaken


def blob(x: float, y: float, side: int = 96) -> np.ndarray:
    """Return a grey Gaussian blob (side, side, 3) whose centre is at pixel coordinates x, y."""
    v, u = np.mgrid[:side, :side] + 0.5
    value = 40 + 180 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 6.0**2))
    return np.repeat(value[..., None], 3, axis=2)


@pytest.mark.parametrize("shift", [(0.5, -0.25), (-0.37, 0.5), (0.0, 0.0)])
def test_a_moved_picture_is_the_picture_drawn_elsewhere(shift: tuple[float, float]) -> None:
    moved = moved_image(blob(50, 40).round().astype(np.uint8), np.array(shift))
    expected = blob(50 + shift[0], 40 + shift[1])
    assert np.abs(moved - expected).max() < 1.5  # the source was rounded to whole values
    assert np.abs(moved - expected).mean() < 0.3


def test_the_copies_have_the_noise_and_the_shifts_that_are_asked_for() -> None:
    flat = np.full((64, 64, 3), 120, np.uint8)
    settings = ShakeSettings(copies=6, noise=3.0, jpeg_quality=100)
    made = shaken(flat, np.random.default_rng(0), settings)
    grey = np.array([cv2.cvtColor(made.image(i), cv2.COLOR_RGB2GRAY) for i in range(6)], float)
    # Independent channels: what luminance keeps of their noise is the root of its squared weights.
    expected = 3.0 * np.linalg.norm([0.299, 0.587, 0.114])
    assert grey.std() == pytest.approx(expected, rel=0.1)
    assert np.abs(made.shift_px).max() <= 0.5
    assert np.ptp(made.shift_px, axis=0).min() > 0.3
    worse = shaken(flat, np.random.default_rng(0), ShakeSettings(copies=1, jpeg_quality=20))
    assert len(worse.jpeg[0]) < 0.5 * len(made.jpeg[0])


def test_scatter_takes_the_shift_off_and_is_the_root_mean_square_of_both_axes() -> None:
    shift = np.array([[0.3, 0.1], [-0.4, 0.2], [0.0, -0.5]])
    still_point = np.array([10.0, 20.0]) + shift
    trembling = still_point + np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    scatter = scatter_px(np.stack([still_point, trembling], axis=1), shift)
    # variance of (1, -1, 0) with n - 1 is 1 in x and 0 in y
    np.testing.assert_allclose(scatter, [0.0, np.sqrt(0.5)], atol=1e-12)


def test_the_ratio_counts_only_pictures_that_everybody_saw() -> None:
    ours, theirs = np.full((3, 478), 0.1), np.full((3, 478), 0.2)
    ours[1], theirs[1] = 0.3, 0.2
    ours[2], theirs[2] = 9.0, np.nan
    figures = still.summary({"network": ours, still.RIVAL: theirs}, np.array([100.0, 50.0, 10.0]))
    row = figures["methods"]["network"]
    assert figures["pictures"] == 2
    assert row["ratio"] == pytest.approx(0.2 / 0.2)
    assert row["mean_px"] == pytest.approx(0.2)
    assert row["mean_percent"] == pytest.approx((0.1 + 0.6) / 2)
    assert row["pictures_with_face"] == 3
    assert figures["methods"][still.RIVAL]["pictures_with_face"] == 2
    text = still.text({"settings": asdict(ShakeSettings()), **figures})
    assert "2 portraits" in text
    assert "0.200" in text


MEDIAPIPE = """
class _Point:
    def __init__(self, x, y):
        self.x, self.y, self.z = x, y, 0.0

class _Face:
    def __init__(self, landmark):
        self.landmark = landmark

class FaceMesh:
    def __init__(self, static_image_mode, refine_landmarks, max_num_faces):
        assert static_image_mode and refine_landmarks and max_num_faces == 1
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    def process(self, rgb):
        class Found:
            multi_face_landmarks = None
        found = Found()
        if rgb[..., 0].mean() > rgb[..., 2].mean():  # a red picture has a face
            found.multi_face_landmarks = [_Face([_Point(0.25, 0.5)] * 478)]
        return found

class solutions:
    class face_mesh:
        FaceMesh = FaceMesh
"""


def test_the_rival_runs_in_its_own_python_on_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in speaks mediapipe's interface; RGB order and pixel units are the program's."""
    (tmp_path / "mediapipe.py").write_text(MEDIAPIPE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    red, blue = np.zeros((40, 80, 3), np.uint8), np.zeros((40, 80, 3), np.uint8)
    red[..., 2], blue[..., 0] = 200, 200  # OpenCV's order
    files = [cv2.imencode(".jpg", image)[1].ravel() for image in (red, blue)]
    found = mediapipe_static(Path(sys.executable), files)
    assert found.shape == (2, 478, 2)
    np.testing.assert_allclose(found[0], np.tile([20.0, 20.0], (478, 1)), atol=1e-4)
    assert np.isnan(found[1]).all()


def test_a_python_without_the_rival_is_named(tmp_path: Path) -> None:
    file = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].ravel()
    with pytest.raises(AssetError, match="mediapipe"):
        mediapipe_static(Path(sys.executable), [file])
    with pytest.raises(AssetError, match="no such file"):
        mediapipe_static(tmp_path / "python", [file])
