"""`flowface bench live`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "all that the live fit is asked for, in one table: motion, calm, lag, truth, cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_sequences(parser)
    _options.add_clips(parser)
    _options.add_limit(parser, "frames of clips and sequences")
    _options.add_rival(parser, "the same frames, with an OpenCV that has optflow: the judge")
    _options.add_cache(parser)
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=("lag", "motion", "calm", "sequences", "cost"),
        metavar="PART",
        help="only these of lag, motion, calm, sequences, cost",
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import live
    from engine.network import weights

    sources = live.Sources(
        args.data, assembly.head_file(config.head), args.sequences, args.rival, args.cache
    )
    head = assembly.load_head(config.head)
    backend = assembly.load_backend(weights.load(config.weights), config)
    try:
        figures = live.run(sources, head, backend, config, args.parts, args.clips, args.limit)
    finally:
        backend.close()
    return live.text(figures), figures
