"""Opens what a Config names: sources and outputs."""

from __future__ import annotations

import engine.capture.sources
import engine.outputs
from engine import plugins
from engine.capture.sources import Source
from engine.config import Choice, Config, output_names
from engine.graph import Line, sink_line
from engine.outputs import Sink


def open_source(choice: Choice) -> Source:
    """Open a source. Raises SourceError if it is absent or broken."""
    return plugins.load(engine.capture.sources, choice.kind).create(choice.settings)


def open_output(choice: Choice, source: Source) -> Line:
    """Open an output and start its thread. Raises OutputError if it cannot be addressed."""
    return sink_line(choice.kind, create_sink(choice), source)


def create_sink(choice: Choice) -> Sink:
    """Make an output. Raises OutputError if it cannot be addressed."""
    return plugins.load(engine.outputs, choice.kind).create(choice.settings)


def name_lines(lines: list[Line], config: Config) -> None:
    """Name the lines of a config's outputs, in their order, as the window calls them."""
    for line, name in zip(lines, output_names(config.outputs), strict=True):
        line.name = name
