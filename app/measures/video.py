"""`flowface bench video`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "the tracker on clips and on pictures without a face"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_clips(parser)
    _options.add_limit(parser, "frames of a clip")


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import false_tracks, tables, video

    head, maker = assembly.load_head(config.head), assembly.TrackerFactory()
    try:
        figures = video.run(args.data, head, maker, config, args.clips, args.limit)
        figures["face_free"] = false_tracks.run(args.data, maker, config, args.limit)
    finally:
        maker.close()
    return tables.video_text(figures), figures
