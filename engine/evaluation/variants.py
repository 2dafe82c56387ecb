"""A trained network run in ways other than its own: more or fewer steps."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.errors import AssetError
from engine.network import weights
from engine.network.backends import Backend
from engine.network.backends._two_graphs import TwoGraphs
from engine.network.backends.torch_eager import on_processor
from engine.network.build import build_point_aligner, untrained_point_aligner
from engine.network.config import NetworkConfig, configuration
from engine.network.point_aligner import PointAligner

CHECKPOINT = "checkpoint.pt"
_MANY = 3  # steps, as the paper takes


def trained(name: str) -> PointAligner:
    """Return a network from a training run's folder (its running average), or installed weights.

    Raises AssetError if there is neither, or the checkpoint belongs to another configuration.
    """
    checkpoint = Path(name) / CHECKPOINT
    if not checkpoint.is_file():
        return build_point_aligner(weights.load(name))
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        config = (
            NetworkConfig(**state["config"])
            if "config" in state
            else configuration(state["settings"]["network"])
        )
        network = untrained_point_aligner(config)
        network.aligner.load_state_dict(state["average"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise AssetError(f"{checkpoint}: not a checkpoint of this program ({error})") from error
    return network.eval()


def backend_of(network: PointAligner, iterations: int | None = None, threads: int = 1) -> Backend:
    """Return a network as a backend on the CPU, taking `iterations` steps from a cold start.

    iterations  as configured if None; 0 is the matching alone. Warm starts take one step anyway.
    """
    torch.set_num_threads(threads)
    config = network.aligner.config
    if iterations is not None:
        aligner = copy(network.aligner)  # the same parameters
        aligner.config = replace(config, iterations=iterations)
        scale = network.sigma_scale
        network = PointAligner(aligner, network.readout, network.mirror).eval()
        network.sigma_scale.copy_(scale)
    run = on_processor(network)
    return TwoGraphs(run, run, config.image_side_px, f"PyTorch on the CPU, {iterations} steps")


def ways(network: PointAligner, backend: Backend, threads: int) -> dict[str, tuple[Backend, bool]]:
    """Return how `bench sequence` runs a network: name -> backend, and whether it starts warm.

    backend  runs the network as it is configured
    """
    result = {"cold": (backend, False)}
    steps = network.aligner.config.iterations
    if steps not in (0, _MANY):
        result[f"cold, {_MANY} steps"] = (backend_of(network, _MANY, threads), False)
    if steps:
        result["warm, 1 step"] = (backend, True)
    return result
