"""The parts of the head's builder, each against something that shares no code with it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial import Delaunay

from engine.errors import AssetError
from engine.resources import RESOURCES
from engine.training.head_build.build import LANDMARK_COUNT, landmark_anchors
from engine.training.head_build.cut import border_edges, cut_head, loops
from engine.training.head_build.identity import principal_components
from engine.training.head_build.posing import pose
from engine.training.head_build.recipes import RECIPES, Term
from engine.training.head_build.skinning import before_jaw, fit_jaw, rotation_about_x
from engine.training.head_build.source import (
    HEAD_FROM_MAKEHUMAN,
    VERTEX_COUNT,
    find_data,
    read_base,
    read_target,
)
from engine.training.head_build.uv_floor import best_map, bilinear_matrix
from engine.training.head_build.uv_layout import Bulge, convex_combination_map
from engine.types import BLENDSHAPE_NAMES


def test_a_folder_without_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"base\.obj"):
        find_data(tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_targets_are_read_into_head_axes(tmp_path: Path, packed: bool) -> None:
    text = b"# comment\n3 1.0 2.0 -3.0\n\n19157 0 .5 0\n"
    path = tmp_path / ("a.target.gz" if packed else "a.target")
    path.write_bytes(gzip.compress(text) if packed else text)
    field = read_target(path)
    assert field.shape == (VERTEX_COUNT, 3)
    scale = HEAD_FROM_MAKEHUMAN[0]
    np.testing.assert_allclose(field[3], [scale, -2.0 * scale, 3.0 * scale])
    np.testing.assert_allclose(field[19157], [0.0, -0.5 * scale, 0.0])
    assert np.count_nonzero(field) == 4


def test_an_absent_target_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"nothing\.target"):
        read_target(tmp_path / "nothing.target")


def test_anchors_are_empty_without_their_file(tmp_path: Path) -> None:
    triangles, weights = landmark_anchors(tmp_path / "none.npz")
    assert triangles.shape == weights.shape == (LANDMARK_COUNT, 3)
    assert (triangles == -1).all()
    assert not weights.any()


def test_the_border_of_a_sheet_with_a_hole() -> None:
    grid = np.arange(25).reshape(5, 5)
    quads = [
        (grid[i, j], grid[i, j + 1], grid[i + 1, j + 1], grid[i + 1, j])
        for i in range(4)
        for j in range(4)
        if (i, j) not in ((1, 1), (1, 2), (2, 1), (2, 2))
    ]
    triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    outer, inner = loops(border_edges(triangles))
    assert set(outer) == {*grid[0], *grid[-1], *grid[:, 0], *grid[:, -1]}
    assert set(inner) == {*grid[1, 1:4], *grid[3, 1:4], grid[2, 1], grid[2, 3]}


def test_a_flat_sheet_is_returned_unchanged() -> None:
    """Linear precision, on a Delaunay triangulation that scipy makes."""
    rng = np.random.default_rng(0)
    points = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), axis=-1).reshape(-1, 2)
    inner = ((points > 0.0) & (points < 11.0)).all(axis=1)
    points[inner] += rng.uniform(-0.3, 0.3, (inner.sum(), 2))
    triangles = Delaunay(points).simplices.astype(np.int64)
    held = np.where(inner[:, None], np.nan, points)
    lifted = np.column_stack([points, np.zeros(len(points))])
    found = convex_combination_map(lifted, triangles, held)
    np.testing.assert_allclose(found, points, atol=1e-6)


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_a_bulge_stays_one_to_one_and_enlarges(gain: float) -> None:
    bulge = Bulge(gain, (2.0, 3.0))
    side = np.linspace(-10.0, 10.0, 201)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    moved = bulge.magnify(grid.reshape(-1, 2), np.zeros(2)).reshape(grid.shape)
    across, down = np.gradient(moved, 0.1, axis=(1, 0))
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert area.min() > 0.0
    np.testing.assert_allclose(area[100, 100], (1.0 + gain) ** 2, rtol=0.02)
    one_reach_down = bulge.magnify(np.array([[0.0, 3.0]]), np.zeros(2))
    np.testing.assert_allclose(one_reach_down, [[0.0, 3.0 * (1.0 + gain * np.exp(-0.5))]])


def test_bilinear_readout_agrees_with_grid_sample() -> None:
    rng = np.random.default_rng(1)
    uv, texels = rng.uniform(0.05, 0.95, (50, 2)), rng.normal(size=(16, 16))
    expected = torch.nn.functional.grid_sample(
        torch.from_numpy(texels)[None, None],
        torch.from_numpy(2.0 * uv - 1.0)[None, None],
        align_corners=False,
    )
    found = bilinear_matrix(uv, 16) @ texels.ravel()
    np.testing.assert_allclose(found, expected.numpy().ravel(), atol=1e-9)


def test_an_affine_picture_has_no_floor() -> None:
    rng = np.random.default_rng(2)
    uv = rng.uniform(0.05, 0.95, (3000, 2))
    pixels = uv @ np.array([[180.0, 20.0], [-10.0, 220.0]]) + 7.0
    texels = best_map(uv, pixels, 16)
    np.testing.assert_allclose(bilinear_matrix(uv, 16) @ texels, pixels, atol=1e-3)


def test_the_hinge_finds_a_known_jaw() -> None:
    rng = np.random.default_rng(3)
    shape, joint = rng.uniform(-0.08, 0.08, (400, 3)), np.array([0.0, 0.03, 0.06])
    share = np.where(shape[:, 1] > 0.0, 1.0, 0.0)
    rotation = cv2.Rodrigues(np.array([np.radians(22.0), 0.0, 0.0]))[0]
    target = share[:, None] * ((shape - joint) @ rotation.T + joint - shape)
    jaw = fit_jaw(shape, joint, target)
    assert abs(np.degrees(jaw.angle_rad) - 22.0) < 0.15
    np.testing.assert_allclose(jaw.weights, share, atol=0.02)
    assert np.abs(jaw.residual).max() < 0.0005


def test_what_is_added_before_the_jaw_is_seen_after_it() -> None:
    rng = np.random.default_rng(4)
    shape, seen = rng.normal(size=(50, 3)), rng.normal(size=(50, 3))
    weights, angle = rng.uniform(size=50), 0.4
    added = before_jaw(seen, weights, angle)

    def skinned(points: np.ndarray) -> np.ndarray:
        turned = points @ cv2.Rodrigues(np.array([angle, 0.0, 0.0]))[0].T
        return points + weights[:, None] * (turned - points)

    np.testing.assert_allclose(skinned(shape + added) - skinned(shape), seen, atol=1e-9)


def test_rotation_about_x_is_rodrigues() -> None:
    expected = cv2.Rodrigues(np.array([0.3, 0.0, 0.0]))[0]
    np.testing.assert_allclose(rotation_about_x(0.3), expected, atol=1e-12)


def test_components_give_the_samples_variance_back() -> None:
    rng = np.random.default_rng(5)
    factors = rng.normal(size=(400, 3, 1, 1)) * np.array([3.0, 2.0, 1.0])[:, None, None]
    samples = (factors * rng.normal(size=(3, 20, 3))).sum(axis=1)
    model = principal_components(samples, np.ones(20), 3)
    assert model.rms < 1e-6
    np.testing.assert_allclose(np.sum(model.basis**2, axis=0), samples.var(axis=0), rtol=1e-6)


def test_a_mask_is_one_inside_and_zero_outside() -> None:
    term = Term("unit:x", x=(0.0, 0.05), soft=0.004)
    x = np.array([-0.01, -0.004, 0.0, 0.02, 0.046, 0.06])
    share = term.mask(np.column_stack([x, 0 * x, 0 * x]))
    np.testing.assert_allclose(share, [0.0, 0.0, 0.5, 1.0, 1.0, 0.0], atol=1e-12)


def test_recipes_make_known_left_and_middle_shapes() -> None:
    assert set(RECIPES) <= set(BLENDSHAPE_NAMES)
    assert not [name for name in RECIPES if name.endswith("Right")]


def test_jaw_open_is_the_face_unit_it_came_from() -> None:
    """Hinge and rest together give the package's own target, on the shipped asset's joints."""
    try:
        data = find_data(None)
    except AssetError as error:
        pytest.skip(str(error))
    mesh = cut_head(read_base(data))
    target = read_target(data / "faceunits01" / "targets" / "faceunits" / "jawOpen.target")
    with np.load(RESOURCES / "heads" / "open" / "head.npz", allow_pickle=False) as file:
        asset = dict(file)
    np.testing.assert_array_equal(asset["source_vertex"], mesh.source_vertex)
    moved = pose(asset, {"jawOpen": 1.0}) - asset["neutral"]
    skin = mesh.of_part("skin")
    error = np.linalg.norm(moved - target[mesh.source_vertex], axis=1)[skin]
    # The hinge was fitted on MakeHuman's base shape; the neutral is another person.
    assert np.median(error) < 0.0003
    assert np.percentile(error, 95) < 0.004


def test_building_loads_neither_torch_nor_opengl() -> None:
    code = (
        "import sys, engine.training.head_build.build as b;"
        "print([m for m in ('torch', 'moderngl', 'PySide6', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=RESOURCES.parent,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
