"""Labels must stay on the picture through crop, mirror and degradation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import AssetError
from engine.fit.heads import open_head
from engine.fit.symmetry import mirror_of_vertices
from engine.training.augment import AugmentSettings
from engine.training.batches import BatchMaker, Mirror
from engine.training.packs import Pack, read_pack, write_pack

MARKED = 33  # a landmark that the picture shows as a white dot
CLEAN = replace(AugmentSettings.none(), scale_sd=0.09, shift_sd=0.04, roll_sd_rad=0.17)


def face_like_landmarks(rng: np.random.Generator) -> np.ndarray:
    points = rng.uniform(60, 200, (478, 2))
    points[33], points[263] = (90.0, 110.0), (165.0, 113.0)
    return points


@pytest.fixture
def dots(tmp_path: Path) -> Pack:
    """Pictures, black but for a dot at landmark 33 and a fainter one at its mirror partner, 263."""
    rng = np.random.default_rng(0)
    images, labels = [], []
    mirror = np.arange(478)
    mirror[[33, 263]] = 263, 33
    for _ in range(4):
        points = face_like_landmarks(rng)
        y, x = np.mgrid[0:256, 0:256] + 0.5
        picture = 255 * np.exp(-((x - points[33, 0]) ** 2 + (y - points[33, 1]) ** 2) / 18)
        picture += 90 * np.exp(-((x - points[263, 0]) ** 2 + (y - points[263, 1]) ** 2) / 18)
        rgb = np.repeat(picture.clip(0, 255)[..., None], 3, axis=2).astype(np.uint8)
        images.append(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes())
        labels.append(np.round(points * 64).astype(np.int16))
    path = tmp_path / "dots.npz"
    write_pack(
        path,
        images,
        landmarks=np.stack(labels),
        spread=np.zeros((4, 478), np.float16),
        split=np.array([0, 0, 0, 1], np.uint8),
        mirror=mirror,
        stream="c",
    )
    return read_pack(path)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_the_label_lies_on_its_dot(dots: Pack, mirror: float) -> None:
    settings = replace(CLEAN, mirror=mirror)
    maker = BatchMaker(open_head.load(), [dots], [1.0], 192, settings)
    batch = maker.make(seed=5, step=0, pairs=8)
    # Mirrored, the bright dot is what is now on the other side: it carries the partner's label.
    bright = 263 if mirror else 33
    for image, points in zip(batch.image.numpy(), batch.landmarks.numpy(), strict=True):
        value = image.mean(axis=0)
        y, x = np.mgrid[0:192, 0:192] + 0.5
        near = np.hypot(x - points[bright, 0], y - points[bright, 1]) < 9
        weight = np.where(near, (value - np.median(value)).clip(0), 0)
        found = np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()
        np.testing.assert_allclose(found, points[bright], atol=0.5)
        assert value[near].max() > value[~near].max()


def test_a_batch_is_a_function_of_seed_and_step(dots: Pack) -> None:
    make = BatchMaker(open_head.load(), [dots], [1.0], 96, AugmentSettings()).make
    assert bool((make(1, 7, 3).image == make(1, 7, 3).image).all())
    assert not bool((make(1, 7, 3).image == make(1, 8, 3).image).all())


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_the_second_view_is_the_first_one_moved(dots: Pack, mirror: float) -> None:
    maker = BatchMaker(open_head.load(), [dots], [1.0], 192, replace(CLEAN, mirror=mirror))
    batch = maker.make(seed=3, step=1, pairs=10)
    first, second = batch.landmarks.split(10)
    for k, move in enumerate(batch.second_from_first):
        moved = np.array([move[:, :2].numpy() @ p + move[:, 2].numpy() for p in first[k].numpy()])
        np.testing.assert_allclose(moved, second[k], atol=1e-3)
    distance = (first - second).norm(dim=-1).amax(1)
    assert bool((distance < 1.5).any())
    assert bool((distance > 1.5).any())


def test_a_covered_label_counts_less(dots: Pack) -> None:
    head = open_head.load()
    bare, hidden = (
        BatchMaker(head, [dots], [1.0], 96, settings, covered_weight=0.25)
        .make(2, 0, 12)
        .landmark_weight
        for settings in (CLEAN, replace(CLEAN, occluder=1.0))
    )
    assert float(bare.min()) == 1.0
    assert set(hidden.unique().tolist()) == {0.25, 1.0}
    share = (hidden < 0.5).float().mean(1)
    assert bool((share > 0.02).any())
    assert float(share.mean()) < 0.6


def test_a_mirrored_face_has_mirrored_coefficients(dots: Pack) -> None:
    """The vertices that mirrored coefficients give are the mirror images of the vertices."""
    head = open_head.load()
    rng = np.random.default_rng(1)
    identity, expression = rng.normal(0, 1, (1, 60)), rng.uniform(0, 1, (1, 52))
    known = replace(dots, identity=identity, expression=expression)
    mirror = Mirror(head)
    there, acting = mirror.coefficients(known, 0, True)
    again, plain = mirror.coefficients(known, 0, False)
    assert there is not None
    assert acting is not None
    assert again is not None
    assert plain is not None
    np.testing.assert_array_equal(again, identity[0])
    flip = np.array([-1.0, 1.0, 1.0])
    person = np.tensordot(identity[0], head.identity_basis, 1)[mirror.vertices] * flip
    found = np.tensordot(there, head.identity_basis, 1)
    assert np.linalg.norm(found - person) < 0.1 * np.linalg.norm(person)
    face = head.in_regions("face", "eyes", "mouth", "nose")
    shown = (np.tensordot(plain, head.expression_basis, 1)[mirror.vertices] * flip)[face]
    asked = np.tensordot(acting, head.expression_basis, 1)[face]
    assert np.linalg.norm(asked - shown) < 0.1 * np.linalg.norm(shown)


def test_validation_images_are_not_trained_on(dots: Pack) -> None:
    # The fourth picture is validation: make it unreadable, so that drawing it would raise.
    dots.jpeg[dots.offsets[3] : dots.offsets[4]] = 0
    maker = BatchMaker(open_head.load(), [dots], [1.0], 96, CLEAN)
    for step in range(8):
        maker.make(0, step, 4)
    with pytest.raises(AssetError, match="image 3 is damaged"):
        dots.image(3)


def test_the_mirror_of_a_vertex_is_its_reflection() -> None:
    head = open_head.load()
    mirror = mirror_of_vertices(head)
    reflected = head.neutral[mirror] * [-1, 1, 1]
    assert np.abs(reflected - head.neutral).max() < 1e-3
    left = head.in_regions("eyeball_left")
    assert head.in_regions("eyeball_right")[mirror[left]].all()


def test_a_file_that_is_no_pack_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, something=np.zeros(3))
    with pytest.raises(AssetError, match=r"other\.npz: not a training pack"):
        read_pack(path)
