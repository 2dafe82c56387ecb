"""`flowface bench ablation`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "parts of the network and what they cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_sequences(parser)
    _options.add_limit(parser, "pictures, and frames of a sequence")
    parser.add_argument(
        "--runs", nargs="+", metavar="RUN", help="folders of training runs, or weights"
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import ablation

    head = assembly.load_head(config.head)
    names = args.runs or [config.weights]
    figures = ablation.run(names, head, args.data, args.sequences, config.threads, args.limit)
    return ablation.text(figures), figures
