"""Expressions, light, fitted assets and the demo clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from engine.errors import AssetError
from engine.fit.heads import landmarks, open_head
from engine.fit.heads.open_head import OpenHead
from engine.resources import RESOURCES
from engine.training.render import demo
from engine.training.render.assets import ProxyReader, read_obj
from engine.training.render.camera_effects import apply_effects, random_effects
from engine.training.render.covers import random_fringe, random_mask
from engine.training.render.expressions import random_expression, random_gaze
from engine.training.render.hands import random_hand
from engine.training.render.light import Environment, sh_basis, sphere_directions
from engine.training.render.scene import Prop
from engine.training.render.surroundings import random_lighting
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


def test_a_third_of_training_looks_anywhere_and_tests_look_as_ever() -> None:
    """Far looks are a fortieth of those of tests, whose drawing training must not change."""
    draw = {wide: np.random.default_rng(3) for wide in (False, True)}
    far = {
        wide: np.mean([abs(random_gaze(rng, wide=wide)[:, 0].mean()) > 0.5 for _ in range(3000)])
        for wide, rng in draw.items()
    }
    assert far[False] < 0.05
    assert far[True] == pytest.approx(far[False] * 2 / 3 + 1 / 3 * 1 / 3, abs=0.03)
    up = [random_gaze(draw[True], wide=True)[:, 1].mean() for _ in range(3000)]
    assert min(up) < -0.42
    assert max(up) > 0.47


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


def _covered(head: OpenHead, make: Callable[[np.random.Generator], list[Prop]]) -> NDArray:
    """Say which landmarks (478,) of a resting face a cover hides from a camera far in front."""
    at = landmarks(head, head.neutral.astype(float))
    prop = make(np.random.default_rng(2))[0]
    inside, behind = np.zeros((2, len(at)), bool)
    for corners in prop.vertices[prop.triangles]:
        a, b, c = corners
        basis = np.stack([b - a, c - a], axis=1)[:2]
        if abs(np.linalg.det(basis)) < 1e-12:
            continue
        u, v = np.linalg.solve(basis, (at - a)[:, :2].T)
        inside |= (hit := (u >= 0) & (v >= 0) & (u + v <= 1))
        depth = corners[0, 2] + u * (corners[1] - corners[0])[2] + v * (corners[2] - corners[0])[2]
        behind |= hit & (at[:, 2] > depth)
    return inside & behind


def test_a_mask_hides_the_mouth_and_leaves_the_eyes(head: OpenHead) -> None:
    hidden = _covered(head, lambda rng: random_mask(rng, head, head.neutral.astype(float)))
    assert hidden[[0, 13, 14, 17, 61, 291]].all()
    assert not hidden[[33, 133, 362, 263, 159, 386, 10]].any()
    cloth = random_mask(np.random.default_rng(2), head, head.neutral.astype(float))[0]
    away = KDTree(head.neutral).query(cloth.vertices)[0]
    assert np.max(away) < 0.025


def test_a_fringe_hides_the_forehead_and_leaves_the_mouth(head: OpenHead) -> None:
    hair, face = np.full(3, 0.05), head.neutral.astype(float)
    hidden = _covered(head, lambda rng: [random_fringe(rng, head, face, hair)])
    assert hidden[[151, 108, 337, 69, 299, 104, 333, 9]].mean() > 0.3
    assert not hidden[[4, 13, 14, 152]].any()


def test_hands_have_five_fingers_of_human_size(head: OpenHead) -> None:
    hand = random_hand(np.random.default_rng(1), head.neutral.astype(float), np.full(3, 0.4))
    joined = np.concatenate([hand.triangles[:, [0, 1]], hand.triangles[:, [1, 2]]])
    count = len(hand.vertices)
    links = coo_matrix((np.ones(len(joined)), joined.T), shape=(count, count))
    pieces = connected_components(links, directed=False)[1]
    spans = [np.ptp(hand.vertices[pieces == piece], axis=0).max() for piece in np.unique(pieces)]
    assert len(spans) == 7  # palm, forearm, four fingers, thumb
    assert max(spans) < 0.16
    assert min(spans) > 0.025


def test_light_is_at_times_hard_from_one_side_and_at_times_coloured() -> None:
    rng = np.random.default_rng(0)
    drawn = [random_lighting(rng) for _ in range(400)]
    lamps = [(lamp, one.sky) for one in drawn for lamp in one.lamps]
    aside = [abs(lamp.direction[0]) > 0.7 and lamp.colour.min() > 4 * sky for lamp, sky in lamps]
    vivid = [lamp.colour.max() > 3 * lamp.colour.min() for lamp, _ in lamps]
    assert np.sum(aside) > 0.06 * len(drawn)
    assert np.mean(vivid) > 0.05
    assert all(np.isclose(np.linalg.norm(x.direction), 1.0) for one in drawn for x in one.lamps)
