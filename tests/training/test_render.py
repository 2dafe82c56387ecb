"""The renderer: its labels against its own pixels, and against other implementations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.fit import skinning
from engine.fit.heads import open_head
from engine.fit.heads.open_head import OpenHead
from engine.geometry import project, rigid, rotation_from_vector
from engine.training.packs import read_pack
from engine.training.render.body import at_rest, posed
from engine.training.render.device import clip_from_camera, metres_from_depth
from engine.training.render.pack import PackWriter
from engine.training.render.renderer import HeadRenderer
from engine.training.render.sample import Sampler
from engine.training.render.scene import Prop, Scene
from engine.training.render.shape import Performance
from engine.training.render.surroundings import Skies
from engine.training.render.tubes import ball, joined
from engine.training.render.view import framed, random_view
from engine.types import Array

SIDE_PX = 256
RED = np.array([1.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return open_head.load()


@pytest.fixture(scope="module")
def renderer(head: OpenHead, tmp_path_factory: pytest.TempPathFactory) -> HeadRenderer:
    """Without MakeHuman's assets: plain, but complete."""
    return HeadRenderer(head, SIDE_PX, tmp_path_factory.mktemp("no_assets") / "absent")


def _scene(head: OpenHead, performance: Performance, rotation_rad: tuple[float, ...]) -> Scene:
    rotation = rotation_from_vector(np.array(rotation_rad))
    vertices = posed(head, performance)
    centre = np.array([121.3, 133.8])
    view = framed(head, vertices, rotation, np.array([0.06, -0.04, 0.6]), 165.0, centre)
    environment = Skies(Path("absent")).random(np.random.default_rng(0))
    return Scene(performance, view.camera_from_head, view.intrinsics, environment)


def _most_central(head: OpenHead, region: str) -> int:
    inside = np.flatnonzero(head.in_regions(region))
    return int(inside[np.argmin(head.neutral[inside, 2])])


def _centroid_of_change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Array:
    change = np.abs(after.astype(float) - before).sum(axis=2)
    change[change < 12] = 0.0
    row, column = np.indices(change.shape)
    return np.array([(column + 0.5).ravel(), (row + 0.5).ravel()]) @ change.ravel() / change.sum()


@pytest.mark.parametrize("region", ["nose", "mouth", "face"])
def test_a_marker_appears_at_its_vertex_label(
    renderer: HeadRenderer, head: OpenHead, region: str
) -> None:
    """Pixels are OpenGL's, labels are the pinhole formula's: they share no code."""
    performance = replace(at_rest(head, 0.4), identity=np.linspace(-1, 1, 60))
    scene = _scene(head, performance, (0.0, 0.2, 0.15))
    vertex = _most_central(head, region)
    centre = posed(head, performance)[vertex]
    marker = joined([ball(centre, 0.0022)], RED, 0.0)
    plain = renderer.draw(scene)
    marked = renderer.draw(replace(scene, props=(marker,)))
    seen = _centroid_of_change(plain.image, marked.image)
    assert np.linalg.norm(seen - plain.points_px[vertex]) < 0.5


def test_the_far_ear_is_hidden_and_the_near_one_seen(
    renderer: HeadRenderer, head: OpenHead
) -> None:
    """Turned about +y by 60 degrees, the subject's left ear (+x) comes to the camera."""
    rendered = renderer.draw(_scene(head, at_rest(head), (0.0, np.deg2rad(60.0), 0.0)))
    ears = head.in_regions("ears")
    left = ears & (head.neutral[:, 0] > 0)
    outer = left & (head.neutral[:, 0] > np.quantile(head.neutral[left, 0], 0.6))
    assert rendered.visible[outer].mean() > 0.6
    assert rendered.visible[ears & (head.neutral[:, 0] < 0)].mean() < 0.02


def test_what_a_prop_covers_is_not_visible(renderer: HeadRenderer, head: OpenHead) -> None:
    scene = _scene(head, at_rest(head), (0.0, 0.0, 0.0))
    plate = Prop(
        vertices=np.array(
            [[-0.2, -0.2, -0.1], [0.2, -0.2, -0.1], [0.2, 0.0, -0.1], [-0.2, 0.0, -0.1]]
        ),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        colours=np.tile(RED, (4, 1)),
    )
    free, covered = renderer.draw(scene), renderer.draw(replace(scene, props=(plate,)))
    edge = project(plate.vertices[2:3], scene.camera_from_head, scene.intrinsics)[0, 1]
    above = free.points_px[:, 1] < edge - 2
    below = (free.points_px[:, 1] > edge + 2) & (head.neutral[:, 1] < 0.1)
    assert free.visible[above].any()
    assert not covered.visible[above & (free.points_px[:, 1] > 0)].any()
    np.testing.assert_array_equal(covered.visible[below], free.visible[below])


def test_closed_lids_hide_the_eyeballs_and_open_ones_do_not(
    renderer: HeadRenderer, head: OpenHead
) -> None:
    names = head.expression_names
    blink = np.zeros(len(names))
    blink[[names.index("eyeBlinkLeft"), names.index("eyeBlinkRight")]] = 1.0
    eyeballs = head.in_regions("eyeball_left", "eyeball_right")
    rest = at_rest(head)
    open_eyes = renderer.draw(_scene(head, rest, (0.0, 0.0, 0.0)))
    shut = renderer.draw(_scene(head, replace(rest, expression=blink), (0.0, 0.0, 0.0)))
    assert open_eyes.visible[eyeballs].sum() >= 10
    assert shut.visible[eyeballs].sum() <= 2


