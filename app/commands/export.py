"""Write a finished take in another format."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from app import exports
from engine import assembly
from engine.export._job import Job
from engine.recording.timecode import RATES

HELP = "write a finished take in another format"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("take", type=Path, metavar="TAKE_DIR", help="a folder made by track")
    parser.add_argument("--format", choices=exports.kinds(), default="arrays", help="what to write")
    parser.add_argument(
        "--rate",
        choices=list(RATES),
        metavar="FPS",
        help=f"resample to this many frames a second: {', '.join(RATES)}; "
        "the capture times if not given, where the format can have them",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="PATH", help="the new file or folder"
    )


def run(args: argparse.Namespace) -> int:
    """Export; raises TakeError if the folder is no take, or was made with another head."""
    from engine.recording.reader import read_take

    take = read_take(args.take)
    head = assembly.head_of_take(take.info.head, take.info.head_file.sha256)
    with tqdm(total=1.0, desc="exporting", bar_format="{l_bar}{bar}| {elapsed}") as bar:
        job = Job(args.rate, lambda done: bar.update(done - bar.n) and None)
        exports.load(args.format).write(take, head, args.out, job)
    print(f"{args.out}: {len(take.status)} frames")
    return 0
