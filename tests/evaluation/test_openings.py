from __future__ import annotations

import numpy as np
import pytest
from landmark_head import face_points
from scipy import stats

from engine.evaluation import openings
from engine.evaluation.openings import OPENINGS


def test_gaps_and_widths_are_those_drawn() -> None:
    points = face_points()
    assert openings.gap(points, OPENINGS["right_eye"]) == pytest.approx(25 / 3)
    assert openings.gap(points, OPENINGS["mouth"]) == pytest.approx(20 / 3)
    assert openings.width(points, OPENINGS["left_eye"]) == pytest.approx(30)
    assert openings.width(points, OPENINGS["mouth"]) == pytest.approx(40)


def test_each_eye_is_the_subjects_own() -> None:
    """The subject's left eye is on the right of an unmirrored picture."""
    points = face_points()
    left = points[list(OPENINGS["left_eye"].corners)].mean(axis=0)
    right = points[list(OPENINGS["right_eye"].corners)].mean(axis=0)
    assert left[0] > right[0]


def test_the_error_of_a_gap_is_in_percent_of_the_true_width() -> None:
    true = np.stack([face_points(), face_points(2.0)])
    found = true.copy()
    found[:, 145, 1] += 3.0  # one of three pairs, 3 px further open: 1 px in the mean
    np.testing.assert_allclose(
        openings.gap_error(found, true, OPENINGS["right_eye"]), [100 / 30, 100 / 60]
    )
    assert (openings.gap_error(found, true, OPENINGS["left_eye"]) == 0).all()


def test_correlation_agrees_with_scipy_and_leaves_gaps_out() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=60)
    b = 0.5 * a + rng.normal(size=60)
    b[[3, 17]] = np.nan
    known = np.isfinite(b)
    expected = stats.pearsonr(a[known], b[known]).statistic
    assert openings.correlation(a, b) == pytest.approx(expected, rel=1e-9)


def test_a_dead_lid_scores_zero_and_a_flat_truth_nothing() -> None:
    moving = np.sin(np.arange(50.0))
    assert openings.correlation(moving, np.full(50, 0.3)) == 0.0
    assert np.isnan(openings.correlation(np.full(50, 0.3), moving))
    assert np.isnan(openings.correlation(moving[:10], moving[:10]))


def test_only_a_blink_counts_as_moving() -> None:
    open_eye = np.full(100, 0.3) + 0.02 * np.sin(np.arange(100.0))
    blinking = open_eye.copy()
    blinking[40:45] = 0.05
    assert not openings.moves(open_eye, "left_eye")
    assert openings.moves(blinking, "left_eye")


def test_a_foreshortened_eye_is_not_measured() -> None:
    track = np.repeat(face_points()[None], 4, axis=0)
    track[2, 263, 0] = track[2, 362, 0] + 8  # seen from the side
    track[3] = np.nan
    assert openings.measurable(track, OPENINGS["left_eye"]).tolist() == [True, True, False, False]
    assert openings.measurable(track, OPENINGS["right_eye"]).tolist() == [True, True, True, False]
