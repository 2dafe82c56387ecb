"""A TensorRT engine from an ONNX graph: built once for a card, kept in the cache folder.

`tensorrt` and `tensorrt_rtx` have the same interface; the module is passed in, so that either will
do. Precision is that of the graph: networks are strongly typed, the only kind that TensorRT 11 and
TensorRT for RTX know.
"""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.cache import cache_folder
from engine.errors import AssetError, BackendError

_LOG = logging.getLogger(__name__)


def engine_path(trt: ModuleType, graph: Path, card: str) -> Path:
    """Return where the engine of a graph is kept.

    card  name and compute capability of the graphics card

    The name changes with the graph's content, hence with weights, kind and precision, with the
    card, and with the version of TensorRT: an engine fits nothing else.
    """
    digest = hashlib.sha256(graph.read_bytes()).hexdigest()[:16]
    made_by = re.sub(r"[^A-Za-z0-9.]+", "-", f"{trt.__name__}-{trt.__version__}-{card}").lower()
    return cache_folder() / "engines" / f"{graph.stem}-{digest}-{made_by}.engine"


def build(trt: ModuleType, graph: Path, for_this_card: bool = True) -> bytes:
    """Return the serialised engine of a graph.

    for_this_card  else for any card that TensorRT supports, which needs no card to build

    Raises AssetError if TensorRT cannot read the graph, BackendError if it cannot build for the
    card.
    """
    logger = make_logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph.read_bytes()):
        problems = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise AssetError(f"{graph}: {trt.__name__} {trt.__version__} cannot read it ({problems})")
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # single precision, where the graph says so
    if for_this_card and trt.__name__ == "tensorrt_rtx":
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.CURRENT, 0)
    if hasattr(trt, "IProgressMonitor"):
        config.progress_monitor = _progress(trt, graph.stem)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise BackendError(
            f"{trt.__name__} {trt.__version__} cannot build {graph} for this graphics card; "
            "see the log, and use --backend torch_eager meanwhile"
        )
    return bytes(engine)


def make_logger(trt: ModuleType) -> Any:
    """Return a TensorRT logger that hands warnings and errors to this module's."""
    severity = trt.ILogger.Severity
    levels = {
        severity.INTERNAL_ERROR: logging.ERROR,
        severity.ERROR: logging.ERROR,
        severity.WARNING: logging.WARNING,
    }

    class Logger(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)  # pybind11 wants its own constructor called by name

        def log(self, severity: Any, text: str) -> None:
            _LOG.log(levels.get(severity, logging.DEBUG), "%s", text)

    return Logger()


def _progress(trt: ModuleType, name: str) -> Any:
    """Return a monitor that logs the steps of the outermost phase, of which there are a few."""

    class Progress(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            if parent is None:
                self.steps[phase] = steps
                _LOG.info("TensorRT engine of %s: %s", name, phase.lower())

        def step_complete(self, phase: str, step: int) -> bool:
            if phase in self.steps:
                done = f"{step + 1} of {self.steps[phase]} steps"
                _LOG.info("TensorRT engine of %s: %s", name, done)
            return True

        def phase_finish(self, phase: str) -> None:
            if self.steps.pop(phase, None) is not None:
                _LOG.info("TensorRT engine of %s: done", name)

    return Progress()
