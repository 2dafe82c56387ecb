"""Expressions, light, fitted assets and the demo clip."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.errors import AssetError
from engine.fit.heads import open_head
from engine.fit.heads.open_head import OpenHead
from engine.resources import RESOURCES
from engine.training.render import demo
from engine.training.render.assets import ProxyReader, read_obj
from engine.training.render.camera_effects import apply_effects, random_effects
from engine.training.render.expressions import random_expression, random_gaze
from engine.training.render.light import Environment, sh_basis, sphere_directions
from engine.training.render.view import rotation_vector, towards
from engine.types import BLENDSHAPE_NAMES


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return open_head.load()


def test_expressions_are_possible_and_oversample_what_portraits_lack() -> None:
    rng = np.random.default_rng(0)
    index = BLENDSHAPE_NAMES.index
    drawn = np.stack([random_expression(rng, random_gaze(rng)) for _ in range(600)])
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    assert (drawn[:, index("mouthClose")] <= drawn[:, index("jawOpen")]).all()
    blinks = drawn[:, [index("eyeBlinkLeft"), index("eyeBlinkRight")]]
    assert 0.06 < (blinks.min(axis=1) > 0.8).mean() < 0.4
    assert (np.abs(blinks[:, 0] - blinks[:, 1]) > 0.4).mean() > 0.06
    for name in ("jawOpen", "mouthPucker", "tongueOut", "cheekPuff"):
        assert (drawn[:, index(name)] > 0.6).mean() > 0.02, name


def test_lids_follow_the_eyes() -> None:
    rng = np.random.default_rng(0)
    left_out, right_in = np.deg2rad([[20.0, 0.0], [20.0, 0.0]])
    expression = random_expression(rng, np.stack([left_out, right_in]))
    for name in ("eyeLookOutLeft", "eyeLookInRight"):
        assert expression[BLENDSHAPE_NAMES.index(name)] > 0.4
    for name in ("eyeLookInLeft", "eyeLookOutRight"):
        assert expression[BLENDSHAPE_NAMES.index(name)] == 0.0


def test_irradiance_agrees_with_direct_integration() -> None:
    """Nine coefficients are exact for light that is smooth; the sum over the sphere is the twin."""
    directions, solid_angle = sphere_directions(64, 128)
    flat = directions.reshape(-1, 3)
    radiance = 1.0 + 0.5 * flat[:, :1] - 0.7 * flat[:, 1:2] * flat[:, 2:3]
    turn = cv2.Rodrigues(np.array([0.2, 1.1, -0.3]))[0]
    environment = Environment("test", np.repeat(radiance, 3, axis=1).reshape(64, 128, 3), turn)
    normals = np.random.default_rng(0).normal(size=(20, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cosine = np.maximum(normals @ turn.T @ flat.T, 0.0)
    expected = cosine @ (solid_angle.reshape(-1, 1) * radiance) / np.pi
    actual = sh_basis(normals) @ environment.irradiance_sh
    np.testing.assert_allclose(actual[:, :1], expected, atol=0.02)


def _tied_asset(folder: Path, head: OpenHead, vertices: list[int]) -> None:
    a, b, c = head.source_vertex[vertices]
    scale = "".join(f"{axis}_scale {a} {b} {d}\n" for axis, d in zip("xyz", (1, 2, 4), strict=True))
    ties = f"{a} {b} {c} 0.5 0.25 0.25 0.1 0.0 0.0\n{b}\n{a} {a} {c} 0 0.5 0.5 0 0.2 -0.1\n"
    (folder / "thing.mhclo").write_text(f"# made for a test\n{scale}verts 0\n{ties}")
    (folder / "thing.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0.25\nf 1/1 2/1 3/1\n")


def test_a_tied_part_follows_its_three_vertices(head: OpenHead, tmp_path: Path) -> None:
    """Expected values by hand from the format: decimetres, y and z negated, offsets stretched."""
    chosen = [100, 2000, 3500]
    _tied_asset(tmp_path, head, chosen)
    proxy = ProxyReader(head, tmp_path).read("thing")
    points = head.neutral.astype(float) * 1.1
    a, b, c = points[chosen]
    stretch = np.abs(a - b) / np.array([0.1, 0.2, 0.4])
    expected = [
        0.5 * a + 0.25 * b + 0.25 * c + [0.01 * stretch[0], 0, 0],
        b,
        0.5 * a + 0.5 * c + [0, -0.02 * stretch[1], 0.01 * stretch[2]],
    ]
    np.testing.assert_allclose(proxy.vertices(points), expected, atol=1e-9)
    assert proxy.mesh.texture_uv[0, 1] == 0.75


def test_missing_and_empty_assets_are_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"nothing\.obj: no such file"):
        read_obj(tmp_path / "nothing.obj")
    (tmp_path / "empty.obj").write_text("v 0 0 0\n")
    with pytest.raises(AssetError, match=r"empty\.obj: no faces"):
        read_obj(tmp_path / "empty.obj")


def test_turning_towards_a_place_moves_the_optical_axis_there() -> None:
    place = np.array([0.3, -0.2, 0.7])
    np.testing.assert_allclose(
        towards(place) @ [0.0, 0.0, 1.0], place / np.linalg.norm(place), atol=1e-12
    )


@pytest.mark.parametrize("seed", range(5))
def test_rotation_vectors_agree_with_opencv(seed: int) -> None:
    vector = np.random.default_rng(seed).normal(0.0, 0.8, 3)
    np.testing.assert_allclose(rotation_vector(cv2.Rodrigues(vector)[0]), vector, atol=1e-9)


def test_camera_effects_neither_move_nor_resize_the_picture() -> None:
    """The labels stay: a bright square's centre may wander by less than 0.5 px."""
    image = np.full((256, 256, 3), 40, np.uint8)
    image[100:140, 60:90] = 220
    for seed in range(12):
        rng = np.random.default_rng(seed)
        result = apply_effects(random_effects(rng, 256, clean=0.0), image, rng)
        grey = cv2.GaussianBlur(result, (0, 0), 1.5).mean(axis=2)
        bright = grey > 0.5 * (np.median(grey) + grey[105:135, 65:85].mean())
        row, column = np.nonzero(bright[90:150, 50:100])
        assert result.shape == image.shape
        np.testing.assert_allclose([column.mean() + 50.5, row.mean() + 90.5], [75, 120], atol=0.5)


def test_the_demo_clip_shows_what_its_truth_says() -> None:
    with np.load(RESOURCES / "demo" / "truth.npz", allow_pickle=False) as truth:
        expression = truth["expression"].astype(float)
        rate = float(truth["frame_rate"])
        yaw = np.rad2deg(
            np.arctan2(truth["camera_from_head"][:, 0, 2], truth["camera_from_head"][:, 2, 2])
        )
    with av.open(str(RESOURCES / "demo" / "demo.mp4")) as clip:
        stream = clip.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (640, 480, rate)
        assert sum(1 for _ in clip.decode(stream)) == len(expression)
    blink = expression[:, BLENDSHAPE_NAMES.index("eyeBlinkRight")]
    for moment in demo.BLINKS:
        around = round(moment * rate)
        assert blink[around - 3 : around + 4].max() > 0.9
    wink = expression[round(demo.WINK * rate)]
    assert wink[BLENDSHAPE_NAMES.index("eyeBlinkLeft")] > 0.9
    assert wink[BLENDSHAPE_NAMES.index("eyeBlinkRight")] < 0.1
    assert yaw.max() > 20
    assert yaw.min() < -20
