from __future__ import annotations

import cv2
import numpy as np
import pytest
from landmark_head import face_points

from engine.evaluation import hardship
from engine.evaluation.hardship import HARDSHIPS, dimmed, occluded


def picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    return cv2.GaussianBlur(rng.integers(40, 220, (240, 200, 3), np.uint8), (0, 0), 3)


@pytest.mark.parametrize("name", HARDSHIPS)
def test_the_same_number_gives_the_same_picture(name: str) -> None:
    first, again, other = (HARDSHIPS[name](picture(), face_points(), n) for n in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_occluders_cover_the_share_that_is_promised_and_nothing_else_changes() -> None:
    image, points = picture(), face_points()
    hull = cv2.convexHull(points[:468].astype(np.float32)).round().astype(np.int32)
    face = cv2.fillConvexPoly(np.zeros(image.shape[:2], np.uint8), hull, 1) > 0
    shares = []
    for number in range(30):
        changed = (np.abs(occluded(image, points, number).astype(int) - image) > 12).any(axis=2)
        shares.append((changed & face).sum() / face.sum())
        assert not changed[:3, :3].any()
    # A cover in the picture's own colour hardly shows as a change: hence not the least.
    assert np.percentile(shares, 20) > 0.09
    assert max(shares) < 0.28
    assert np.percentile(shares, 90) > 0.18


def test_low_light_keeps_the_mean_and_has_the_noise_of_its_electrons() -> None:
    """A Poisson count of n electrons has a relative standard deviation of 1 / sqrt(n)."""
    grey = np.full((120, 120, 3), 186, np.uint8)  # half of full scale in linear light
    linear = (dimmed(grey, face_points(), 5) / 255.0) ** 2.2
    gain = np.random.default_rng([5, 12]).uniform(*hardship.LIGHT)
    electrons = 0.5 * gain * hardship.FULL_WELL
    expected = np.sqrt(electrons + hardship.READ_NOISE**2) / electrons
    assert linear.mean() == pytest.approx(0.5, rel=0.02)
    assert linear.std() / linear.mean() == pytest.approx(expected, rel=0.06)
