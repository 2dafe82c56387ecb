"""The ONNX graph of a set of weights: the shipped file, or one exported on first use.

Small networks ship their graphs; of large ones only the parameters ship, and the graph is written
once into the cache folder, under a name that changes with everything it is made from.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from engine.cache import cache_folder
from engine.network.weights import WeightFile
from engine.resources import checked

_LOG = logging.getLogger(__name__)
_FORMAT = "1"  # to be raised when the same parameters must give another graph


def onnx_file(weights: WeightFile, warm: bool = False) -> Path:
    """Return the graph; its checksum is verified if it is shipped.

    warm  the graph that starts from the memory of the frame before

    Raises AssetError if a file is absent or damaged, or the parameters do not fit.
    """
    name = "model_warm.onnx" if warm else "model.onnx"
    shipped = weights.folder / name
    if shipped.is_file():
        return checked(shipped)
    made = cache_folder() / "networks" / weights_key(weights) / name
    if not made.is_file():
        # PyTorch is imported here, so that whoever runs a shipped graph never loads it.
        from engine.network.build import build_point_aligner
        from engine.network.export import export_onnx

        _LOG.info("writing %s from the parameters of %s", made, weights.folder.name)
        made.parent.mkdir(parents=True, exist_ok=True)
        network = build_point_aligner(weights)
        export_onnx(network, weights.config.image_side_px, made, warm)
    return made


def weights_key(weights: WeightFile) -> str:
    """Return a name for what a graph is made from: exporter, configuration, head, parameters."""
    digest = hashlib.sha256()
    for part in (_FORMAT, repr(weights.config), weights.head_sha256):
        digest.update(part.encode())
    for path in weights.tensors:
        digest.update(path.read_bytes())
    return f"{weights.config.name}-{digest.hexdigest()[:16]}"
