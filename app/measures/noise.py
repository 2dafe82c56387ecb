"""`flowface bench noise`."""

from __future__ import annotations

import argparse
from typing import Any

from app.measures import _options
from engine import assembly
from engine.config import TrackerConfig

HELP = "how the network's errors hang together; --write leaves it beside the weights, for the fit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_rendered(parser)
    _options.add_sequences(parser)
    _options.add_limit(parser, "pictures, and frames of a sequence")
    parser.add_argument(
        "--write", action="store_true", help="write noise.npz beside the weights, for the fit"
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises FlowFaceError for what the user can mend."""
    from engine.evaluation import noise
    from engine.fit.noise import write_noise
    from engine.network import weights
    from engine.resources import record

    pack = _options.needed(args, "rendered", "PACK")
    folder = _options.needed(args, "sequences", "FOLDER")
    head, files = assembly.load_head(config.head), weights.load(config.weights)
    backend = assembly.load_backend(files, config)
    try:
        model, figures = noise.run(head, backend, args.data, pack, folder, args.limit)
    finally:
        backend.close()
    if args.write:
        path = files.folder / weights.NOISE_FILE
        write_noise(path, model)
        record(path, "measured by `flowface bench noise --write` on these weights", "Apache-2.0")
    return noise.text(figures), figures
