"""Write a finished take in another format."""

from __future__ import annotations

import argparse
from pathlib import Path

import engine.export
from engine import assembly, plugins
from engine.errors import TakeError
from engine.fit.heads import HeadModel
from engine.recording.take import TakeInfo
from engine.resources import sha256

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
    head = same_head(take.info)
    plugins.load(engine.export, args.format).write(take, head, args.out)
    print(f"{args.out}: {len(take.status)} frames")
    return 0


def same_head(info: TakeInfo) -> HeadModel:
    """Return the head model that a take was tracked with.

    Raises TakeError if the one installed is another: its vertices would mean something else.
    """
    path = assembly.head_file(info.head)
    if sha256(path) != info.head_file.sha256:
        raise TakeError(
            f"the take was tracked with the head {info.head!r} of checksum "
            f"{info.head_file.sha256[:12]}, installed is {sha256(path)[:12]}; track it again"
        )
    return assembly.load_head(info.head)
