"""The shipped weights: all backends that work here agree, and a damaged file is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from small_graphs import run as run_graph

from engine import plugins, resources
from engine.capture.sources import demo
from engine.errors import AssetError, BackendError
from engine.fit.heads import landmarks, open_head
from engine.network import backends, onnx_file, weights
from engine.network.backends import Backend
from engine.network.backends._cuda import card_count
from engine.network.backends._two_graphs import TwoGraphs
from engine.network.backends.torch_eager import on_processor
from engine.network.build import build_point_aligner
from engine.network.crop import crop_from_box, crop_from_points
from engine.resources import sha256
from engine.types import Alignment, Crop, Frame

SINGLE_PX, HALF_PX = 0.05, 0.2  # how far a backend may be from PyTorch in single precision


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """Two frames of the demo, a fifth of a second apart."""
    source = demo.create(demo.Settings(loop=False))
    try:
        taken = [source.take() for _ in range(7)]
    finally:
        source.close()
        source.take()
    return [frame for frame in (taken[0], taken[6]) if frame is not None]


@pytest.fixture(scope="module")
def frame(frames: list[Frame]) -> Frame:
    return frames[0]


def crops(frame: Frame, side: int) -> list[Crop]:
    height, width = frame.image.shape[:2]
    around = np.array([0.25 * width, 0.2 * height, 0.75 * width, 0.95 * height])
    return [crop_from_box(around, side), crop_from_box(around * 0.8, side, 0.5)]


@pytest.fixture(scope="module")
def true() -> Backend:
    files = weights.load()
    graph = on_processor(build_point_aligner(files))
    return TwoGraphs(graph, graph, files.config.image_side_px, "PyTorch, single precision")


def assert_agree(ours: Alignment, true: Alignment, most_px: float) -> None:
    assert np.abs(ours.points_px - true.points_px).max() < most_px
    assert np.abs(ours.sigma_px - true.sigma_px).max() < most_px
    assert ours.anchors.tolist() == list(range(len(open_head.load().neutral)))
    assert ours.memory is not None
    assert true.memory is not None
    assert np.abs(ours.memory.position - true.memory.position).max() < most_px
    assert np.abs(ours.memory.hidden - true.memory.hidden).max() < most_px
    assert (ours.traits is None) == (true.traits is None)
    if ours.traits is not None and true.traits is not None:
        assert np.abs(ours.traits.expression - true.traits.expression).max() < most_px
        assert np.abs(ours.traits.identity - true.traits.identity).max() < most_px
        assert abs(ours.traits.tongue - true.traits.tongue) < most_px


def compare(ours: Backend, true: Backend, frames: list[Frame], most_px: float) -> None:
    """Compare cold starts on a frame, and warm ones on the next, moved into another crop."""
    for crop in crops(frames[0], true.crop_side_px):
        cold = true.align(frames[0], crop)
        assert_agree(ours.align(frames[0], crop), cold, most_px)
        other = crops(frames[0], true.crop_side_px)[0]
        warm = true.align(frames[1], other, cold.memory)
        assert_agree(ours.align(frames[1], other, cold.memory), warm, most_px)
        assert np.abs(warm.points_px - true.align(frames[1], other).points_px).max() > 10 * most_px


@pytest.mark.parametrize("kind", [kind for kind in plugins.kinds(backends) if kind != "auto"])
def test_every_backend_agrees_with_torch(kind: str, frames: list[Frame], true: Backend) -> None:
    for half in (False, True) if card_count() else (False,):
        threads = torch.get_num_threads()
        try:
            ours = plugins.load(backends, kind).create(weights.load(), 1, half)
        except BackendError as error:
            pytest.skip(str(error))
        finally:
            torch.set_num_threads(threads)
        compare(ours, true, frames, HALF_PX if half else SINGLE_PX)
        ours.close()
        with pytest.raises(ValueError, match="closed"):
            ours.align(frames[0], crops(frames[0], ours.crop_side_px)[0])


def test_half_precision_agrees_with_torch(
    frames: list[Frame], true: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph that a card runs, run here: ONNX Runtime has float16 on a processor as well."""
    monkeypatch.setattr(onnx_file, "cache_folder", lambda: tmp_path)
    paths = [onnx_file.onnx_file(weights.load(), warm, half=True) for warm in (False, True)]
    assert all(path.is_relative_to(tmp_path) for path in paths)
    cold, warm = (partial(run_graph, path) for path in paths)
    compare(TwoGraphs(cold, warm, true.crop_side_px, "half"), true, frames, HALF_PX)


def test_graphs_that_do_not_ship_are_exported_once(
    frames: list[Frame], true: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "cache_folder", lambda: tmp_path / "cache")
    shutil.copy(weights.load().tensors[0], tmp_path)
    name = weights.SINGLE_FILE
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(f"files: {{{name}: {{sha256: {sha256(tmp_path / name)}}}}}")
    files = replace(weights.load(), folder=tmp_path, manifest=manifest)
    backend = plugins.load(backends, "onnx_runtime").create(files, 1)
    compare(backend, true, frames, SINGLE_PX)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.onnx")}
    assert len(written) == 2
    plugins.load(backends, "onnx_runtime").create(files, 1)
    assert {path: path.stat().st_mtime_ns for path in written} == written


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
    with pytest.raises(AssetError, match=r"installed are .*nano"):
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
    files = weights.load("nano")
    with pytest.raises(AssetError, match=r"model\.onnx: wrong checksum"):
        plugins.load(backends, "onnx_runtime").create(files, 1)
    assert files.tensors == [damaged.with_name("weights.safetensors")]  # untouched, so they pass
