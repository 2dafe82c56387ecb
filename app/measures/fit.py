"""`flowface bench fit`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "the fit against known people, with and without the network's priors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_sequences(parser)
    _options.add_rendered(parser)
    _options.add_limit(parser, "frames or pictures")


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import fit_truth
    from engine.network import weights

    head, backend = assembly.load_head(config.head), None
    noise = assembly.load_noise(weights.load(config.weights), head)
    try:
        if args.sequences is not None or args.rendered is not None:
            backend = assembly.load_backend(weights.load(config.weights), config)
        figures = fit_truth.run(head, backend, args.sequences, args.rendered, args.limit, noise)
    finally:
        if backend is not None:
            backend.close()
    return fit_truth.text(figures), figures
