"""`flowface bench calm`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "how still a still face is held on video, against MediaPipe on the same frames"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_clips(parser)
    _options.add_limit(parser, "frames after the first second (default 60)")
    _options.add_rival(parser, "the same frames")
    _options.add_variants(parser)
    parser.add_argument(
        "--lag",
        type=float,
        default=0.0,
        metavar="FRAMES",
        help="smooth MediaPipe's landmarks to this lag (default 0: not at all); see bench lag",
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import calm, fit_variants
    from engine.network import weights

    fit_variants.chosen(args.variants)
    head = assembly.load_head(config.head)
    files = weights.load(config.weights)
    noise, backend = assembly.load_noise(files, head), assembly.load_backend(files, config)
    try:
        makers = fit_variants.makers(args.variants, head, backend, noise)
        figures = calm.run(
            args.data, head, makers, config, args.rival, args.clips, args.limit, args.lag
        )
    finally:
        backend.close()
    return calm.text(figures), figures
