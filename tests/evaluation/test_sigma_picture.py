"""Sigma under an occluder, with a network whose sigma is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine import plugins
from engine.evaluation.sigma_picture import (
    covered_from_below,
    demo_face,
    heat,
    occluder_sheet,
    sigma_rise,
)
from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead, load
from engine.network.crop import crop_from_points
from engine.types import Alignment, Crop, Frame

SIZE = 160


class Knows:
    """A network that is unsure of exactly those points whose pixel is grey cloth."""

    crop_side_px = 96

    def __init__(self, points: np.ndarray) -> None:
        self.points = points

    def warm_up(self) -> None: ...

    def close(self) -> None: ...

    def align(self, frame: Frame, crop: Crop, memory: object = None) -> Alignment:
        at = self.points.astype(int).clip(0, SIZE - 1)
        grey = frame.image[at[:, 1], at[:, 0], 0] == 96
        sigma = np.where(grey, 6.0, 1.5)
        return Alignment(self.points.copy(), sigma, np.arange(len(sigma), dtype=np.int32))


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return load()


def face(head: OpenHead) -> np.ndarray:
    """The head seen from the front, tilted by 20 degrees, (V, 2) px."""
    turn = np.array([[np.cos(0.35), np.sin(0.35)], [-np.sin(0.35), np.cos(0.35)]])
    return head.neutral[:, :2] @ turn * 450 + SIZE / 2


def test_only_what_is_covered_gets_unsure(head: OpenHead) -> None:
    points = face(head)
    marks = landmarks(head, points)
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    crop = crop_from_points(marks[:468], 96, 0.35)
    covered, beside = sigma_rise(head, Knows(points), image, crop, marks, 0.4)
    assert covered == pytest.approx(4.0, rel=1e-6)
    assert beside == pytest.approx(1.0, rel=1e-6)


def test_the_cloth_covers_its_share_level_with_the_face(head: OpenHead) -> None:
    marks = landmarks(head, face(head))
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    crop = crop_from_points(marks[:468], 96, 0.35)
    hidden, under = covered_from_below(image, crop, marks, 0.3)
    down = marks @ np.array([-np.sin(0.35), np.cos(0.35)])
    edge = down.max() - 0.3 * (down.max() - down.min())
    np.testing.assert_array_equal(under, down > edge)
    rows, columns = np.indices((SIZE, SIZE)) + 0.5
    away = np.abs(-np.sin(0.35) * columns + np.cos(0.35) * rows - edge) > 0.05
    expected = -np.sin(0.35) * columns + np.cos(0.35) * rows > edge
    np.testing.assert_array_equal((hidden[..., 0] == 96)[away], expected[away])


def test_heat_is_red_where_sigma_is_large(head: OpenHead) -> None:
    points = face(head)
    crop = crop_from_points(landmarks(head, points)[:468], 96, 0.35)
    crop_from_image = np.linalg.inv(crop.image_from_crop)
    row = points @ crop_from_image[1, :2] + crop_from_image[1, 2]
    sigma = np.where(row > 48, 20.0, 0.5)
    alignment = Alignment(points, sigma, np.arange(len(points), dtype=np.int32))
    shown = heat(head, alignment, np.zeros((96, 96, 3), np.uint8), crop).astype(int)
    middle = shown[:, 40:56]
    assert (middle[60:80, :, 0] > middle[60:80, :, 2] + 50).mean() > 0.9
    assert (middle[20:36, :, 2] > middle[20:36, :, 0] + 20).mean() > 0.8
    assert not shown[0].any()


def test_the_sheet_shows_four_covers(head: OpenHead) -> None:
    points = face(head)
    marks = landmarks(head, points)
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    crop = crop_from_points(marks[:468], 96, 0.35)
    sheet = occluder_sheet(head, Knows(points), image, crop, marks)
    assert sheet.shape == (2 * 192, 4 * 192, 3)
    grey = [(sheet[:192, k : k + 192, 0] == 96).mean() for k in range(0, 4 * 192, 192)]
    assert grey[0] == 0
    assert (np.diff(grey) > 0.08).all()


def test_the_sheet_shows_the_demo_where_its_face_is(head: OpenHead) -> None:
    """Against the tracker's own network, which was not told where the face is."""
    from engine.evaluation.align import align_in, upright_crop
    from engine.network import backends, weights

    image, marks = demo_face(head)
    assert (image.shape, marks.shape) == ((480, 640, 3), (478, 2))
    backend = plugins.load(backends, "onnx_runtime").create(weights.load(), 1)
    found = align_in(backend, image, upright_crop(marks, backend.crop_side_px))
    backend.close()
    apart = np.linalg.norm(landmarks(head, found.points_px) - marks, axis=1)
    assert float(np.median(apart)) < 3.0
