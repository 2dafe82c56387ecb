"""`flowface bench align`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "the network on single pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_limit(parser, "pictures")
    _options.add_rendered(parser)
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="draw samples, sigma under an occluder and the reliability curve here",
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import align, rendered, tables
    from engine.network import weights
    from engine.network.detector import Detector

    head = assembly.load_head(config.head)
    backend = assembly.load_backend(weights.load(config.weights), config)
    try:
        figures = align.run(head, backend, Detector(), args.data, args.limit)
        if args.rendered is not None:
            figures["rendered"] = rendered.run(head, backend, args.rendered, args.limit)
        if args.pictures is not None:
            from engine.evaluation import reliability, sigma_picture

            figures["occluder"] = sigma_picture.run(
                head, backend, args.data, args.pictures, args.limit
            )
            reliability.write(figures, args.pictures)
    finally:
        backend.close()
    return tables.align_text(figures), figures
