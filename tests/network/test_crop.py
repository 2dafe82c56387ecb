"""Where the network looks."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry import transform_points
from engine.network.crop import crop_from_box, crop_from_points, cut


def dot_image(x_px: float, y_px: float, side_px: int = 240) -> np.ndarray:
    """A soft white dot, drawn from the formula of a Gaussian, pixel centres at +0.5."""
    y, x = np.mgrid[0:side_px, 0:side_px] + 0.5
    value = 255 * np.exp(-((x - x_px) ** 2 + (y - y_px) ** 2) / (2 * 4.0**2))
    return np.repeat(value[..., None], 3, axis=2).astype(np.uint8)


def centroid(picture: np.ndarray) -> np.ndarray:
    weight = picture[..., 0].astype(float)
    y, x = np.mgrid[0 : weight.shape[0], 0 : weight.shape[1]] + 0.5
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("roll", [0.0, 0.4, -1.1])
@pytest.mark.parametrize("side", [192, 96, 40])
def test_a_dot_is_found_where_the_crop_says(roll: float, side: int) -> None:
    where = np.array([110.3, 131.8])
    crop = crop_from_box(np.array([70.0, 60.0, 170.0, 190.0]), side, roll)
    expected = transform_points(np.linalg.inv(crop.image_from_crop), where)
    np.testing.assert_allclose(centroid(cut(dot_image(*where), crop)), expected, atol=0.15)


def test_the_window_is_the_box_enlarged_by_a_fifth() -> None:
    crop = crop_from_box(np.array([100.0, 50.0, 200.0, 130.0]), 192)
    corners = transform_points(crop.image_from_crop, np.array([[0.0, 0.0], [192.0, 192.0]]))
    np.testing.assert_allclose(corners, [[90.0, 30.0], [210.0, 150.0]])


def test_a_rolled_face_stands_upright_in_the_crop() -> None:
    rng = np.random.default_rng(3)
    upright = rng.uniform(-1, 1, (50, 2)) * [40.0, 60.0]
    roll = 0.5
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    crop = crop_from_points(upright @ turn.T + [300.0, 200.0], 192, roll)
    inside = transform_points(np.linalg.inv(crop.image_from_crop), upright @ turn.T + [300, 200])
    extent = np.ptp(upright, axis=0)
    np.testing.assert_allclose(np.ptp(inside, axis=0), extent * 192 / (extent.max() * 1.2))
    assert inside.min() > 0
    assert inside.max() < 192
