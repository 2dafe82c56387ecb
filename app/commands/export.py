"""Write a finished take in another format."""

from __future__ import annotations

import argparse
from pathlib import Path

import engine.export
from engine import assembly, plugins

HELP = "write a finished take in another format"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("take", type=Path, metavar="TAKE_DIR", help="a folder made by track")
    parser.add_argument(
        "--format", choices=plugins.kinds(engine.export), default="arrays", help="what to write"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to")


def run(args: argparse.Namespace) -> int:
    """Export; raises TakeError if the folder is no take, or was made with another head."""
    from engine.recording.reader import read_take

    take = read_take(args.take)
    head = assembly.head_of_take(take.info.head, take.info.head_file.sha256)
    plugins.load(engine.export, args.format).write(take, head, args.out)
    print(f"{args.out}: {len(take.status)} frames")
    return 0
