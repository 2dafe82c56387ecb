"""Measure the tracker on known data, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import engine.network.backends
from app.choices import add_network_arguments, positive
from app.version import program_version
from engine import assembly, plugins
from engine.config import TrackerConfig, replace_text
from engine.errors import ConfigError
from engine.evaluation import tables
from engine.network import weights
from engine.network.backends import Backend
from engine.network.config import CONFIGURATIONS
from engine.network.detector import Detector
from engine.resources import data_folder, sha256

HELP = "measure accuracy, video tracking or speed, as a table and as JSON"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    usual = TrackerConfig()
    parser.add_argument(
        "what",
        choices=tuple(_MEASURES),
        help="; ".join(f"{name}: {what}" for name, (_, what) in _MEASURES.items()),
    )
    parser.add_argument(
        "--sequences",
        type=Path,
        metavar="FOLDER",
        help="sequence, ablation, fit: the rendered test sequences",
    )
    parser.add_argument(
        "--runs", nargs="+", metavar="RUN", help="ablation: folders of training runs, or weights"
    )
    parser.add_argument(
        "--config", choices=tuple(CONFIGURATIONS), default="nano", help="network: which size"
    )
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=plugins.kinds(engine.network.backends),
        metavar="NAME",
        help="network: only these (default: all that work here)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    parser.add_argument(
        "--data",
        type=Path,
        default=data_folder(),
        metavar="FOLDER",
        help="the measuring data (default: FLOWFACE_DATA)",
    )
    parser.add_argument(
        "--rival",
        type=Path,
        metavar="PYTHON",
        help="speed, still: a Python with mediapipe, measured on the same clip or pictures",
    )
    parser.add_argument(
        "--rendered", type=Path, metavar="PACK", help="align, fit: rendered test images to add"
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="align: draw samples, sigma under an occluder and the reliability curve here",
    )
    parser.add_argument(
        "--clips", nargs="+", metavar="NAME", help="video: only these (default: all)"
    )
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="only so many pictures, or frames of a clip"
    )
    parser.add_argument("--weights", default=usual.weights, metavar="NAME", help="which network")
    add_network_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Measure; raises FlowFaceError for what the user can mend."""
    config = TrackerConfig(args.backend, args.precision, args.weights, threads=args.threads)
    measure, _ = _MEASURES[args.what]
    text, figures = measure(args, config)
    print(text, end="")
    if args.json is not None:
        content = {"what": args.what, "made_by": _made_by(config), **figures}
        replace_text(args.json, json.dumps(_strict(content), indent=1) + "\n")
    return 0


def _align(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import align, rendered

    head, backend = assembly.load_head(config.head), _backend(config)
    try:
        figures = align.run(head, backend, Detector(), args.data, args.limit)
        if args.rendered is not None:
            figures["rendered"] = rendered.run(head, backend, args.rendered, args.limit)
        if args.pictures is not None:
            from engine.evaluation import reliability, sigma_picture

            figures["occluder"] = sigma_picture.run(
                head, backend, args.data, args.pictures, args.limit
            )
            reliability.write(figures, args.pictures)
    finally:
        backend.close()
    return tables.align_text(figures), figures


def _backend(config: TrackerConfig) -> Backend:
    return assembly.load_backend(weights.load(config.weights), config)


def _still(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import still

    head, maker, backend = assembly.load_head(config.head), assembly.TrackerFactory(), None
    try:
        backend = _backend(config)
        figures = still.run(args.data, head, backend, maker, config, args.rival, args.limit)
    finally:
        maker.close()
        if backend is not None:
            backend.close()
    return still.text(figures), figures


def _video(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import false_tracks, video

    head, maker = assembly.load_head(config.head), assembly.TrackerFactory()
    try:
        figures = video.run(args.data, head, maker, config, args.clips, args.limit)
        figures["face_free"] = false_tracks.run(args.data, maker, config, args.limit)
    finally:
        maker.close()
    return tables.video_text(figures), figures


def _speed(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import speed

    maker = assembly.TrackerFactory()
    try:
        figures = speed.run(args.data, maker, config, args.rival, args.limit)
    finally:
        maker.close()
    return tables.speed_text(figures), figures


def _sequence(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import sequence, variants

    if args.sequences is None:
        raise ConfigError("bench sequence: --sequences FOLDER is needed")
    head, maker, backend = assembly.load_head(config.head), assembly.TrackerFactory(), None
    try:
        backend = _backend(config)
        ways = variants.ways(variants.trained(config.weights), backend, config.threads)
        figures = sequence.run(args.sequences, head, ways, maker, config, args.limit)
    finally:
        maker.close()
        if backend is not None:
            backend.close()
    return sequence.text(figures), figures


def _fit(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import fit_truth

    head, backend = assembly.load_head(config.head), None
    try:
        if args.sequences is not None or args.rendered is not None:
            backend = _backend(config)
        figures = fit_truth.run(head, backend, args.sequences, args.rendered, args.limit)
    finally:
        if backend is not None:
            backend.close()
    return fit_truth.text(figures), figures


def _ablation(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import ablation

    head = assembly.load_head(config.head)
    names = args.runs or [config.weights]
    figures = ablation.run(names, head, args.data, args.sequences, config.threads, args.limit)
    return ablation.text(figures), figures


def _network(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    from engine.evaluation import network_speed

    figures = network_speed.run(args.config, args.backends, config.threads, args.limit)
    return network_speed.text(figures), figures


_MEASURES = {
    "align": (_align, "the network on single pictures"),
    "still": (_still, "how much points tremble"),
    "sequence": (_sequence, "place and motion on rendered sequences"),
    "fit": (_fit, "the fit against known people, with and without the network's priors"),
    "ablation": (_ablation, "parts of the network and what they cost"),
    "video": (_video, "the tracker on clips and on pictures without a face"),
    "network": (_network, "what one crop costs in every backend that works here"),
    "speed": (_speed, "frames a second and latency"),
}


def _strict(value: Any) -> Any:
    """Return what strict JSON can say: null where there is no figure."""
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _made_by(config: TrackerConfig) -> dict[str, Any]:
    folder = weights.load(config.weights).folder
    return {
        "program_version": program_version(),
        "tracker": asdict(config),
        "weights_sha256": {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.is_file()},
        "head_sha256": sha256(assembly.head_file(config.head)),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
