"""Small exported networks, for the tests that look into graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from engine.network.build import untrained_point_aligner
from engine.network.config import configuration
from engine.network.export import export_onnx
from engine.network.point_aligner import PointAligner
from engine.network.warm import MEMORY_NAMES

SIDE_PX = 64  # of the pictures


def small_network(name: str) -> PointAligner:
    """Return a configuration with random parameters and all sizes small.

    Every kind of layer of the configuration is there, once or twice.
    """
    config = replace(configuration(name), image_side_px=SIDE_PX, uv_side=16, iterations=1)
    if config.encoder != "light":
        config = replace(config, encoder="mit_b0", hidden=16, channels=16)
    torch.manual_seed(0)
    return untrained_point_aligner(config).eval()


def small_graphs(name: str, folder: Path) -> dict[str, Path]:
    """Export a small network, cold and warm."""
    network = small_network(name)
    paths = {"cold": folder / f"{name}.onnx", "warm": folder / f"{name}_warm.onnx"}
    for kind, path in paths.items():
        export_onnx(network, SIDE_PX, path, warm=kind == "warm")
    return paths


def run(model: onnx.ModelProto | Path, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Run a graph on the processor; it takes what it needs of the inputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    content = model.read_bytes() if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    needed = {value.name: inputs[value.name] for value in session.get_inputs()}
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, needed), strict=True))


def memory_of(answer: dict[str, NDArray]) -> dict[str, NDArray]:
    """Return an answer's memory as inputs of the warm graph."""
    return {name: answer[name.removeprefix("start_")] for name in MEMORY_NAMES}


def picture() -> NDArray[np.uint8]:
    """Return noise of many sizes, (1, S, S, 3)."""
    rng = np.random.default_rng(7)
    layers = [
        np.kron(rng.uniform(0, 255, (SIDE_PX // n, SIDE_PX // n, 3)), np.ones((n, n, 1)))
        for n in (1, 8, 32)
    ]
    return np.mean(layers, axis=0).astype(np.uint8)[None]
