"""The network in PyTorch, as trained: in single precision the reference for every other backend.

On a card each graph is captured once as a CUDA graph and replayed: the hundreds of small kernels of
a frame are launched together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from engine.network.backends import Backend
from engine.network.backends._cuda import StaticRun, card_count
from engine.network.backends._two_graphs import OnDevice, TwoGraphs
from engine.network.weights import WeightFile

if TYPE_CHECKING:
    from torch import Tensor

    from engine.network.point_aligner import PointAligner, PointAnswer

_RUNS_BEFORE_CAPTURE = 3  # libraries allocate and choose their kernels in the first ones


def create(weights: WeightFile, threads: int, half: bool = True) -> Backend:
    """Load the parameters. `threads` is PyTorch's own number of threads, process-wide.

    Raises AssetError if the file is damaged or belongs to another configuration.
    """
    import torch

    from engine.network.build import build_point_aligner

    torch.set_num_threads(threads)
    network, side = build_point_aligner(weights), weights.config.image_side_px
    if not (card_count() and torch.cuda.is_available()):
        about = f"PyTorch {torch.__version__} on the CPU, {threads} threads"
        return TwoGraphs(on_processor(network), on_processor(network), side, about)
    # TF32 rounds a product's operands to 11 bits: not what single precision promises.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    cold, warm = (on_card(network, side, warm, half) for warm in (False, True))
    about = (
        f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}, CUDA graph, "
        f"{'half' if half else 'single'} precision"
    )
    return OnDevice((cold, warm), side, about)


def on_processor(network: PointAligner) -> Callable[[Mapping[str, NDArray]], dict[str, NDArray]]:
    """Return the network as a function of arrays, in their order."""
    import torch

    def run(inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        with torch.inference_mode():
            answer: PointAnswer = network(*(torch.from_numpy(x) for x in inputs.values()))
        return {name: tensor.numpy() for name, tensor in answer._asdict().items()}

    return run


def on_card(
    network: PointAligner, side_px: int, warm: bool, half: bool, capture: bool = True
) -> StaticRun:
    """Return the network on the current card.

    capture  as one replayed CUDA graph; else kernel by kernel, to measure what the graph gains
    """
    import torch

    from engine.network.export import example_inputs
    from engine.network.warm import MEMORY_NAMES

    network = network.cuda()
    examples = [tensor.cuda() for tensor in example_inputs(network, side_px, warm)]

    def forward() -> dict[str, Tensor]:
        # Inside a captured graph a cached cast would be read without being made.
        with torch.autocast("cuda", torch.float16, enabled=half, cache_enabled=False):
            answer: PointAnswer = network(*examples)
        return {name: tensor.float().contiguous() for name, tensor in answer._asdict().items()}

    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(stream):
        outputs = [forward() for _ in range(_RUNS_BEFORE_CAPTURE)][-1]
        if capture:
            with torch.cuda.graph(graph, stream=stream):
                outputs = forward()

    def step_by_step() -> None:
        for name, tensor in forward().items():
            outputs[name].copy_(tensor)

    inputs = dict(zip(["image", *MEMORY_NAMES], examples, strict=False))
    return StaticRun(inputs, outputs, graph.replay if capture else step_by_step, stream)
