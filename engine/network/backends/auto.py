"""The fastest backend that works on this machine, and why it is that one."""

from __future__ import annotations

import logging

import engine.network.backends
from engine import plugins
from engine.errors import BackendError
from engine.network.backends import Backend
from engine.network.backends._cuda import card_count
from engine.network.weights import WeightFile

_LOG = logging.getLogger(__name__)

# On a card TensorRT is faster than PyTorch's captured graph, and that faster than ONNX Runtime;
# without one, ONNX Runtime is the fastest, and PyTorch need not be imported to know it.
_WITH_CARD = ("tensorrt_engine", "torch_eager", "onnx_runtime")
_WITHOUT_CARD = ("onnx_runtime",)


def create(weights: WeightFile, threads: int, half: bool = True) -> Backend:
    """Return the first backend, in order of speed, that has run; the log says what kept others.

    Raises AssetError for a damaged file, BackendError if none works.
    """
    cards = card_count()
    refused: list[str] = []
    for kind in candidates(cards):
        module = plugins.load(engine.network.backends, kind)
        try:
            backend: Backend = module.create(weights, threads, half)
            backend.warm_up()
        except (BackendError, RuntimeError) as error:  # RuntimeError: what a card's library says
            refused.append(f"{kind}: {error}")
            continue
        why = "; ".join(refused) or ("the fastest here" if cards else "no NVIDIA card is found")
        backend.about = f"{backend.about} ({why})"
        _LOG.info("network: %s", backend.about)
        return backend
    raise BackendError(f"auto: no backend works here ({'; '.join(refused)})")


def runs_on_card(kind: str) -> bool:
    """Return whether a kind of backend would run on an NVIDIA card of this machine.

    What holds the buffers there is a CUDA build of PyTorch; ONNX Runtime counts as a processor's.
    """
    if kind == "onnx_runtime" or not card_count():
        return False
    import torch

    return torch.cuda.is_available()


def candidates(cards: int) -> tuple[str, ...]:
    """Return the kinds to try, the fastest first.

    cards  how many NVIDIA cards there are
    """
    return _WITH_CARD if cards else _WITHOUT_CARD
