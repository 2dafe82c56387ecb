"""The network in TensorRT or TensorRT for RTX: the fastest on an NVIDIA card.

The engines, one cold and one warm, are built from the ONNX graphs on first use, which takes up to
minutes, and kept (engine/network/backends/_tensorrt_build.py).
"""

from __future__ import annotations

import importlib
import logging
import math
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from engine.errors import BackendError
from engine.network.backends import Backend
from engine.network.backends._cuda import StaticRun, card_count
from engine.network.backends._tensorrt_build import build, engine_path, make_logger
from engine.network.backends._two_graphs import OnDevice
from engine.network.onnx_file import onnx_file
from engine.network.weights import WeightFile

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MODULES = ("tensorrt", "tensorrt_rtx")  # in the order in which they are tried
INSTALL = (
    "install one with: pip install tensorrt-rtx-cu13 (GeForce RTX and RTX workstation cards), or "
    "pip install tensorrt-cu13 (all, data centres included)"
)

_LOG = logging.getLogger(__name__)


def create(weights: WeightFile, threads: int, half: bool = True) -> Backend:
    """Load both engines, building those that are not in the cache. `threads` is not used.

    Raises BackendError, with the command to install it, where TensorRT or a card is absent.
    """
    if not card_count():
        raise BackendError(
            "tensorrt_engine: needs an NVIDIA graphics card and its driver, none is found; "
            "allowed here are onnx_runtime and torch_eager"
        )
    trt = find_tensorrt()
    import torch

    if not torch.cuda.is_available():
        raise BackendError(
            f"tensorrt_engine: PyTorch {torch.__version__} has no CUDA; install a build that has, "
            "see https://pytorch.org/get-started/locally"
        )
    major, minor = torch.cuda.get_device_capability()
    card = torch.cuda.get_device_name()
    runs = [
        _load(trt, onnx_file(weights, warm, half), f"{card} sm{major}{minor}")
        for warm in (False, True)
    ]
    precision = "half" if half else "single"
    about = f"{trt.__name__} {trt.__version__} on {card}, {precision} precision"
    return OnDevice((runs[0], runs[1]), weights.config.image_side_px, about)


def find_tensorrt() -> ModuleType:
    """Return whichever TensorRT is installed. Raises BackendError with the command to install."""
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, "Builder"):  # a package whose libraries were not fetched has none
            return module
    raise BackendError(f"tensorrt_engine: needs one of {', '.join(MODULES)}; {INSTALL}")


def _load(trt: ModuleType, graph: Path, card: str) -> StaticRun:
    path = engine_path(trt, graph, card)
    runtime = trt.Runtime(make_logger(trt))
    engine = runtime.deserialize_cuda_engine(path.read_bytes()) if path.is_file() else None
    if engine is None:  # none yet, or one that this driver refuses
        _LOG.info("building a TensorRT engine for %s; this happens once", card)
        content = build(trt, graph)
        path.parent.mkdir(parents=True, exist_ok=True)
        writing = path.with_name(f"{path.name}.writing")
        writing.write_bytes(content)
        writing.replace(path)
        engine = runtime.deserialize_cuda_engine(content)
    if engine is None:
        raise BackendError(f"{path}: {trt.__name__} cannot run what it has built for {card}")
    return _static_run(trt, engine, path.with_suffix(".kernels"))


def _static_run(trt: ModuleType, engine: Any, kernels: Path) -> StaticRun:
    import torch

    context, cache = _context(trt, engine, kernels)
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    for name in (engine.get_tensor_name(i) for i in range(engine.num_io_tensors)):
        tensor = _buffer(trt, engine, name)
        # Of the storage: an empty tensor has no address of its own, and TensorRT wants one.
        context.set_tensor_address(name, tensor.untyped_storage().data_ptr())
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        (inputs if is_input else outputs)[name] = tensor
    stream = torch.cuda.Stream()

    def launch() -> None:
        if not context.execute_async_v3(torch.cuda.current_stream().cuda_stream):
            raise RuntimeError(f"{trt.__name__} could not run the network; see the log")

    with torch.cuda.stream(stream):
        launch()  # the first run compiles and allocates, which no capture may contain
    stream.synchronize()
    if cache is not None:
        kernels.write_bytes(bytes(cache.serialize()))
        return StaticRun(inputs, outputs, launch, stream)  # TensorRT for RTX captures by itself
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        launch()
    return StaticRun(inputs, outputs, _Replay(graph, context), stream)


def _context(trt: ModuleType, engine: Any, kernels: Path) -> tuple[Any, Any]:
    """Return an execution context; with TensorRT for RTX also its cache of compiled kernels."""
    if not hasattr(trt, "CudaGraphStrategy"):
        return engine.create_execution_context(), None
    config = engine.create_runtime_config()
    config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
    cache = config.create_runtime_cache()
    if kernels.is_file():
        cache.deserialize(kernels.read_bytes())  # refused, it stays empty and is made anew
    config.set_runtime_cache(cache)
    return engine.create_execution_context(config), cache


def _buffer(trt: ModuleType, engine: Any, name: str) -> Tensor:
    import torch

    types = {
        trt.DataType.UINT8: torch.uint8,
        trt.DataType.FLOAT: torch.float32,
        trt.DataType.HALF: torch.float16,
    }
    shape = tuple(engine.get_tensor_shape(name))
    count = math.prod(shape)
    dtype = types[engine.get_tensor_dtype(name)]
    return torch.zeros(max(count, 1), dtype=dtype, device="cuda")[:count].view(shape)


class _Replay:
    """A captured graph, and the context whose memory it uses."""

    def __init__(self, graph: torch.cuda.CUDAGraph, context: Any) -> None:
        self._graph, self._context = graph, context

    def __call__(self) -> None:
        self._graph.replay()
