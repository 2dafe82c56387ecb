"""`flowface bench sequence`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "place and motion on rendered sequences"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_sequences(parser)
    _options.add_limit(parser, "frames of a sequence")


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import sequence, variants
    from engine.network import weights

    folder = _options.needed(args, "sequences", "FOLDER")
    head, maker, backend = assembly.load_head(config.head), assembly.TrackerFactory(), None
    try:
        backend = assembly.load_backend(weights.load(config.weights), config)
        ways = variants.ways(variants.trained(config.weights), backend, config.threads)
        figures = sequence.run(folder, head, ways, maker, config, args.limit)
    finally:
        maker.close()
        if backend is not None:
            backend.close()
    return sequence.text(figures), figures
