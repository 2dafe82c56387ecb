"""Trained weights: a folder resources/weights/<name> whose files are checked before they are used.

::

    card.yaml            how the weights were made: configuration, data, steps, figures
    weights.safetensors  float16 parameters, for the torch backend and for further training
    model.onnx           the same network with its read-out, for ONNX Runtime
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.errors import AssetError
from engine.network.config import NetworkConfig
from engine.resources import RESOURCES, checked

WEIGHTS = RESOURCES / "weights"
DEFAULT = "nano"


@dataclass(frozen=True)
class WeightFile:
    """One set of weights on disk."""

    folder: Path
    config: NetworkConfig
    head_sha256: str  # of the head model whose UV layout the network has learnt
    card: dict[str, Any]

    @property
    def tensors(self) -> Path:
        """The parameters, checksum verified. Raises AssetError."""
        return checked(self.folder / "weights.safetensors")

    @property
    def onnx(self) -> Path:
        """The exported network, checksum verified. Raises AssetError."""
        return checked(self.folder / "model.onnx")


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
