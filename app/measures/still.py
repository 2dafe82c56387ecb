"""`flowface bench still`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "how much points tremble on single pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_limit(parser, "portraits")
    _options.add_rival(parser, "the same pictures")


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import still
    from engine.network import weights

    head, maker, backend = assembly.load_head(config.head), assembly.TrackerFactory(), None
    try:
        backend = assembly.load_backend(weights.load(config.weights), config)
        figures = still.run(args.data, head, backend, maker, config, args.rival, args.limit)
    finally:
        maker.close()
        if backend is not None:
            backend.close()
    return still.text(figures), figures
