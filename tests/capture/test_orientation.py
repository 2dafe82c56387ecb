"""Pixels and cameras of a video stored lying, against numpy.rot90 and a plain projection."""

from __future__ import annotations

import numpy as np
import pytest

from engine.capture.orientation import stored_from_upright, turned_camera
from engine.geometry import assumed_camera, project, rigid, rotation_from_vector, transform_points


@pytest.mark.parametrize("turns", range(4))
def test_a_marked_pixel_is_found_where_it_is_stored(turns: int) -> None:
    stored = np.zeros((5, 8))
    stored[1, 6] = 1.0  # row, column
    upright = np.rot90(stored, turns)
    row, column = np.argwhere(upright)[0]
    there = stored_from_upright(turns, (upright.shape[1], upright.shape[0]))
    found = transform_points(there, np.array([column + 0.5, row + 0.5]))
    np.testing.assert_allclose(found, [6.5, 1.5])


@pytest.mark.parametrize("turns", range(4))
def test_the_turned_camera_projects_to_the_stored_pixels(turns: int) -> None:
    rng = np.random.default_rng(turns)
    points = rng.uniform(-0.1, 0.1, (20, 3))
    camera = assumed_camera(480, 848)
    head = rigid(rotation_from_vector(rng.normal(size=3)), np.array([0.02, -0.05, 0.6]))
    there = stored_from_upright(turns, camera.size_px)
    expected = transform_points(there, project(points, head, camera.intrinsics))
    intrinsics, extrinsics = turned_camera(there, camera.intrinsics, head)
    np.testing.assert_allclose(project(points, extrinsics, intrinsics), expected, atol=1e-9)
    assert np.linalg.det(extrinsics[:3, :3]) == pytest.approx(1.0)
    # still a camera matrix: no shear, no rotation hidden in it
    np.testing.assert_allclose(intrinsics[:2, :2], np.diag(camera.intrinsics[[0, 1], [0, 1]]))
