"""Rings, residuals and regions, against positions worked out by OpenCV."""

from __future__ import annotations

from dataclasses import replace

import moderngl
import numpy as np
import pytest
from drawn_head import pose, projected, tracked
from numpy.typing import NDArray

from app.render.head_mesh import front
from app.render.look import Look, Mode
from app.render.marks import MAGNIFICATION, RING_SIGMAS, spread
from app.render.offscreen import Canvas
from app.render.scene import Scene
from engine.fit.heads import HeadModel
from engine.geometry import assumed_camera
from engine.types import Alignment, Array, TrackResult

SIZE, TARGET = (320, 240), (800, 480)  # twice the size, with bars of 80 pixels left and right
OFF_PX, SIGMA_PX = np.array([4.0, -3.0]), 5.0


def drawn(
    context: moderngl.Context, head: HeadModel, result: TrackResult, mode: Mode, mirror: bool
) -> NDArray[np.int32]:
    scene, canvas = Scene(context, head), Canvas(context, TARGET)
    scene.show(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), result)
    scene.draw(canvas.target, TARGET, Look(mode, 1.0, mirror=mirror, legend=False))
    return canvas.read().astype(np.int32)


def one_point(head: HeadModel) -> tuple[TrackResult, Array]:
    """A result whose network saw the foremost vertex alone; and where the fit has that."""
    chosen = spread(head.neutral, front(head))
    vertex = chosen[np.argmin(head.neutral[chosen, 2])]
    at = projected(head.neutral, pose(), assumed_camera(*SIZE))[vertex]
    alignment = Alignment(
        (at + OFF_PX)[None], np.array([SIGMA_PX]), np.array([vertex], dtype=np.int32)
    )
    return replace(tracked(head.neutral, SIZE), alignment=alignment), at


def on_target(point_px: Array, mirror: bool) -> Array:
    x, y = 2 * point_px
    return np.array([TARGET[0] - 80 - x if mirror else 80 + x, y])


@pytest.mark.parametrize("mirror", [False, True])
def test_a_ring_surrounds_what_the_network_saw(
    context: moderngl.Context, head: HeadModel, mirror: bool
) -> None:
    result, at = one_point(head)
    row, column = np.nonzero(drawn(context, head, result, Mode.POINTS, mirror).sum(axis=-1))
    pixels = np.stack([column, row], axis=1) + 0.5
    distance = np.linalg.norm(pixels - on_target(at + OFF_PX, mirror), axis=1)
    assert len(pixels) > 100
    assert distance.mean() == pytest.approx(2 * RING_SIGMAS * SIGMA_PX, abs=0.3)
    assert np.abs(distance - distance.mean()).max() < 2.0


@pytest.mark.parametrize("mirror", [False, True])
def test_a_residual_goes_from_the_fit_towards_the_network(
    context: moderngl.Context, head: HeadModel, mirror: bool
) -> None:
    result, at = one_point(head)
    row, column = np.nonzero(drawn(context, head, result, Mode.RESIDUALS, mirror).sum(axis=-1))
    pixels = np.stack([column, row], axis=1) + 0.5
    start, end = on_target(at, mirror), on_target(at + MAGNIFICATION * OFF_PX, mirror)
    for corner in (start, end):
        assert np.linalg.norm(pixels - corner, axis=1).min() < 1.5
    along = (end - start) / np.linalg.norm(end - start)
    share = (pixels - start) @ along / np.linalg.norm(end - start)
    assert -0.05 < share.min() < 0.05
    assert 0.95 < share.max() < 1.05
    across = (pixels - start) @ np.array([-along[1], along[0]])
    assert np.abs(across).max() < 2.0


def test_points_on_the_far_side_are_not_drawn(context: moderngl.Context, head: HeadModel) -> None:
    full = tracked(head.neutral, SIZE)
    away = tracked(head.neutral, SIZE, pose(np.pi))
    seen = [
        (drawn(context, head, result, Mode.POINTS, False).sum(axis=-1) > 0).sum()
        for result in (full, away)
    ]
    assert seen[0] > 2000
    assert seen[1] < 0.1 * seen[0]


def test_neighbouring_regions_have_colours_of_their_own(
    context: moderngl.Context, head: HeadModel
) -> None:
    result = tracked(head.neutral, SIZE)
    image = drawn(context, head, result, Mode.REGIONS, False)
    points = projected(head.neutral, pose(), assumed_camera(*SIZE))
    found = []
    for name in ("face", "nose", "mouth"):
        member = np.flatnonzero(head.region == head.region_names.index(name))
        forehead = np.abs(head.neutral[member, :2] - (0.0, -0.05)).sum(axis=1)
        foremost = head.neutral[member, 2]
        nearest = member[np.argmin(forehead if name == "face" else foremost)]
        x, y = np.round(on_target(points[nearest], False)).astype(int)
        colour = image[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)
        found.append(colour / np.linalg.norm(colour))
    for first, second in ((0, 1), (1, 2), (0, 2)):
        assert found[first] @ found[second] < 0.98  # of two greys it is 1
