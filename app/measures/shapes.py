"""`flowface bench shapes`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "every shape moved alone by rendered people: what is sent of it, and what else moves"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_limit(parser, "people (default 8)")


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import alone

    factory = assembly.TrackerFactory()
    try:
        drawn = assembly.head_file(config.head)
        figures = alone.run(args.data, drawn, factory, config, args.limit)
    finally:
        factory.close()
    return alone.text(figures), figures
