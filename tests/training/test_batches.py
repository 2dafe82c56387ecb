"""Labels must stay on the picture through crop, mirror and degradation."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import AssetError
from engine.fit.heads import open_head
from engine.training.augment import AugmentSettings
from engine.training.batches import BatchMaker, mirror_of_vertices
from engine.training.packs import Pack, read_pack, write_pack

MARKED = 33  # a landmark that the picture shows as a white dot
CLEAN = AugmentSettings(
    occluder=0, grey=0, blur=0, noise=0, jpeg=0, low_resolution=0, wild_share=0.5
)


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
    settings = AugmentSettings(**{**vars(CLEAN), "mirror": mirror})
    maker = BatchMaker(open_head.load(), [dots], [1.0], 192, settings)
    batch = maker.make(seed=5, step=0, size=12)
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
