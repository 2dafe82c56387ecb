"""What is drawn, against projections and masks made without OpenGL."""

from __future__ import annotations

from dataclasses import replace

import cv2
import moderngl
import numpy as np
import pytest
from drawn_head import pose, projected, toy_head, tracked
from numpy.typing import NDArray

from app.render import scene as scene_module
from app.render.head_overlay import FULL_SCALE
from app.render.look import Look, Mode
from app.render.offscreen import Canvas
from app.render.scene import Scene
from engine.fit.heads import HeadModel
from engine.geometry import assumed_camera
from engine.types import HeadState, Status, TrackResult

SIZE = (320, 240)
SOLID = Look(Mode.SHADED, opacity=1.0, whole_head=True)


def draw(
    context: moderngl.Context,
    head: HeadModel,
    result: TrackResult | None,
    look: Look,
    image: NDArray[np.uint8] | None = None,
    target_px: tuple[int, int] = SIZE,
) -> NDArray[np.int32]:
    scene, canvas = Scene(context, head), Canvas(context, target_px)
    black = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    scene.show(black if image is None else image, result)
    scene.draw(canvas.target, target_px, look)
    return canvas.read().astype(np.int32)


def shown(result: TrackResult) -> HeadState:
    assert result.head is not None
    return result.head


def noise(seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_triangle_lies_where_opencv_projects_it(context: moderngl.Context, mirror: bool) -> None:
    vertices = np.array([[0.02, 0.03, -0.01], [0.05, 0.035, 0.0], [0.03, 0.05, 0.02]])
    toy, result = toy_head(vertices, [(0, 1, 2)], "face", "face", "face"), tracked(vertices, SIZE)
    target = (800, 480)  # twice the size, with bars of 80 pixels left and right
    drawn = draw(context, toy, result, replace(SOLID, mirror=mirror), None, target)
    row, column = np.nonzero(drawn.sum(axis=-1))
    found = np.array([column.mean() + 0.5, row.mean() + 0.5])
    expected = 2 * projected(vertices, pose(), assumed_camera(*SIZE)).mean(axis=0)
    expected = np.array([target[0] - 80 - expected[0] if mirror else 80 + expected[0], expected[1]])
    np.testing.assert_allclose(found, expected, atol=0.25)


@pytest.mark.parametrize("turn_rad", [0.0, 0.6, -1.2])
def test_the_silhouette_is_that_of_the_projected_triangles(
    context: moderngl.Context, head: HeadModel, turn_rad: float
) -> None:
    result = tracked(head.neutral, SIZE, pose(turn_rad))
    mask = draw(context, head, result, SOLID).sum(axis=-1) > 0
    # OpenCV fills a rim of one pixel too many, so it draws at eight times the size. Its pixel
    # centres lie at 0, and it takes coordinates in 1/256 pixel.
    lash = head.region[head.triangles[:, 0]] == head.region_names.index("lashes")
    corners = shown(result).points_px[head.triangles[~lash]]
    large = np.zeros((8 * SIZE[1], 8 * SIZE[0]), np.uint8)
    for triangle in np.round(256 * (8 * corners - 0.5)).astype(np.int32):
        cv2.fillConvexPoly(large, triangle, 1, shift=8)
    expected, one_pixel = large[4::8, 4::8], np.ones((3, 3), np.uint8)
    assert expected.sum() > 5000
    assert (mask != expected.astype(bool)).sum() < 70  # half a pixel off gives 200
    assert not (mask & (cv2.dilate(expected, one_pixel) == 0)).any()
    assert mask[cv2.erode(expected, one_pixel) == 1].all()


def test_the_nearer_surface_hides_the_farther(context: moderngl.Context) -> None:
    shape = np.array([[-0.03, -0.03, 0.0], [0.03, -0.03, 0.0], [0.0, 0.04, 0.0]])
    vertices = np.concatenate([shape, shape + np.array([0.0, 0.0, 0.05])])
    regions = ["face"] * 3 + ["tongue"] * 3
    near_first = toy_head(vertices, [(0, 1, 2), (3, 4, 5)], *regions)
    far_first = toy_head(vertices, [(3, 4, 5), (0, 1, 2)], *regions)
    alone = toy_head(vertices, [(0, 1, 2)], *regions)
    result = tracked(vertices, SIZE)
    expected = draw(context, alone, result, SOLID)[118, 167]
    for toy in (near_first, far_first):
        assert (draw(context, toy, result, SOLID)[118, 167] == expected).all()
    tongue = draw(context, toy_head(vertices, [(3, 4, 5)], *regions), result, SOLID)[118, 167]
    assert np.abs(tongue - expected).max() > 40


@pytest.mark.parametrize("look", [Look(Mode.OFF), Look(Mode.SHADED, 0.0, whole_head=True)])
def test_an_invisible_overlay_leaves_the_picture_as_it_was(
    context: moderngl.Context, head: HeadModel, look: Look
) -> None:
    """At opacity 0 the head's shader still takes every pixel to linear light and back."""
    drawn = draw(context, head, tracked(head.neutral, SIZE), look, noise())
    assert np.abs(drawn - noise()).max() <= 1


def test_a_legend_is_made_anew_only_when_its_scale_has_changed(
    context: moderngl.Context, head: HeadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    made = scene_module.draw_legend
    monkeypatch.setattr(
        scene_module, "draw_legend", lambda px, *rest: told.append(px) or made(px, *rest)
    )
    scene, canvas = Scene(context, head), Canvas(context, SIZE)
    for size in (1.0, 1.01, 0.99, 1.1):
        result = tracked(size * head.neutral, SIZE)
        scene.show(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), result)
        scene.draw(canvas.target, SIZE, Look(Mode.UNCERTAINTY))
    assert len(told) == 2
    assert told[1] > 1.05 * told[0]


def test_mirror_only_flips_what_is_shown(context: moderngl.Context, head: HeadModel) -> None:
    result = tracked(head.neutral, SIZE, pose(0.4))
    straight = draw(context, head, result, Look(Mode.SHADED, 0.7), noise())
    mirrored = draw(context, head, result, Look(Mode.SHADED, 0.7, mirror=True), noise())
    difference = np.abs(straight[:, ::-1] - mirrored).max(axis=-1)
    assert (difference <= 2).mean() > 0.995
    assert np.abs(straight - mirrored).max(axis=-1).mean() > 20


def test_the_picture_keeps_its_shape_and_the_bars_are_empty(
    context: moderngl.Context, head: HeadModel
) -> None:
    white = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    drawn = draw(context, head, None, Look(), white, (400, 600))
    assert (drawn[150:450] == 255).all()
    assert not drawn[:150].any()
    assert not drawn[450:].any()


@pytest.mark.parametrize("missing", ["lost", "behind"])
def test_without_a_face_only_the_picture_is_drawn(
    context: moderngl.Context, head: HeadModel, missing: str
) -> None:
    if missing == "lost":
        result = TrackResult(0, 0, 1, Status.LOST)
    else:
        result = tracked(head.neutral, SIZE, pose(distance_m=0.02))
    drawn = draw(context, head, result, Look(), noise())
    assert (drawn == noise()).all()


@pytest.mark.parametrize(("share", "red_to_green"), [(0.0, (0.4, 0.9)), (1.0, (2.0, 20.0))])
def test_certain_is_green_and_uncertain_is_red(
    context: moderngl.Context, head: HeadModel, share: float, red_to_green: tuple[float, float]
) -> None:
    """The scale ends at FULL_SCALE of the face's size, measured here on the projected vertices."""
    names = [head.region_names.index(name) for name in ("face", "eyes", "nose", "mouth")]
    points = shown(tracked(head.neutral, SIZE)).points_px[np.isin(head.region, names)]
    full_scale_px = FULL_SCALE * np.sqrt(np.ptp(points, axis=0).prod())
    result = tracked(head.neutral, SIZE, sigma_px=share * full_scale_px)
    look = Look(Mode.UNCERTAINTY, 1.0, whole_head=True, legend=False)
    drawn = draw(context, head, result, look).reshape(-1, 3)
    red, green, _ = drawn[drawn.sum(axis=1) > 150].mean(axis=0)
    assert red_to_green[0] < red / green < red_to_green[1]
