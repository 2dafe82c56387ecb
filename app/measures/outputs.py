"""`flowface bench outputs`."""

from __future__ import annotations

import argparse
from typing import Any

from app.choices import seconds
from engine import assembly
from engine.config import TrackerConfig

HELP = "what five outputs at once cost, lose and tremble"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--seconds", type=seconds, default=600.0, metavar="S", help="at 120 Hz (default 600)"
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import outputs

    figures = outputs.run(assembly.load_head(config.head), args.seconds)
    return outputs.text(figures), figures
