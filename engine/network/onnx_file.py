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


def onnx_file(weights: WeightFile, warm: bool = False, half: bool = False) -> Path:
    """Return the graph; its checksum is verified if it is shipped.

    warm  the graph that starts from the memory of the frame before
    half  the graph whose products are in float16

    Raises AssetError if a file is absent or damaged, or the parameters do not fit.
    """
    name = "model_warm" if warm else "model"
    shipped = weights.folder / f"{name}.onnx"
    folder = cache_folder() / "networks" / weights_key(weights)
    single = folder / shipped.name
    if shipped.is_file():
        single = checked(shipped, weights.manifest)
    elif not single.is_file():
        _export(weights, warm, single)
    if not half:
        return single
    halved_file = folder / f"{name}_half.onnx"
    if not halved_file.is_file():
        _halve(single, halved_file)
    return halved_file


def _export(weights: WeightFile, warm: bool, path: Path) -> None:
    # PyTorch is imported here, so that whoever runs a shipped graph never loads it.
    from engine.network.build import build_point_aligner
    from engine.network.export import export_onnx

    _LOG.info("writing %s from the parameters of %s", path, weights.folder.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    export_onnx(build_point_aligner(weights), weights.config.image_side_px, path, warm)


def _halve(single: Path, path: Path) -> None:
    import onnx

    from engine.network.half_graph import halved

    _LOG.info("writing %s in half precision", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    writing = path.with_name(f"{path.name}.writing")
    onnx.save(halved(onnx.load(single)), writing)
    writing.replace(path)


def weights_key(weights: WeightFile) -> str:
    """Return a name for what a graph is made from: exporter, configuration, head, parameters."""
    digest = hashlib.sha256()
    for part in (_FORMAT, repr(weights.config), weights.head_sha256):
        digest.update(part.encode())
    for path in weights.tensors:
        digest.update(path.read_bytes())
    return f"{weights.config.name}-{digest.hexdigest()[:16]}"
