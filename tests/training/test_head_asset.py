"""The open head as it ships: what everyone builds on, checked by plain geometry on its arrays."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from engine.resources import RESOURCES
from engine.training.head_build.posing import pose
from engine.training.head_build.uv_floor import floor_px
from engine.types import BLENDSHAPE_NAMES

Asset = Mapping[str, np.ndarray]
VISIBLE = ("face", "eyes", "nose", "mouth", "ears", "scalp", "neck")


@pytest.fixture(scope="module")
def asset() -> Asset:
    with np.load(RESOURCES / "heads" / "open" / "head.npz", allow_pickle=False) as file:
        return dict(file)


def of(asset: Asset, *names: str) -> np.ndarray:
    return np.isin(asset["region_names"][asset["region"]], names)


def region_triangles(asset: Asset, *names: str) -> np.ndarray:
    return asset["triangles"][of(asset, *names)[asset["triangles"]].all(axis=1)]


def people(asset: Asset, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, len(asset["identity_basis"])))


def cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the signed area (N,) that two plane vectors span; further components are ignored."""
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


def covered(points: np.ndarray, surface: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Tell which points a viewer in front (looking along +z) has a triangle before."""
    a, b, c = (surface[triangles[:, i]] for i in range(3))
    area = cross(b - a, c - a)
    keep = np.abs(area) > 1e-12
    a, b, c, area = a[keep], b[keep], c[keep], area[keep]
    hidden = np.zeros(len(points), dtype=bool)
    for index, point in enumerate(points):
        weight_b = cross(point - a, c - a) / area
        weight_c = cross(b - a, point - a) / area
        inside = (weight_b >= 0) & (weight_c >= 0) & (weight_b + weight_c <= 1)
        depth = a[:, 2] + weight_b * (b - a)[:, 2] + weight_c * (c - a)[:, 2]
        hidden[index] = (inside & (depth < point[2])).any()
    return hidden


def test_names_and_order(asset: Asset) -> None:
    assert tuple(asset["expression_names"]) == BLENDSHAPE_NAMES
    assert list(asset["joint_names"]) == ["neck", "jaw", "left_eye", "right_eye"]
    vertices, components = len(asset["neutral"]), len(asset["identity_basis"])
    assert asset["expression_basis"].shape == (52, vertices, 3)
    assert asset["identity_basis"].shape == (components, vertices, 3)
    assert asset["joint_identity"].shape == (components, 4, 3)
    assert asset["triangles"].max() == vertices - 1


def test_every_number_is_finite(asset: Asset) -> None:
    for name, array in asset.items():
        assert array.dtype.kind in "iuU" or np.isfinite(array).all(), name


def test_skin_weights_are_shares(asset: Asset) -> None:
    weights = asset["skin_weights"]
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    assert weights.min() >= 0.0
    assert (weights[of(asset, "eyeball_left"), 3] == 1.0).all()
    assert (weights[of(asset, "eyeball_right"), 4] == 1.0).all()
    assert not weights[of(asset, "face", "eyes", "nose") & (asset["neutral"][:, 1] < 0.06), 1].any()


def test_it_looks_at_the_camera_at_life_size(asset: Asset) -> None:
    """Axes of the conventions, and adult measures (interpupillary 62-63 mm, head breadth 15 cm)."""
    points, joints = asset["neutral"], asset["joint_neutral"]
    np.testing.assert_allclose(joints[2] + joints[3], 0.0, atol=1e-4)
    assert 0.060 < joints[2, 0] - joints[3, 0] < 0.065
    nose = points[of(asset, "nose")]
    assert nose[:, 2].min() == points[~of(asset, "lashes")][:, 2].min()
    assert points[of(asset, "neck"), 1].max() == points[:, 1].max()
    above_ears = of(asset, "scalp", "face") & (points[:, 1] < -0.03)
    assert 0.14 < np.ptp(points[above_ears, 0]) < 0.16


def test_triangles_turn_outwards(asset: Asset) -> None:
    """On the convex top of the head, away from a point inside it."""
    a, b, c = (asset["neutral"][region_triangles(asset, "scalp")[:, i]] for i in range(3))
    outwards = np.sum(np.cross(b - a, c - a) * (a - [0.0, 0.0, 0.06]), axis=1)
    top = a[:, 1] < -0.04
    assert top.sum() > 100
    assert (outwards[top] > 0).all()


def test_landmarks_anchor_on_triangles(asset: Asset) -> None:
    weights = asset["landmark_weights"]
    assert weights.shape == (478, 3)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-3)
    assert asset["landmark_triangles"].min() >= 0


def test_shapes_of_the_two_sides_mirror(asset: Asset) -> None:
    """The twin of a vertex is found in the neutral shape alone."""
    flip = np.array([-1.0, 1.0, 1.0])
    gap, twin = cKDTree(asset["neutral"]).query(asset["neutral"] * flip)
    assert gap.max() < 1e-5
    names = list(BLENDSHAPE_NAMES)
    for left in [name for name in names if name.endswith("Left")]:
        right = left.removesuffix("Left") + "Right"
        one = asset["expression_basis"][names.index(left)].astype(np.float64)
        other = asset["expression_basis"][names.index(right)].astype(np.float64)
        np.testing.assert_allclose(one[twin] * flip, other, atol=3e-5, err_msg=left)


def test_left_is_the_subjects_left(asset: Asset) -> None:
    for name, shape in zip(BLENDSHAPE_NAMES, asset["expression_basis"], strict=True):
        if name.endswith("Left") and name not in ("jawLeft", "mouthLeft"):
            moved = np.linalg.norm(shape.astype(np.float64), axis=1)
            assert (moved * asset["neutral"][:, 0]).sum() > 0.0, name
    chin = of(asset, "face") & (asset["neutral"][:, 1] > 0.1)
    for name in ("jawLeft", "mouthLeft"):
        shape = asset["expression_basis"][BLENDSHAPE_NAMES.index(name)]
        where = chin if name == "jawLeft" else of(asset, "mouth")
        assert shape[where, 0].astype(np.float64).mean() > 0.0005, name


def test_no_two_shapes_are_alike(asset: Asset) -> None:
    """As the face sees them: nearest pair of unit displacement fields, jawOpen and gaze apart."""
    face = of(asset, "face", "eyes", "nose", "mouth")
    fields = {
        name: (pose(asset, {name: 1.0}) - asset["neutral"])[face].ravel()
        for name in BLENDSHAPE_NAMES
        if not name.startswith("eyeLook")
    }
    unit = np.stack([field / max(np.linalg.norm(field), 1e-9) for field in fields.values()])
    alike = unit @ unit.T - 2.0 * np.eye(len(unit))
    names = list(fields)
    one, other = np.unravel_index(alike.argmax(), alike.shape)
    assert alike.max() < 0.9, f"{names[one]} and {names[other]}: {alike.max():.2f}"


def on_the_eyeballs(asset: Asset, points: np.ndarray) -> np.ndarray:
    """Return points (N, 3) spread over the eyeballs' front triangles, which are 3 to 6 mm wide."""
    balls = region_triangles(asset, "eyeball_left", "eyeball_right")
    front = balls[points[balls][:, :, 2].max(axis=1) < -0.008]
    mixes = np.array([(i, j, 3 - i - j) for i in range(4) for j in range(4 - i)]) / 3.0
    return np.einsum("mk,fkd->fmd", mixes, points[front]).reshape(-1, 3)


@pytest.mark.parametrize("person", range(5))
def test_a_blink_hides_the_eyeballs(asset: Asset, person: int) -> None:
    identity = people(asset, 5, seed=11)[person]
    skin = region_triangles(asset, "face", "eyes", "nose")
    skin = skin[np.abs(asset["neutral"][skin][:, :, 1]).max(axis=1) < 0.025]
    opened = pose(asset, identity=identity)
    assert not covered(on_the_eyeballs(asset, opened), opened, skin).all()
    shut = pose(asset, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, identity)
    assert covered(on_the_eyeballs(asset, shut), shut, skin).all()


def test_half_a_blink_keeps_the_lid_outside_the_eyeball(asset: Asset) -> None:
    half = pose(asset, {"eyeBlinkLeft": 0.5})
    ball = half[of(asset, "eyeball_left")]
    centre = ball.mean(axis=0)
    radius = np.linalg.norm(ball - centre, axis=1).mean()
    offset = half[of(asset, "eyes")] - centre
    lid = (np.hypot(offset[:, 0], offset[:, 1]) < 0.5 * radius) & (offset[:, 1] < 0.0)
    assert lid.sum() > 5
    assert np.linalg.norm(offset[lid], axis=1).min() > radius - 0.0005


def test_the_jaw_swings_as_one_piece(asset: Asset) -> None:
    """Kabsch on the lower teeth: rigid within a millimetre, a turn about x, the chin well down."""
    before, after = pose(asset), pose(asset, {"jawOpen": 1.0})
    lower = of(asset, "teeth") & (asset["skin_weights"][:, 2] > 0.5)
    p, q = before[lower], after[lower]
    u, _, vt = np.linalg.svd((p - p.mean(axis=0)).T @ (q - q.mean(axis=0)))
    rotation = vt.T @ np.diag([1.0, 1.0, np.linalg.det(vt.T @ u.T)]) @ u.T
    np.testing.assert_allclose((p - p.mean(0)) @ rotation.T, q - q.mean(0), atol=0.001)
    axis = cv2.Rodrigues(rotation)[0].ravel()
    assert 0.3 < axis[0] < 0.5
    assert np.abs(axis[1:]).max() < 0.01
    chin = of(asset, "face") & (before[:, 1] > 0.105) & (np.abs(before[:, 0]) < 0.01)
    assert (after - before)[chin, 1].min() > 0.017
    upper = of(asset, "teeth") & (asset["skin_weights"][:, 2] == 0.0)
    assert upper.sum() == lower.sum()
    np.testing.assert_allclose(after[upper], before[upper], atol=1e-4)


def test_mouth_close_shuts_an_open_jaw(asset: Asset) -> None:
    """Lip margins: skin vertices of the mouth's middle that share a triangle with the cavity."""
    with_cavity = asset["triangles"][of(asset, "inner_mouth")[asset["triangles"]].any(axis=1)]
    rim = np.intersect1d(with_cavity, np.flatnonzero(of(asset, "mouth")))
    neutral = asset["neutral"]
    middle = rim[np.abs(neutral[rim, 0]) < 0.015]
    height = pose(asset, {"jawOpen": 1.0})[middle, 1]
    lower = height > 0.5 * (height.min() + height.max())

    def gap(weights: dict[str, float]) -> float:
        points = pose(asset, weights)[middle]
        return float(points[lower, 1].min() - points[~lower, 1].max())

    assert gap({"jawOpen": 1.0}) > 0.02
    assert gap({"jawOpen": 1.0, "mouthClose": 1.0}) < 0.004


def test_the_tongue_comes_out_between_the_lips(asset: Asset) -> None:
    out = pose(asset, {"tongueOut": 1.0})
    tongue = of(asset, "tongue")
    assert out[tongue, 2].min() < out[of(asset, "mouth"), 2].min() - 0.003
    assert pose(asset)[tongue, 2].min() > pose(asset)[of(asset, "mouth"), 2].min() + 0.003


def test_gaze_turns_the_iris_to_the_left_and_down(asset: Asset) -> None:
    gaze = np.array([[0.3, 0.2], [0.3, 0.2]])
    moved = pose(asset, gaze=gaze) - pose(asset)
    for region, joint in (("eyeball_left", 2), ("eyeball_right", 3)):
        offset = asset["neutral"] - asset["joint_neutral"][joint]
        pupil = of(asset, region) & (offset[:, 2] < -0.98 * np.linalg.norm(offset, axis=1))
        radius = np.linalg.norm(offset[pupil], axis=1).mean()
        shift = moved[pupil].mean(axis=0)
        np.testing.assert_allclose(shift[0], radius * np.sin(0.3) * np.cos(0.2), atol=0.0006)
        np.testing.assert_allclose(shift[1], radius * np.sin(0.2), atol=0.0006)


def test_people_have_unit_coefficients_of_sensible_size(asset: Asset) -> None:
    """Front of the face: adults differ by several millimetres, not by centimetres."""
    front = of(asset, "face", "eyes", "nose", "mouth")
    shapes = np.stack([pose(asset, identity=one)[front] for one in people(asset, 40, seed=2)])
    spread = np.sqrt(np.sum(shapes.var(axis=0), axis=-1))
    assert 0.003 < spread.mean() < 0.009
    assert spread.max() < 0.02


def signed_area(uv: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (uv[triangles[:, i]].astype(np.float64) for i in range(3))
    return cross(b - a, c - a)


def test_the_front_of_the_face_has_no_fold_in_uv(asset: Asset) -> None:
    skin = region_triangles(asset, *VISIBLE)
    seen = np.abs(asset["neutral"][skin][:, :, 2]).max(axis=1) < 0.06
    assert seen.sum() > 4000
    assert (signed_area(asset["uv"], skin[seen]) < 0.0).all()


def test_islands_keep_a_texel_away_at_32(asset: Asset) -> None:
    """The least distance from an island's vertices to any other part's, in texels."""
    uv = asset["uv"] * 32.0
    assert uv.min() > 0.5
    assert uv.max() < 31.5
    skin = uv[of(asset, *VISIBLE)]
    parts = [("eyeball_left",), ("eyeball_right",), ("tongue",), ("teeth",)]
    for names in parts:
        gap, _ = cKDTree(skin).query(uv[of(asset, *names)])
        assert gap.min() > 0.9, names


def test_lids_and_lips_lie_two_texels_apart_at_32(asset: Asset) -> None:
    uv = asset["uv"] * 32.0
    for pocket, ring, least in (("eye_sockets", "eyes", 2.3), ("inner_mouth", "mouth", 2.8)):
        with_pocket = asset["triangles"][of(asset, pocket)[asset["triangles"]].any(axis=1)]
        rim = np.intersect1d(with_pocket, np.flatnonzero(of(asset, ring)))
        rim = rim[uv[rim, 0] > 16.0] if ring == "eyes" else rim
        middle = np.abs(uv[rim, 0] - uv[rim, 0].mean()) < 0.6
        assert np.ptp(uv[rim][middle, 1]) > least, ring


@pytest.mark.parametrize(("side", "median_px", "p95_px"), [(32, 0.30, 1.25), (64, 0.12, 0.6)])
def test_floor_of_the_layout(asset: Asset, side: int, median_px: float, p95_px: float) -> None:
    """A random near-frontal head at a 200 px face, read back from the best map there can be."""
    points = pose(asset, identity=people(asset, 1, seed=5)[0])
    placed = points @ cv2.Rodrigues(np.array([0.04, -0.05, 0.0]))[0].T + [0.0, 0.0, 0.6]
    pixels = placed[:, :2] / placed[:, 2:]
    face = of(asset, "face", "eyes", "nose", "mouth")
    pixels *= 200.0 / np.ptp(pixels[face, 1])
    skin = region_triangles(asset, *VISIBLE)
    a, b, c = (placed[skin[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    sight = (a + b + c) / np.linalg.norm(a + b + c, axis=1, keepdims=True)
    seen = np.sum(normal * sight, axis=1) < -0.1
    used, error = floor_px(asset["uv"].astype(np.float64), pixels, skin[seen].astype(int), side)
    assert np.median(error[face[used]]) < median_px
    assert np.percentile(error[face[used]], 95) < p95_px
