"""Anchors: the geometry behind them, and what the checked-in file must satisfy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.fit.heads import landmarks, open_head
from engine.fit.heads.open_head import OpenHead
from engine.geometry import project, rotation_from_vector
from engine.training.anchors import correspondences as c
from engine.training.anchors.__main__ import DEFAULT_OUT
from engine.training.anchors.placement import mean_face, mirrored_vertices, rails
from engine.training.anchors.refine import displacements, tangents, with_anchors
from engine.training.anchors.surface import (
    SurfacePoints,
    nearest_on_line,
    nearest_on_triangle,
)
from engine.training.portraits.fit import Labels, PortraitFit
from engine.training.portraits.landmark_model import FaceState


@pytest.fixture(scope="module")
def head() -> OpenHead:
    with np.load(DEFAULT_OUT, allow_pickle=False) as file:
        return replace(
            open_head.load(),
            landmark_triangles=file["landmark_triangles"],
            landmark_weights=file["landmark_weights"],
        )


def test_nearest_on_triangle_agrees_with_trying_every_point() -> None:
    rng = np.random.default_rng(0)
    corners, points = rng.normal(size=(40, 3, 3)), rng.normal(size=(40, 3)) * 1.5
    steps = np.linspace(0, 1, 121)
    v, w = (a.ravel() for a in np.meshgrid(steps, steps))
    grid = np.stack([1 - v - w, v, w], 1)[v + w <= 1 + 1e-12]
    places = np.einsum("gk,nkc->ngc", grid, corners)
    best = np.linalg.norm(places - points[:, None], axis=2).min(1)
    weights = nearest_on_triangle(points, corners)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(1), 1.0)
    found = np.linalg.norm(np.einsum("nk,nkc->nc", weights, corners) - points, axis=1)
    assert (found <= best + 1e-12).all()
    np.testing.assert_allclose(found, best, atol=0.02)


def test_nearest_on_line_finds_the_foot_of_the_perpendicular() -> None:
    vertices = np.array([[0.0, 0, 0], [2.0, 0, 0], [2.0, 2.0, 0]])
    points = np.array([[0.5, -1.0, 0.3], [3.0, 1.5, 0.0], [-1.0, -1.0, 0.0]])
    found = nearest_on_line(points, vertices, np.array([0, 1, 2])).at(vertices)
    np.testing.assert_allclose(found, [[0.5, 0, 0], [2.0, 1.5, 0], [0, 0, 0]], atol=1e-12)


def test_mean_face_undoes_similarities() -> None:
    rng = np.random.default_rng(1)
    half = rng.normal(size=(239, 3))
    shape = np.concatenate([half, half * [-1, 1, 1]])
    mirror = np.concatenate([np.arange(239, 478), np.arange(239)])
    shape -= shape.mean(0)
    moved = np.stack(
        [
            rng.uniform(20, 90) * shape @ rotation_from_vector(rng.normal(0, 0.3, 3)).T
            + rng.normal(0, 50, 3)
            for _ in range(12)
        ]
    )
    mean = mean_face(moved, mirror)
    s = np.linalg.svd(mean.T @ shape, compute_uv=False)
    assert s.sum() / np.linalg.norm(shape) == pytest.approx(1.0, abs=1e-6)


def test_every_anchor_lies_on_the_head(head: OpenHead) -> None:
    assert head.landmark_weights.min() >= 0
    np.testing.assert_allclose(head.landmark_weights.sum(1), 1.0, atol=1e-6)
    front = landmarks(head, head.neutral.astype(np.float64))
    assert front[c.CHIN, 1] > front[c.NOSE_TIP, 1] > 0 > front[10, 1]
    assert front[c.NOSE_TIP, 2] == front[:, 2].min() or front[1, 2] == front[:, 2].min()


def test_lids_lips_and_irises_stay_where_they_belong(head: OpenHead) -> None:
    neutral, mirror = head.neutral.astype(np.float64), mirrored_vertices(head)
    position = {int(v): i for i, v in enumerate(head.source_vertex)}
    loop = [position[v] for v in (*c.LASH_LOOP, *c.LID_EDGE_LOOP, *c.LIP_CONTACT_LOOP)]
    allowed = np.union1d(loop, mirror[loop])
    for landmark in (*c.LIDS, *c.LIP_CONTACT):
        used = head.landmark_triangles[landmark][head.landmark_weights[landmark] > 1e-6]
        assert np.isin(used, allowed).all(), landmark
    for side, irises in (("left", c.LEFT_IRIS), ("right", c.RIGHT_IRIS)):
        corners = head.landmark_triangles[list(irises)]
        assert head.in_regions(f"eyeball_{side}")[corners].all()
    at = landmarks(head, neutral)
    assert (at[list(c.LEFT_UPPER_LID), 0] > 0).all()
    assert (at[list(c.RIGHT_UPPER_LID), 0] < 0).all()
    for upper, lower in ((386, 374), (159, 145)):
        assert at[lower, 1] - at[upper, 1] > 0.004


def test_anchors_are_symmetric(head: OpenHead) -> None:
    """The flip's permutation is found again by geometry: every anchor has a twin across x = 0."""
    at = landmarks(head, head.neutral.astype(np.float64))
    apart = np.linalg.norm((at * [-1, 1, 1])[:, None] - at, axis=2)
    assert np.median(apart.min(1)) < 0.0003
    assert apart.min(1).max() < 0.0025
    for left, right in ((263, 33), (291, 61), (386, 159), (473, 468)):
        assert apart[left, right] < 0.0025


