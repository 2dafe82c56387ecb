"""`flowface bench lag`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "frames until a jump of jaw or head is answered, against the alignment alone"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_limit(parser, "people (default 8)")
    _options.add_rival(parser, "the same frames")
    _options.add_variants(parser)


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import fit_variants, lag
    from engine.network import weights

    fit_variants.chosen(args.variants)
    head = assembly.load_head(config.head)
    files = weights.load(config.weights)
    noise, backend = assembly.load_noise(files, head), assembly.load_backend(files, config)
    try:
        makers = fit_variants.makers(args.variants, head, backend, noise)
        drawn = assembly.head_file(config.head)
        figures = lag.run(args.data, head, drawn, makers, config, args.rival, args.limit)
    finally:
        backend.close()
    return lag.text(figures), figures
