"""The training bundle: small enough, complete, and read by the same code as the data folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import AssetError, ConfigError
from engine.fit.heads import open_head
from engine.fit.heads.open_head import OpenHead
from engine.training.bundle import Contents, open_bundle, write_bundle
from engine.training.portraits.collection import read_collection
from engine.training.portraits.fit_file import STATE_NAMES, load_fits
from engine.training.render.light import read_hdri

COUNT, SIDE = 3, 96


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return open_head.load()


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """A data folder of three soft portraits, a skin, a hair texture and a sky."""
    data, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name in ("faces", "hdri", "makehuman/skins", "makehuman/hair"):
        (data / name).mkdir(parents=True)
    with zipfile.ZipFile(data / "faces" / "images.zip", "w") as archive:
        for i in range(COUNT):
            noise = rng.uniform(0, 255, (SIDE, SIDE, 3))
            picture = cv2.GaussianBlur(noise, (0, 0), 2.0)
            archive.writestr(f"{i:05d}.jpg", cv2.imencode(".jpg", picture, [1, 98])[1].tobytes())
    np.savez(
        data / "faces" / "labels.npz",
        landmarks=rng.uniform(0, SIDE, (COUNT, 478, 3)).astype(np.float16),
        spread=np.ones((COUNT, 478), np.float16),
        split=np.array(["train", "validation", "train"]),
        mirror=np.arange(478, dtype=np.int16),
    )
    cv2.imwrite(str(data / "makehuman/skins/pale.jpg"), np.full((512, 512, 3), 90, np.uint8))
    cv2.imwrite(str(data / "makehuman/hair/long_diffuse.png"), np.zeros((700, 600, 4), np.uint8))
    sky = np.linspace(0.1, 4.0, 64, dtype=np.float32)[:, None, None] * np.ones((64, 128, 3), "f4")
    cv2.imwrite(str(data / "hdri" / "dawn.hdr"), sky)
    states = {name: rng.normal(size=(COUNT, 4)) for name in STATE_NAMES}
    np.savez(data / "fits.npz", error=np.ones(COUNT), head_sha256=np.array("abc"), **states)
    return Contents(data, data / "fits.npz")


def test_a_bundle_reads_like_the_data_folder(
    contents: Contents, head: OpenHead, tmp_path: Path
) -> None:
    size = write_bundle(tmp_path / "all.zip", contents, head)
    assert size == (tmp_path / "all.zip").stat().st_size < 50_000_000
    bundle = open_bundle(tmp_path / "all.zip", tmp_path / "cache")
    before, after = read_collection(contents.data / "faces"), read_collection(bundle.data / "faces")
    np.testing.assert_array_equal(before.landmarks_px, after.landmarks_px)
    np.testing.assert_array_equal(before.validation, after.validation)
    for i in range(COUNT):
        assert np.abs(before.image(i).astype(int) - after.image(i)).mean() < 3.0
    np.testing.assert_allclose(
        load_fits(contents.fits).state.identity, load_fits(bundle.fits).state.identity, rtol=1e-6
    )
    skies = [read_hdri(folder / "hdri" / "dawn.hdr") for folder in (contents.data, bundle.data)]
    assert np.abs(skies[0] - skies[1]).max() < 0.1
    hair = cv2.imread(str(bundle.data / "makehuman/hair/long_diffuse.png"), cv2.IMREAD_UNCHANGED)
    assert hair is not None
    assert hair.shape == (512, 439, 4)
    assert bundle.ict_head is None
    assert not list(tmp_path.glob("*.writing"))


def test_a_skin_keeps_what_the_head_shows(
    contents: Contents, head: OpenHead, tmp_path: Path
) -> None:
    skin = contents.data / "makehuman/skins/pale.jpg"
    row, column = np.indices((512, 512))
    waves = 128 + 80 * np.sin(row / 20) * np.sin(column / 17)
    pattern = np.repeat(waves[..., None], 3, axis=2).astype(np.uint8)
    original = skin.read_bytes()
    cv2.imwrite(str(skin), pattern, [1, 95])
    write_bundle(tmp_path / "all.zip", contents, head)
    skin.write_bytes(original)
    bundle = open_bundle(tmp_path / "all.zip", tmp_path)
    kept = cv2.imread(str(bundle.data / "makehuman/skins/pale.jpg"))
    assert kept is not None
    column, row = np.clip(head.texture_uv * 512, 0, 511).astype(int).T
    off = np.abs(kept.astype(int) - pattern).mean(axis=2)
    assert off[row, column].mean() < 4.0
    assert off.mean() > 5.0  # the rest of the body is gone


def test_the_limit_is_kept_or_refused(contents: Contents, head: OpenHead, tmp_path: Path) -> None:
    whole = write_bundle(tmp_path / "a.zip", contents, head, limit_mb=1.0)
    tight = (whole + 200_000 - 2_000) / 1e6
    assert write_bundle(tmp_path / "b.zip", contents, head, limit_mb=tight) < whole - 1_000
    with pytest.raises(ConfigError, match=r"--limit-mb 0\.2: too little"):
        write_bundle(tmp_path / "c.zip", contents, head, limit_mb=0.2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_other_files_are_refused(contents: Contents, head: OpenHead, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(AssetError, match=r"text\.zip: not a training bundle"):
        open_bundle(tmp_path / "text.zip", tmp_path)
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as bundle:
        bundle.writestr("bundle.json", '{"format": 2}')
    with pytest.raises(AssetError, match=r"new\.zip: format 2, this program reads 1"):
        open_bundle(tmp_path / "new.zip", tmp_path)
    with pytest.raises(AssetError, match=r"fits\.npz: no such file"):
        write_bundle(tmp_path / "x.zip", Contents(contents.data, tmp_path / "fits.npz"), head)
