"""Measure the tracker on known data, as a table and as JSON: every module of app/measures."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import app.measures
from app.choices import add_network_arguments
from app.version import program_version
from engine import assembly, plugins
from engine.config import TrackerConfig, replace_text
from engine.network import weights
from engine.resources import sha256

HELP = "measure accuracy, stillness, video tracking or speed, as a table and as JSON"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the measures; `flowface bench MEASURE --help` shows the arguments of one."""
    of_all = argparse.ArgumentParser(add_help=False)
    of_all.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    add_network_arguments(of_all)
    measures = parser.add_subparsers(metavar="MEASURE", dest="what", required=True)
    for kind in plugins.kinds(app.measures):
        module = plugins.load(app.measures, kind)
        about: str = module.HELP
        measure = measures.add_parser(kind, help=about, description=about, parents=[of_all])
        module.add_arguments(measure)
        measure.set_defaults(measure=module.run)


def run(args: argparse.Namespace) -> int:
    """Measure; raises FlowFaceError for what the user can mend."""
    chosen = TrackerConfig(args.backend, args.precision, args.weights, threads=args.threads)
    config = assembly.resolved(chosen)
    text, figures = args.measure(args, config)
    print(text, end="")
    if args.json is not None:
        content = {"what": args.what, "made_by": _made_by(config), **figures}
        replace_text(args.json, json.dumps(_strict(content), indent=1) + "\n")
    return 0


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
