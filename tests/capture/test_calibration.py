"""Chessboards rendered through a known lens come out as that lens."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.capture import calibration
from engine.capture.calibration import Board, BoardViews, stored_camera
from engine.errors import CalibrationError
from engine.geometry import rotation_from_vector

BOARD = Board(7, 5, 0.03)
SIZE = (480, 360)
K = np.array([[430.0, 0.0, 246.5], [0.0, 427.0, 176.0], [0.0, 0.0, 1.0]])  # centres at +0.5
LENS = np.array([-0.18, 0.06, 0.001, -0.0015, 0.0])
SAMPLES = 2  # per pixel and axis


def unbent(bent: np.ndarray) -> np.ndarray:
    """Undo Brown's lens model by fixed-point iteration."""
    k1, k2, p1, p2, k3 = LENS
    x, y = bent.T
    for _ in range(20):
        r = x * x + y * y
        radial = 1 + k1 * r + k2 * r**2 + k3 * r**3
        along_x = 2 * p1 * x * y + p2 * (r + 2 * x * x)
        along_y = p1 * (r + 2 * y * y) + 2 * p2 * x * y
        x, y = (bent[:, 0] - along_x) / radial, (bent[:, 1] - along_y) / radial
    return np.stack([x, y], axis=1)


def drawn(turn: tuple[float, float, float], place: tuple[float, float, float]) -> np.ndarray:
    """Trace every pixel back through the lens onto the board: no code of the calibration."""
    width, height = SIZE
    step = (np.arange(SAMPLES) + 0.5) / SAMPLES
    x = (np.arange(width)[:, None] + step).ravel()
    y = (np.arange(height)[:, None] + step).ravel()
    pixels = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    rays = unbent((pixels - K[:2, 2]) / K[[0, 1], [0, 1]])
    rays = np.column_stack([rays, np.ones(len(rays))])
    rotation, shift = rotation_from_vector(np.array(turn)), np.array(place)
    # The board's plane z = 0 in its own axes; its middle is put at `place`.
    origin, direction = -rotation.T @ shift, rays @ rotation
    at = origin + direction * (-origin[2] / direction[:, 2])[:, None]
    middle = BOARD.points().mean(axis=0)[:2]
    square = np.floor((at[:, :2] + middle) / BOARD.square_m + 1).astype(int)
    inside = (square >= 0) & (square <= [BOARD.columns, BOARD.rows])
    black = (square.sum(axis=1) % 2 == 0) & inside.all(axis=1)
    light = np.where(black, 25.0, 225.0).reshape(height, SAMPLES, width, SAMPLES).mean(axis=(1, 3))
    return np.repeat(np.round(light).astype(np.uint8)[:, :, None], 3, axis=2)


def _pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    pictures = []
    for x in (-0.11, 0.0, 0.11):
        for y in (-0.07, 0.0, 0.07):
            turn = rng.uniform(-0.45, 0.45, 3)
            pictures.append(drawn(tuple(turn), (x, y, float(rng.uniform(0.45, 0.6)))))
    for turn in ((0.5, 0.0, 0.0), (-0.5, 0.2, 0.1), (0.1, 0.55, 0.0), (0.0, -0.55, 0.1)):
        pictures.append(drawn(turn, (0.0, 0.0, 0.4)))
    return pictures


@pytest.fixture(scope="module")
def views() -> BoardViews:
    collected = BoardViews(BOARD, SIZE)
    for picture in _pictures():
        collected.offer(picture)
    return collected


def test_a_known_lens_is_found(views: BoardViews) -> None:
    found = views.calibrated("cam")
    assert found.rms_px < 0.2
    camera = found.camera
    assert camera.calibrated
    np.testing.assert_allclose(camera.intrinsics[[0, 1], [0, 1]], [430.0, 427.0], rtol=0.006)
    np.testing.assert_allclose(camera.intrinsics[:2, 2], K[:2, 2], atol=2.0)
    # What counts is where the lens puts things, not the single coefficients.
    rays = np.random.default_rng(1).uniform([-0.5, -0.38], [0.5, 0.38], (200, 2))
    rays = np.column_stack([rays, np.ones(200)])
    zero = np.zeros(3)
    expected = cv2.projectPoints(rays, zero, zero, K, LENS)[0]
    got = cv2.projectPoints(rays, zero, zero, camera.intrinsics, camera.distortion)[0]
    off = got - expected
    off -= off.mean(axis=0)  # a shifted centre is hardly told from a turned camera
    assert np.linalg.norm(off, axis=2).mean() < 0.8


def test_it_is_kept_by_name_and_size(views: BoardViews, tmp_path: Path) -> None:
    found = views.calibrated("Cam: HD/1")
    path = calibration.save(found, tmp_path)
    assert path.parent == tmp_path
    again = stored_camera("Cam: HD/1", SIZE, tmp_path)
    assert again is not None
    np.testing.assert_array_equal(again.intrinsics, found.camera.intrinsics)
    np.testing.assert_array_equal(again.distortion, found.camera.distortion)
    assert (again.name, again.calibrated) == ("Cam: HD/1", True)
    assert stored_camera("Cam: HD/1", (640, 480), tmp_path) is None
    path.write_text("intrinsics: [[1, 2]]")
    with pytest.raises(CalibrationError, match=r"\.yaml: not a camera calibration"):
        stored_camera("Cam: HD/1", SIZE, tmp_path)


def test_what_is_missing_is_told() -> None:
    nothing = BoardViews(BOARD, SIZE)
    assert not nothing.offer(np.full((SIZE[1], SIZE[0], 3), 128, np.uint8))
    with pytest.raises(CalibrationError, match="no board with 7x5 inner corners"):
        nothing.calibrated("cam")
    same = BoardViews(BOARD, SIZE)
    picture = drawn((0.1, 0.1, 0.0), (0.0, 0.0, 0.5))
    assert same.offer(picture)
    assert not same.offer(picture), "the same view twice"
    assert same.found == 2
    with pytest.raises(CalibrationError, match="only 1 views"):
        same.calibrated("cam")
    middle = BoardViews(BOARD, SIZE)
    for x in (-0.11, 0.0, 0.11):
        for y in (-0.11, 0.0, 0.11):
            middle.offer(drawn((0.2, 0.3, 0.0), (x, y, 1.4)))
    assert len(middle) >= calibration.FEWEST_VIEWS
    with pytest.raises(CalibrationError, match=r"seen in \d of 9 areas of the picture"):
        middle.calibrated("cam")


def test_corners_that_no_camera_explains_are_refused(
    views: BoardViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    bent = [c + rng.normal(0, 4, c.shape).astype(np.float32) for c in views._corners]
    monkeypatch.setattr(views, "_corners", bent)
    with pytest.raises(CalibrationError, match="px off on average"):
        views.calibrated("cam")