def test_displacements_find_anchors_that_were_put_wrong(head: OpenHead) -> None:
    """Faces seen from many sides, labels read at shifted places: the shift must come out."""
    rng = np.random.default_rng(2)
    neutral = head.neutral.astype(np.float64)
    anchors = SurfacePoints(head.landmark_triangles.astype(np.int64), head.landmark_weights)
    frames = tangents(head, anchors)
    shift = np.einsum("li,lic->lc", rng.normal(0, 0.0015, (478, 2)), frames)
    faces, focal = 40, 900.0
    K = np.array([[focal, 0, 128], [0, focal, 128], [0, 0, 1.0]])
    rotation = np.stack([rotation_from_vector(rng.normal(0, 0.25, 3)) for _ in range(faces)])
    translation = np.tile([0.0, 0.0, 1.0], (faces, 1))
    at = anchors.at(neutral)
    placed = [np.eye(4) for _ in range(faces)]
    for matrix, r, t in zip(placed, rotation, translation, strict=True):
        matrix[:3, :3], matrix[:3, 3] = r, t
    wrong = np.stack([project(at, m, K) for m in placed])
    right = np.stack([project(at + shift, m, K) for m in placed])
    state = FaceState(
        rotation, translation, np.full(faces, np.log(focal)), np.zeros((faces, 60)),
        np.zeros((faces, 52)), np.zeros((faces, 2, 2)),
    )  # fmt: skip
    labels = Labels(right, np.full((faces, 478), 0.3), np.full((faces, 2), 256.0))
    found = displacements(labels, PortraitFit(state, wrong, np.zeros(faces)), frames)
    frontal = np.abs(np.cross(frames[:, 0], frames[:, 1])[:, 2]) > 0.6
    left_over = np.linalg.norm(found - shift, axis=1)[frontal]
    assert left_over.mean() < 0.35 * np.linalg.norm(shift, axis=1)[frontal].mean()


def test_rails_keep_the_skin_free_of_the_eye_openings(head: OpenHead) -> None:
    lines = rails(with_anchors(head, SurfacePoints(head.landmark_triangles.astype(np.int64),
                                                   head.landmark_weights)))  # fmt: skip
    assert len(lines.lines) == 6
    for _, chain in lines.lines:
        steps = np.linalg.norm(np.diff(head.neutral[chain], axis=0), axis=1)
        assert steps.max() < 0.008
    balls = head.in_regions("eyeball_left", "eyeball_right", "eye_sockets", "inner_mouth")
    assert not balls[lines.surface].any(1).all()
