"""From weights on disk to a module that runs. Needs torch; ONNX Runtime users never import it."""

from __future__ import annotations

import torch

from engine.errors import AssetError
from engine.fit.heads import open_head
from engine.fit.symmetry import mirror_of_vertices
from engine.network.aligner import Aligner, Readout
from engine.network.config import NetworkConfig
from engine.network.point_aligner import MirrorImage, PointAligner
from engine.network.shards import load_sharded
from engine.network.weights import WeightFile


def untrained_point_aligner(config: NetworkConfig) -> PointAligner:
    """Return the network of a configuration, reading out every vertex of the open head."""
    head = open_head.load()
    mirror = None
    if config.mirrored:
        vertices = torch.from_numpy(mirror_of_vertices(head))
        mirror = MirrorImage(vertices, config.image_side_px)
    readout = Readout(torch.from_numpy(head.uv.astype("float32")))
    return PointAligner(Aligner(config), readout, mirror)


def build_point_aligner(weights: WeightFile) -> PointAligner:
    """Return the trained network, ready for inference.

    Raises AssetError if the file is damaged or belongs to another configuration.
    """
    network = untrained_point_aligner(weights.config)
    tensors = load_sharded(weights.tensors)
    try:
        network.load_state_dict({k: v.float() for k, v in tensors.items()})
    except RuntimeError as error:
        raise AssetError(
            f"{weights.folder}: does not fit the network {weights.config.name} ({error})"
        ) from None
    return network.eval()
