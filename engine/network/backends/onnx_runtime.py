"""The network in ONNX Runtime: the default on a plain CPU; on a card where its build has CUDA."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.network.backends import Backend
from engine.network.backends._cuda import card_count
from engine.network.backends._two_graphs import TwoGraphs
from engine.network.onnx_file import onnx_file
from engine.network.weights import WeightFile

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def create(weights: WeightFile, threads: int, half: bool = True) -> Backend:
    """Open the sessions, on `threads` threads. Raises AssetError if a file cannot be run."""
    import onnxruntime

    providers: list[Any] = [_CPU]
    if _CUDA in onnxruntime.get_available_providers() and card_count():
        # TF32 rounds a product's operands to 11 bits: not what single precision promises.
        providers.insert(0, (_CUDA, {"use_tf32": "0"}))
    on_card = len(providers) > 1
    paths = [onnx_file(weights, warm, half and on_card) for warm in (False, True)]
    sessions = [open_session(path, threads, providers) for path in paths]
    # A CUDA library that does not load leaves a session on the processor, with only a warning.
    on_card = sessions[0].get_providers()[0] == _CUDA
    place = (
        f"CUDA, {'half' if half else 'single'} precision"
        if on_card
        else f"the CPU, {threads} threads"
    )
    cold, warm = (partial(_run, session) for session in sessions)
    about = f"ONNX Runtime {onnxruntime.__version__} on {place}"
    return TwoGraphs(cold, warm, weights.config.image_side_px, about, on_card)


def open_session(path: Path, threads: int, providers: list[Any]) -> Any:
    """Return an InferenceSession on a graph. Raises AssetError if it cannot be run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads spin within a run, which saves a fifth of it, and rest between frames: a pool that
    # went on spinning would steal the other core from the fit and from the receiver's program.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        raise AssetError(f"{path}: ONNX Runtime cannot run it ({error})") from error


def _run(session: Any, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
    names = [output.name for output in session.get_outputs()]
    needed = {value.name: inputs[value.name] for value in session.get_inputs()}
    answer = zip(names, session.run(names, needed), strict=True)
    return {name: np.asarray(value) for name, value in answer}
