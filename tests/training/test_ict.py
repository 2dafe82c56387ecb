"""ICT-FaceKit carried over to the open head's vertices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import AssetError
from engine.fit.closure import BLINKS, Closure
from engine.fit.heads import landmarks, open_head
from engine.fit.heads.open_head import OpenHead
from engine.fit.skinning import vertices
from engine.resources import data_folder
from engine.training.ict.build import build
from engine.training.ict.correspondence import arcs, lash_loops
from engine.training.ict.registration import laplacian
from engine.training.ict.source import IctFace, read_ict, sphere
from engine.types import BLENDSHAPE_NAMES

FILE = data_folder() / "ict" / "ict_facekit.npz"


def _plane(rows: int, columns: int) -> IctFace:
    """A flat sheet of quads, 1 m apart, that stands for a face."""
    y, x = np.divmod(np.arange(rows * columns), columns)
    points = np.stack([x, y, 0 * x], axis=1).astype(float)
    corner = np.flatnonzero((x < columns - 1) & (y < rows - 1))
    first = np.stack([corner, corner + columns, corner + 1], axis=1)
    second = np.stack([corner + 1, corner + columns, corner + columns + 1], axis=1)
    triangles = np.concatenate([first, second])
    empty = np.zeros((1, len(points), 3))
    parts = np.zeros(len(triangles), np.int8)
    marks = np.array([0, columns - 1, rows * columns - 1, (rows - 1) * columns])
    return IctFace(points, triangles, empty, empty, ("x",), parts, ("M_Face",), marks)


def test_a_loop_runs_along_edges_through_its_landmarks() -> None:
    face = _plane(4, 5)
    loop = face.loop(slice(0, 4))
    border = [0, 1, 2, 3, 4, 9, 14, 19, 18, 17, 16, 15, 10, 5]
    assert loop.tolist() == border
    upper, lower = arcs(face.neutral, loop)
    assert face.neutral[upper, 1].mean() < face.neutral[lower, 1].mean()


def test_a_sphere_is_found_from_points_that_crowd_on_one_side() -> None:
    rng = np.random.default_rng(0)
    way = rng.normal(size=(400, 3)) + np.array([0.0, 0.0, -2.0])
    points = [0.03, -0.01, 0.02] + 0.015 * way / np.linalg.norm(way, axis=1, keepdims=True)
    centre, radius = sphere(points)
    np.testing.assert_allclose(centre, [0.03, -0.01, 0.02], atol=1e-9)
    assert radius == pytest.approx(0.015)
    assert np.linalg.norm(points.mean(axis=0) - centre) > 0.005


def test_the_laplacian_is_zero_where_a_field_is_linear() -> None:
    """At an inner vertex of a regular sheet the neighbours' mean is the vertex itself."""
    face = _plane(5, 5)
    left = laplacian(face.triangles, 25) @ face.neutral
    np.testing.assert_allclose(left[12], 0.0, atol=1e-12)
    assert np.abs(left[0]).max() > 0.1


def test_lashes_grow_from_both_lids() -> None:
    head = open_head.load()
    for loop, side in zip(lash_loops(head), (1.0, -1.0), strict=True):
        assert (side * head.neutral[loop, 0] > 0).all()
        assert head.in_regions("eyes", "eye_sockets", "face")[loop].all()


def test_an_absent_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"ict\.npz.*FLOWFACE_DATA"):
        read_ict(tmp_path / "ict.npz")
    np.savez(tmp_path / "ict.npz", neutral=np.zeros((3, 3)))
    with pytest.raises(AssetError, match=r"ict\.npz: not the ICT-FaceKit arrays"):
        read_ict(tmp_path / "ict.npz")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[OpenHead, OpenHead]:
    """Return the open head and ICT's in its format, through the file that the command writes."""
    if not FILE.is_file():
        pytest.skip(f"{FILE} is absent: it belongs to the training data")
    ours, path = open_head.load(), tmp_path_factory.mktemp("ict") / "head.npz"
    arrays, measured = build(ours, read_ict(FILE))
    assert measured.matched > 0.95
    assert measured.surface_median_mm < 0.2
    assert measured.landmarks_median_mm < 2.5
    np.savez(path, **arrays)
    return ours, replace(open_head.load(path), name="ict")


@pytest.mark.slow
def test_the_head_file_stands_on_real_proportions(built: tuple[OpenHead, OpenHead]) -> None:
    ours, theirs = built
    assert theirs.neutral.shape == ours.neutral.shape
    np.testing.assert_allclose(theirs.joint_neutral[2:].mean(axis=0), 0.0, atol=1e-4)
    # published by ICT: landmark 30 is the nose's tip, the face's foremost point
    front = int(np.argmin(np.where(theirs.in_regions("nose"), theirs.neutral[:, 2], 1.0)))
    assert np.linalg.norm(landmarks(theirs, theirs.neutral)[4] - theirs.neutral[front]) < 0.004


@pytest.mark.slow
def test_people_shut_their_eyes_and_open_their_mouths(built: tuple[OpenHead, OpenHead]) -> None:
    _, head = built
    closure, rng = Closure(head), np.random.default_rng(5)
    for _ in range(6):
        identity, expression = rng.normal(size=60), np.zeros(52)
        expression[BLINKS] = closure.blinks(identity, expression)
        expression[BLENDSHAPE_NAMES.index("jawOpen")] = 1.0
        at = landmarks(head, vertices(head, identity, expression, np.zeros((2, 2)), np.zeros(3)))
        gap = at[[374, 145], 1] - at[[386, 159], 1]
        assert -0.004 < gap.min() <= gap.max() < 0.0003
        assert at[14, 1] - at[13, 1] > 0.02
