"""What a network costs is counted and timed rightly. Here, because it looks into graphs."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from small_graphs import small_network

from engine.clock import NS_PER_S
from engine.evaluation import network_speed
from engine.evaluation.network_speed import UNCAPTURED, gflop, time_ms
from engine.network.backends import onnx_runtime
from engine.network.backends._two_graphs import TwoGraphs
from engine.network.backends.torch_eager import on_processor
from engine.network.build import build_point_aligner
from engine.network.export import example_inputs
from engine.network.point_aligner import PointAligner
from engine.types import Crop, Frame


def counted(network: PointAligner, warm: bool) -> float:
    """Return the operations of a network that matches, layer by layer and by hand."""
    total = 0

    def add(layer: torch.nn.Module, _given: object, out: torch.Tensor) -> None:
        nonlocal total
        weight = layer.weight
        total += 2 * (out.numel() // out.shape[1]) * weight.numel()

    layers = [m for m in network.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    config = network.aligner.config
    with torch.inference_mode():
        network(*example_inputs(network, config.image_side_px, warm))
    for hook in hooks:
        hook.remove()
    cells, texels = (config.image_side_px // 8) ** 2, config.uv_side**2
    correlation = 2 * texels * cells * config.channels
    matching = 2 * texels * cells * 3  # x, y, and their squares; a warm start is corrected by it
    return (total + correlation + matching) / 1e9


@pytest.mark.parametrize("warm", [False, True])
def test_operations_are_those_of_every_layer(warm: bool) -> None:
    network = small_network("nano")
    assert gflop(network, warm) == pytest.approx(counted(network, warm), rel=1e-6)


def test_calls_are_timed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    call = Mock(side_effect=lambda: time.sleep(0.01))
    times_ms = time_ms(call, rounds=6)
    assert (len(times_ms), call.call_count) == (6, 9)  # three are not timed
    assert min(times_ms) >= 10
    monkeypatch.setattr(network_speed, "_LONGEST_S", 0.01)
    assert len(time_ms(call, rounds=100)) == 5


def test_ratios_compare_like_with_like() -> None:
    def row(backend: str, precision: str, median_ms: float) -> dict[str, object]:
        return {"backend": backend, "start": "cold", "precision": precision, "median_ms": median_ms}

    rows = [row("tensorrt_engine", "half", 2.0), row("torch_eager", "half", 5.0)]
    rows += [row(UNCAPTURED, "half", 9.0), row("torch_eager", "single", 30.0)]
    assert network_speed._ratios(rows) == {
        "cold, half, torch_eager": 2.5,
        f"cold, half, {UNCAPTURED}": 4.5,
    }


def test_random_weights_are_whole(tmp_path: Path) -> None:
    """Graphs and parameters of one network, which the backends read as if they were installed."""
    config = small_network("nano").aligner.config
    files = network_speed.random_weights(config, tmp_path)
    assert asdict(files.config) == asdict(config)
    graph = on_processor(build_point_aligner(files))
    true = TwoGraphs(graph, graph, config.image_side_px, "PyTorch")
    ours = onnx_runtime.create(files, 1)
    image = np.random.default_rng(0).integers(0, 255, (80, 90, 3), dtype=np.uint8)
    frame, crop = Frame(image, 0, 0), Crop(np.eye(3), config.image_side_px)
    off = ours.align(frame, crop).points_px - true.align(frame, crop).points_px
    assert np.abs(off).max() < 0.05


@pytest.mark.slow
def test_a_run_gives_a_row_for_every_start() -> None:
    threads = torch.get_num_threads()
    figures = network_speed.run("nano", ["onnx_runtime", "tensorrt_engine"], 1, 3)
    torch.set_num_threads(threads)
    rows = [row for row in figures["rows"] if row["backend"] == "onnx_runtime"]
    assert {row["start"] for row in rows} == {"cold", "warm"}
    assert all(row["off_px"] < 0.2 and row["median_ms"] <= row["p95_ms"] for row in rows)
    assert all(row["median_ms"] < 60 * NS_PER_S / 1e6 for row in rows)
    text = network_speed.text(figures)
    assert "nano: " in text
    assert ("not measured: tensorrt_engine" in text) == ("tensorrt_engine" in figures["skipped"])
