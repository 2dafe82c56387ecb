"""What a take can be written as: the engine's formats, and the video with the mesh over it."""

from __future__ import annotations

from types import ModuleType

import engine.export
from engine import plugins

OVERLAY = "overlay"


def kinds() -> list[str]:
    """Return the names of all formats, sorted."""
    return sorted([*plugins.kinds(engine.export), OVERLAY])


def load(kind: str) -> ModuleType:
    """Return a format's module: SUFFIX, and write(take, head, destination, job).

    Raises ConfigError naming the allowed kinds if there is no such format.
    """
    if kind == OVERLAY:
        # Only here, so that other exports need no graphics driver.
        from app.render import take_overlay

        return take_overlay
    return plugins.load(engine.export, kind)
