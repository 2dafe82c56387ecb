"""Projection and rotations against OpenCV and SciPy, which share no code with ours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.linalg import expm

from engine.geometry import (
    assumed_camera,
    cross_matrix,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
)

K = np.array([[700.0, 0.0, 321.0], [0.0, 690.0, 243.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("seed", range(4))
def test_project_agrees_with_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, rvec = rng.uniform(-0.1, 0.1, (200, 3)), rng.normal(0.0, 0.6, 3)
    shift = np.array([0.03, -0.02, 0.5])
    camera_from_head = rigid(cv2.Rodrigues(rvec)[0], shift)
    expected, _ = cv2.projectPoints(points, rvec, shift, K, None)
    np.testing.assert_allclose(project(points, camera_from_head, K), expected[:, 0], atol=1e-9)


def test_project_gives_nan_behind_the_camera() -> None:
    assert np.isnan(project(np.array([[0.0, 0.0, -1.0]]), np.eye(4), K)).all()


@pytest.mark.parametrize("length", [0.0, 1e-10, 1e-5, 0.3, 2.0, 3.1])
def test_rotation_from_vector_is_the_matrix_exponential(length: float) -> None:
    vector = length * np.array([0.36, -0.48, 0.8])
    np.testing.assert_allclose(rotation_from_vector(vector), expm(cross_matrix(vector)), atol=1e-12)


def test_cross_matrix_is_the_cross_product() -> None:
    a, b = np.array([1.0, -2.0, 3.0]), np.array([0.5, 4.0, -1.0])
    np.testing.assert_allclose(cross_matrix(a) @ b, np.cross(a, b))


def test_transform_points_composes() -> None:
    rng = np.random.default_rng(0)
    first = rigid(rotation_from_vector(rng.normal(size=3)), rng.normal(size=3))
    second = rigid(rotation_from_vector(rng.normal(size=3)), rng.normal(size=3))
    points = rng.normal(size=(5, 7, 3))
    np.testing.assert_allclose(
        transform_points(second @ first, points),
        transform_points(second, transform_points(first, points)),
        atol=1e-12,
    )


def test_assumed_camera_sees_its_field_of_view() -> None:
    camera = assumed_camera(480, 640, np.deg2rad(60))
    half = np.tan(np.deg2rad(30))
    edges = np.array([[0.0, -half, 1.0], [0.0, half, 1.0]])
    np.testing.assert_allclose(
        project(edges, np.eye(4), camera.intrinsics), [[240, 0], [240, 640]], atol=1e-9
    )
