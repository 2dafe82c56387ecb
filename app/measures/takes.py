"""`flowface bench takes`."""

from __future__ import annotations

import argparse
from typing import Any

from app.choices import positive, seconds
from engine import assembly
from engine.config import TrackerConfig

HELP = "what is left of a take after kills, power cuts and full disks; sound and picture in sync"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--kills", type=positive, default=50, metavar="N", help="default 50")
    parser.add_argument("--cuts", type=positive, default=50, metavar="N", help="of each file")
    parser.add_argument(
        "--sync", type=seconds, default=600.0, metavar="S", help="length (default 600)"
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation.taking import bench

    head = assembly.load_head(config.head)
    figures = bench.run(head, config, args.kills, args.cuts, args.sync)
    return bench.text(figures), figures
