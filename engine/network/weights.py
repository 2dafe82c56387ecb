"""Trained weights: a folder resources/weights/<name> whose files are checked before they are used.

::

    card.yaml            how the weights were made: configuration, data, steps, figures
    weights.safetensors  float16 parameters, for the torch backend and for further training
    model.onnx           the same network with its read-out, for ONNX Runtime: from a cold start
    model_warm.onnx      likewise, from the memory of the frame before
    noise.npz            how its errors hang together, for the fit (engine/fit/noise.py); may lack
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.errors import AssetError
from engine.network.config import NetworkConfig
from engine.resources import RESOURCES, checked

WEIGHTS = RESOURCES / "weights"
AUTO = "auto"  # not a name: ON_CARD where a card runs the network, else DEFAULT
DEFAULT, ON_CARD = "nano", "base"
SINGLE_FILE = "weights.safetensors"
NOISE_FILE = "noise.npz"
_SHARD = re.compile(r"weights-(\d{5})-of-(\d{5})\.safetensors")


@dataclass(frozen=True)
class WeightFile:
    """One set of weights on disk."""

    folder: Path
    config: NetworkConfig
    head_sha256: str  # of the head model whose UV layout the network has learnt
    card: dict[str, Any]
    manifest: Path | None = None  # of a folder outside resources/

    @property
    def tensors(self) -> list[Path]:
        """The files of the parameters, checksums verified. Raises AssetError."""
        return [checked(path, self.manifest) for path in tensor_files(self.folder)]


def tensor_files(folder: Path) -> list[Path]:
    """Return the one file or all the shards of the parameters in a folder, in order.

    Raises AssetError if there are none, or a shard is absent.
    """
    found = sorted(path for path in folder.glob("weights-*") if _SHARD.fullmatch(path.name))
    if not found:
        return [folder / SINGLE_FILE]
    total = int(found[0].stem.rsplit("-", 1)[1])
    expected = [folder / f"weights-{i:05}-of-{total:05}.safetensors" for i in range(1, total + 1)]
    if found != expected:
        odd = min(set(found) ^ set(expected))
        raise AssetError(f"{odd}: {folder.name} needs exactly shards 1 to {total}")
    return expected


def names() -> list[str]:
    """Return the names of the weights that are installed."""
    return sorted(card.parent.name for card in WEIGHTS.glob("*/card.yaml"))


def load(name: str = DEFAULT) -> WeightFile:
    """Return the weights of a name; nothing but the card is read yet.

    Raises AssetError naming what is installed if there are none of this name.
    """
    card_path = WEIGHTS / name / "card.yaml"
    if name not in names():
        allowed = ", ".join(names()) or "none"
        raise AssetError(f"{card_path}: no weights named {name!r}; installed are {allowed}")
    try:
        card = yaml.safe_load(card_path.read_text(encoding="utf-8"))
        config = NetworkConfig(**card["network"])
        return WeightFile(card_path.parent, config, str(card["head_sha256"]), card)
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise AssetError(f"{card_path}: not a weight card ({error})") from error