def test_posing_agrees_with_the_fit(head: OpenHead) -> None:
    """The tracker's skinning is another implementation of the same head."""
    rng = np.random.default_rng(3)
    performance = Performance(
        rng.normal(size=60),
        rng.uniform(0, 1, 52),
        rng.normal(0, 0.2, (2, 2)),
        rng.normal(0, 0.2, 3),
    )
    expected = skinning.vertices(
        head, performance.identity, performance.expression, performance.gaze, performance.neck
    )
    np.testing.assert_allclose(posed(head, performance), expected, atol=2e-6)


def test_clip_space_agrees_with_the_pinhole() -> None:
    rng = np.random.default_rng(0)
    intrinsics = np.array([[400.0, 0, 120.0], [0, 410.0, 140.0], [0, 0, 1.0]])
    points = np.c_[rng.normal(0, 0.1, (50, 2)), rng.uniform(0.3, 1.5, 50)]
    clip = np.c_[points, np.ones(50)] @ clip_from_camera(intrinsics, SIDE_PX).T
    ndc = clip[:, :3] / clip[:, 3:]
    pixels = (ndc[:, :2] * 0.5 + 0.5) * SIDE_PX
    np.testing.assert_allclose(pixels, project(points, np.eye(4), intrinsics), atol=1e-9)
    np.testing.assert_allclose(metres_from_depth(ndc[:, 2] * 0.5 + 0.5), points[:, 2], atol=1e-9)


def test_the_face_box_gets_the_size_and_place_asked_for(head: OpenHead) -> None:
    rng = np.random.default_rng(8)
    vertices = posed(head, at_rest(head))
    front = head.in_regions("face", "eyes", "nose", "mouth")
    for _ in range(20):
        turn = rotation_from_vector(rng.normal(0.0, 0.3, 3))
        view = random_view(rng, head, vertices, turn, SIDE_PX)
        points = project(vertices[front], view.camera_from_head, view.intrinsics)
        low, high = points.min(axis=0), points.max(axis=0)
        assert 140 <= (high - low).max() <= 190
        assert (np.abs(0.5 * (low + high) - SIDE_PX / 2) <= 15.001).all()


def test_a_sample_depends_on_seed_and_index_alone(renderer: HeadRenderer, tmp_path: Path) -> None:
    first = Sampler(renderer, tmp_path, seed=4, held_out=False).sample(3)
    again = Sampler(renderer, tmp_path, seed=4, held_out=False).sample(3)
    other = Sampler(renderer, tmp_path, seed=5, held_out=False).sample(3)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.rendered.points_px, again.rendered.points_px)
    assert np.abs(first.rendered.points_px - other.rendered.points_px).max() > 1.0


def test_a_pack_keeps_what_was_rendered(renderer: HeadRenderer, tmp_path: Path) -> None:
    sampler = Sampler(renderer, tmp_path, seed=1, held_out=False)
    samples = [sampler.sample(index) for index in range(3)]
    writer = PackWriter("a", "abc")
    for sample in samples:
        writer.add(sample)
    writer.write(tmp_path / "pack.npz")
    assert [path.name for path in tmp_path.glob("*.npz")] == ["pack.npz"]
    with np.load(tmp_path / "pack.npz", allow_pickle=False) as pack:
        offsets = pack["offsets"]
        for row, sample in enumerate(samples):
            file = pack["jpeg"][offsets[row] : offsets[row + 1]]
            # JPEG files open and close with fixed markers.
            assert file[:2].tolist() == [0xFF, 0xD8]
            assert file[-2:].tolist() == [0xFF, 0xD9]
            inside = np.abs(sample.rendered.points_px).max(axis=1) < 500
            np.testing.assert_allclose(
                pack["points"][row][inside] / 64.0, sample.rendered.points_px[inside], atol=1 / 127
            )
            bits = np.unpackbits(pack["visible"][row], count=len(sample.rendered.visible))
            np.testing.assert_array_equal(bits.astype(bool), sample.rendered.visible)
        assert str(pack["head_sha256"]) == "abc"
        assert pack["camera_from_head"].shape == (3, 4, 4)
    read = read_pack(tmp_path / "pack.npz")
    for name in ("expression", "identity", "gaze"):
        expected = [getattr(sample.scene.performance, name) for sample in samples]
        np.testing.assert_allclose(getattr(read, name), expected, atol=2e-3, err_msg=name)


def test_a_pack_says_who_wears_glasses(renderer: HeadRenderer, tmp_path: Path) -> None:
    sample = Sampler(renderer, tmp_path, seed=1, held_out=False).sample(0)
    bare = replace(sample, scene=replace(sample.scene, props=()))
    plate = Prop(np.zeros((3, 3)), np.array([[0, 1, 2]]), np.ones((3, 4)), kind="glasses")
    worn = replace(sample, scene=replace(sample.scene, props=(plate,)))
    writer = PackWriter("a", "abc", with_identity=False)
    writer.add(bare)
    writer.add(worn)
    writer.write(tmp_path / "pack.npz")
    read = read_pack(tmp_path / "pack.npz")
    assert read.glasses is not None
    assert read.glasses.tolist() == [False, True]
    assert read.identity is None


def test_depth_is_along_the_optical_axis(renderer: HeadRenderer, head: OpenHead) -> None:
    performance = at_rest(head)
    scene = replace(
        _scene(head, performance, (0.1, 0.3, 0.0)),
        camera_from_head=rigid(np.eye(3), np.array([0.02, 0.01, 0.7])),
    )
    depth = renderer.draw(scene).depth
    np.testing.assert_allclose(depth, posed(head, performance)[:, 2] + 0.7, atol=1e-6)
