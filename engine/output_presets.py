"""Receivers by name: which output they understand, and how it is set (resources/presets)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from engine.config import Choice, output_choice
from engine.resources import RESOURCES

FILE = RESOURCES / "presets" / "outputs.yaml"


@dataclass(frozen=True)
class Preset:
    """One receiver."""

    name: str
    about: str  # what to do in the receiver
    output: Choice


def listed() -> tuple[Preset, ...]:
    """Return all presets in the order of the file."""
    content: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(
        Preset(name, entry["about"], output_choice(**{"name": name, **entry["output"]}))
        for name, entry in content.items()
    )
