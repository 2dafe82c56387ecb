from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from engine.evaluation.cover import cover
from engine.evaluation.ssme import Truth, region_triangles, ssme

SQUARE = np.array([[10.0, 10.0], [50.0, 10.0], [50.0, 50.0], [10.0, 50.0]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
ALL = {"face": np.array([True, True])}


def moving(offsets: np.ndarray) -> np.ndarray:
    """Return the square (T, 4, 2), moved by offsets (T, 2)."""
    return SQUARE + offsets[:, None]


def truth_of(points: np.ndarray, **changes: Any) -> Truth:
    frames, vertices = points.shape[:2]
    known: dict[str, Any] = {
        "points_px": points,
        "depth": np.ones((frames, vertices)),
        "visible": np.ones((frames, vertices), bool),
        "triangles": HALVES,
        "size_px": (80, 60),
    }
    return Truth(**(known | changes))


def steps(count: int, step: tuple[float, float]) -> np.ndarray:
    return np.arange(count)[:, None] * np.array(step)


def test_a_frozen_track_misses_the_whole_motion_at_every_horizon() -> None:
    truth = truth_of(moving(steps(6, (3.0, 4.0))))  # 5 px a frame
    motion = ssme(truth, moving(np.zeros((6, 2))), ALL, horizons=(1, 2, 3), step_px=1)
    np.testing.assert_allclose(motion.curves_px["face"], [5.0, 10.0, 15.0])
    assert motion.mean_px("face") == pytest.approx(10.0)
    assert motion.compared == 1.0


def test_a_track_beside_the_truth_that_moves_with_it_has_no_error() -> None:
    offsets = steps(6, (1.0, -0.5))
    found = moving(offsets + np.array([3.0, 0.0]))
    motion = ssme(truth_of(moving(offsets)), found, ALL, horizons=(1, 4), step_px=1)
    np.testing.assert_allclose(motion.curves_px["face"], 0.0, atol=1e-9)
    # 3 of the 40 columns of pixels lie left of it: they are told, and not counted.
    assert motion.covered == pytest.approx(37 / 40, abs=0.003)


def test_trembling_shows_at_odd_horizons_only() -> None:
    tremble = np.array([[0.5 if t % 2 else -0.5, 0.0] for t in range(8)])
    motion = ssme(truth_of(moving(np.zeros((8, 2)))), moving(tremble), ALL, horizons=(1, 2, 3))
    np.testing.assert_allclose(motion.curves_px["face"], [1.0, 0.0, 1.0], atol=1e-9)


def test_a_growing_face_is_compared_pixel_by_pixel() -> None:
    """The true flow of a pixel is proportional to its distance from the fixed point (10, 10)."""
    grown = np.stack([10 + (SQUARE - 10) * (1 + 0.1 * t) for t in range(2)])
    motion = ssme(truth_of(grown), moving(np.zeros((2, 2))), ALL, horizons=(1,), step_px=1)
    v, u = np.mgrid[10:50, 10:50] + 0.5
    expected = 0.1 * np.hypot(u - 10, v - 10).mean()
    assert motion.curves_px["face"][0] == pytest.approx(expected, rel=1e-9)


def test_regions_are_apart_and_what_is_hidden_is_not_counted() -> None:
    truth = truth_of(moving(np.zeros((3, 2))))
    found = moving(np.zeros((3, 2)))
    found[1:, 3] += (-8.0, 0.0)  # a corner of the second triangle alone
    regions = {"first": np.array([True, False]), "second": np.array([False, True])}
    motion = ssme(truth, found, regions, horizons=(1,), step_px=1)
    assert motion.curves_px["first"][0] == pytest.approx(0.0, abs=1e-9)
    # t = 0 only: the weight of that corner averages 1/3 over its triangle; from t = 1 on all rests
    assert motion.curves_px["second"][0] == pytest.approx(8 / 3 / 2, rel=0.03)
    visible = np.ones((3, 4), bool)
    visible[:, 3] = False
    motion = ssme(truth_of(truth.points_px, visible=visible), found, regions, horizons=(1,))
    assert np.isnan(motion.curves_px["second"][0])
    assert motion.curves_px["first"][0] == pytest.approx(0.0, abs=1e-9)


def test_a_nearer_surface_owns_its_pixels() -> None:
    points = np.concatenate(
        [SQUARE, SQUARE + np.array([0.0, 20.0])]
    )  # the second hides the first's half
    triangles = np.concatenate([HALVES, HALVES + 4])
    truth = truth_of(
        np.stack([points, points]),
        depth=np.array([[1.0] * 4 + [2.0] * 4] * 2),
        visible=np.ones((2, 8), bool),
        triangles=triangles,
        size_px=(80, 80),
    )
    found = truth.points_px.copy()
    found[1, :4] += (6.0, 0.0)
    regions = {"near": np.array([1, 1, 0, 0], bool), "far": np.array([0, 0, 1, 1], bool)}
    motion = ssme(truth, found, regions, horizons=(1,), step_px=1)
    assert motion.curves_px["far"][0] == pytest.approx(0.0, abs=1e-9)
    assert motion.curves_px["near"][0] == pytest.approx(6.0)


def test_frames_without_a_face_are_left_out_and_told() -> None:
    offsets = steps(4, (2.0, 0.0))
    found = moving(np.zeros((4, 2)))
    found[2] = np.nan
    motion = ssme(truth_of(moving(offsets)), found, ALL, horizons=(1, 2), step_px=2)
    np.testing.assert_allclose(motion.curves_px["face"], [2.0, 4.0])
    assert motion.compared == pytest.approx(2 / 5)  # 0-1 and 1-3 of five pairs
    nothing = ssme(truth_of(moving(offsets)), np.full((4, 4, 2), np.nan), ALL, horizons=(1,))
    assert np.isnan(nothing.mean_px("face"))


def test_cover_agrees_with_opencv_on_what_lies_inside() -> None:
    rng = np.random.default_rng(3)
    triangles = np.array([[0, 1, 2]], np.int32)
    for _ in range(12):
        points = rng.uniform(-5, 45, (3, 2))
        found = cover(points, np.ones(3), triangles, np.array([0]), (40, 30), step_px=2)
        v, u = (np.mgrid[0:30:2, 0:40:2] + 0.5).reshape(2, -1)
        outline = points.astype(np.float32)[:, None]
        side = [cv2.pointPolygonTest(outline, (x, y), True) for x, y in zip(u, v, strict=True)]
        clear = np.abs(side) > 1e-3
        np.testing.assert_array_equal((found.triangle >= 0)[clear], (np.array(side) > 0)[clear])
        inside = found.triangle >= 0
        np.testing.assert_allclose(
            found.weights[inside] @ points, np.stack([u, v], axis=1)[inside], atol=1e-9
        )


def test_the_face_region_holds_eyes_nose_and_mouth() -> None:
    head: Any = SimpleNamespace(
        region_names=("face", "eyes", "neck", "ears"),
        region=np.array([0, 0, 1, 2, 2, 3], np.uint8),
        triangles=np.array([[0, 1, 2], [1, 2, 2], [0, 3, 4], [5, 5, 0]], np.int32),
    )
    regions = region_triangles(head)
    assert regions["face"].tolist() == [True, True, False, False]
    assert regions["eyes"].tolist() == [False, True, False, False]
    assert regions["ears"].tolist() == [False, False, False, True]
    assert not regions["mouth"].any()
