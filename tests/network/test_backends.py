"""The shipped weights: both backends agree, and a damaged file is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import plugins, resources
from engine.capture.sources import demo
from engine.errors import AssetError
from engine.fit.heads import landmarks, open_head
from engine.network import backends, weights
from engine.network.crop import crop_from_box, crop_from_points
from engine.resources import sha256
from engine.types import Crop, Frame

AGREE_PX = 0.05


@pytest.fixture(scope="module")
def frame() -> Frame:
    source = demo.create(demo.Settings(loop=False))
    try:
        found = source.take()
    finally:
        source.close()
        source.take()
    assert found is not None
    return found


def crops(frame: Frame, side: int) -> list[Crop]:
    height, width = frame.image.shape[:2]
    around = np.array([0.25 * width, 0.2 * height, 0.75 * width, 0.95 * height])
    return [crop_from_box(around, side), crop_from_box(around * 0.8, side, 0.5)]


@pytest.mark.parametrize("name", weights.names())
def test_onnx_runtime_agrees_with_torch(name: str, frame: Frame) -> None:
    files = weights.load(name)
    threads = torch.get_num_threads()
    onnx, eager = (
        plugins.load(backends, kind).create(files, 1) for kind in ("onnx_runtime", "torch_eager")
    )
    torch.set_num_threads(threads)
    for crop in crops(frame, files.config.image_side_px):
        ours, reference = onnx.align(frame, crop), eager.align(frame, crop)
        assert np.abs(ours.points_px - reference.points_px).max() < AGREE_PX
        assert np.abs(ours.sigma_px - reference.sigma_px).max() < AGREE_PX
        assert ours.anchors.tolist() == list(range(len(open_head.load().neutral)))


def test_what_is_found_does_not_depend_on_the_crop_much(frame: Frame) -> None:
    """Points are in pixels of the image: a turned and a wider crop must tell the same place."""
    head = open_head.load()
    backend = plugins.load(backends, "onnx_runtime").create(weights.load(), 1)
    side = backend.crop_side_px
    rough = landmarks(head, backend.align(frame, crops(frame, side)[0]).points_px)[:468]
    upright = landmarks(head, backend.align(frame, crop_from_points(rough, side)).points_px)[:468]
    other = crop_from_points(rough, side, 0.2, 1.35)
    turned = landmarks(head, backend.align(frame, other).points_px)[:468]
    face = np.sqrt(np.prod(np.ptp(upright, axis=0)))
    assert np.linalg.norm(turned - upright, axis=1).mean() < 0.03 * face
    assert face > 60


def test_weights_know_the_head_they_were_made_for() -> None:
    assert weights.load().head_sha256 == sha256(open_head.DEFAULT_PATH)


def test_unknown_weights_name_the_installed() -> None:
    with pytest.raises(AssetError, match="installed are nano"):
        weights.load("huge")


def test_a_damaged_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(weights.WEIGHTS, tmp_path / "weights")
    shutil.copy(resources.RESOURCES / "manifest.yaml", tmp_path)
    monkeypatch.setattr(resources, "RESOURCES", tmp_path)
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path / "weights")
    damaged = tmp_path / "weights" / "nano" / "model.onnx"
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 1
    damaged.write_bytes(content)
    for kind in ("onnx_runtime", "torch_eager"):
        files = weights.load("nano")
        if kind == "onnx_runtime":
            with pytest.raises(AssetError, match=r"model\.onnx: wrong checksum"):
                plugins.load(backends, kind).create(files, 1)
        else:
            files.tensors  # noqa: B018 - untouched, so it must pass
