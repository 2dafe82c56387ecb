"""What an open source is good for when another one is asked for."""

from __future__ import annotations

from dataclasses import replace

import engine.capture.sources
from engine import plugins
from engine.capture.sources import Playable, Source
from engine.config import Choice


def serves(source: Source, built: Choice, asked: Choice) -> bool:
    """Whether an open source is what is asked for; a video begins to loop while it plays.

    built  what the source was made from
    """
    loop = getattr(asked.settings, "loop", None)
    if loop is not None and built.kind == asked.kind and isinstance(source, Playable):
        built = replace(built, settings=replace(built.settings, loop=loop))
        if built == asked:
            source.player.loop = loop
    return built == asked


def comes_back(choice: Choice) -> bool:
    """Whether a session waits for a source that is not there yet."""
    return getattr(plugins.load(engine.capture.sources, choice.kind), "COMES_BACK", False)
