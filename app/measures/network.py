"""`flowface bench network`."""

from __future__ import annotations

import argparse
from typing import Any

import engine.network.backends
from app.measures import _options
from engine import plugins
from engine.config import TrackerConfig
from engine.network.config import CONFIGURATIONS

HELP = "what one crop costs in every backend that works here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_limit(parser, "runs of each")
    parser.add_argument(
        "--config", choices=tuple(CONFIGURATIONS), default="nano", help="which size"
    )
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=plugins.kinds(engine.network.backends),
        metavar="NAME",
        help="only these (default: all that work here)",
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import network_speed

    figures = network_speed.run(args.config, args.backends, config.threads, args.limit)
    return network_speed.text(figures), figures
