"""From the PyTorch module to an ONNX graph, cold or warm.

The operators are those that ONNX Runtime and TensorRT both run without plugins
(tests/network/test_onnx_operators.py).
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor

from engine.network.point_aligner import PointAligner, PointAnswer
from engine.network.warm import MEMORY_NAMES

OPSET = 17


def example_inputs(network: PointAligner, side_px: int, warm: bool) -> tuple[Tensor, ...]:
    """Return inputs of the right shapes: image (1, S, S, 3) uint8, and the memory if warm."""
    image = torch.zeros(1, side_px, side_px, 3, dtype=torch.uint8)
    if not warm:
        return (image,)
    return image, *(torch.zeros(size) for size in network.memory_sizes)


def export_onnx(network: PointAligner, side_px: int, path: Path, warm: bool = False) -> None:
    """Write the network with its read-out to `path`, whole or not at all.

    network  on the CPU, in evaluation mode
    side_px  side of the square crop
    warm     take a step from the memory of the frame before, instead of starting anew
    """
    inputs = example_inputs(network, side_px, warm)
    writing = path.with_name(f"{path.name}.writing")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own coming replacement
        torch.onnx.export(
            network,
            inputs,
            str(writing),
            input_names=["image", *MEMORY_NAMES][: len(inputs)],
            output_names=list(PointAnswer._fields),
            opset_version=OPSET,
            dynamo=False,
        )
    writing.replace(path)
