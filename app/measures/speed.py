"""`flowface bench speed`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "frames a second and latency"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_limit(parser, "frames of the clip")
    _options.add_rival(parser, "the same clip")


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import speed, tables

    maker = assembly.TrackerFactory()
    try:
        figures = speed.run(args.data, maker, config, args.rival, args.limit)
    finally:
        maker.close()
    return tables.speed_text(figures), figures
