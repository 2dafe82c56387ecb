"""`flowface bench motion`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "motion error on clips, judged by TV-L1 flow, against MediaPipe in the same run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_clips(parser)
    _options.add_limit(parser, "frames of a clip (default 100)")
    _options.add_rival(parser, "the same frames, with an OpenCV that has optflow: the judge")
    _options.add_cache(parser)
    _options.add_variants(parser)


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import fit_variants, motion
    from engine.network import weights

    rival = _options.needed(args, "rival", "PYTHON")
    fit_variants.chosen(args.variants)
    head = assembly.load_head(config.head)
    files = weights.load(config.weights)
    noise, backend = assembly.load_noise(files, head), assembly.load_backend(files, config)
    try:
        makers = fit_variants.makers(args.variants, head, backend, noise)
        figures = motion.run(
            args.data, head, makers, config, rival, args.clips, args.limit, args.cache
        )
    finally:
        backend.close()
    return motion.text(figures), figures
