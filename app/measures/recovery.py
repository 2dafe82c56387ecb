"""`flowface bench recovery`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "covers, company, cuts, gaps, sizes, light, turns: is a face lost and found when it must"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_sequences(parser)
    _options.add_limit(parser, "casts, people who play a scene")
    parser.add_argument(
        "--scenes", nargs="+", metavar="TEXT", help="only those whose name contains it"
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation.recovery import bench

    head, maker = assembly.load_head(config.head), assembly.TrackerFactory()
    try:
        figures = bench.run(args.data, args.sequences, head, maker, config, args.limit, args.scenes)
    finally:
        maker.close()
    return bench.text(figures), figures
