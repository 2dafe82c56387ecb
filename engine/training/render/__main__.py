"""Render training pictures, or the built-in demo clip.

python -m engine.training.render --count N --seed S --out FILE.npz [--sheet FILE.jpg]
python -m engine.training.render demo --out FOLDER
python -m engine.training.render rate --count 100 --workers N [--gpu INDEX]
python -m engine.training.render sequence --kind KIND --seed S --frames N --out FILE.npz
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import trange

from engine.errors import ConfigError, FlowFaceError
from engine.fit.heads import open_head
from engine.resources import data_folder, sha256
from engine.training.render import sequence
from engine.training.render.acting import KINDS
from engine.training.render.demo import WIDTH_PX, write_demo
from engine.training.render.pack import PackWriter
from engine.training.render.renderer import HeadRenderer
from engine.training.render.sample import Sampler
from engine.training.render.sheet import labelled, write_sheet
from engine.training.render.surroundings import Skies
from engine.training.render.workers import HeadSource, Workers

SHEET_TILES, SHEET_COLUMNS, LABELLED_TILES = 48, 8, 6


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.training.render",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what", nargs="?", choices=("pack", "demo", "sequence", "rate"), default="pack"
    )
    parser.add_argument("--count", type=int, default=48, help="pictures to render")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="pack to write (.npz); the demo's folder")
    parser.add_argument("--sheet", type=Path, help="contact sheet to write (.jpg)")
    parser.add_argument("--labels", type=Path, help="sheet with labels drawn in (.jpg)")
    parser.add_argument("--test", action="store_true", help="skins that training never sees")
    parser.add_argument("--head", type=Path, default=open_head.DEFAULT_PATH)
    parser.add_argument("--kind", choices=KINDS, default="spoken", help="of a sequence")
    parser.add_argument("--workers", type=int, default=1, help="of rate: processes that draw")
    parser.add_argument("--gpu", type=int, help="of rate: EGL device that draws")
    parser.add_argument("--frames", type=int, default=90, help="of a sequence")
    return parser.parse_args()


def render_pack(options: argparse.Namespace) -> None:
    """Render, pack, and report the speed."""
    if options.count < 1:
        raise ConfigError(f"--count {options.count}: at least 1 is needed")
    renderer = HeadRenderer(open_head.load(options.head))
    sampler = Sampler(renderer, data_folder(), options.seed, options.test)
    ours = sha256(options.head) == sha256(open_head.DEFAULT_PATH)
    pack = PackWriter("a", sha256(options.head), with_identity=ours)
    tiles: list[NDArray[np.uint8]] = []
    proofs: list[NDArray[np.uint8]] = []
    started = time.monotonic()
    for index in trange(options.count, unit="picture"):
        sample = sampler.sample(index)
        pack.add(sample)
        if len(tiles) < SHEET_TILES:
            tiles.append(sample.image)
        if len(proofs) < LABELLED_TILES:
            proofs.append(labelled(sample.rendered.image, sample.rendered, renderer.head))
    rate = options.count / (time.monotonic() - started)
    logging.getLogger(__name__).info("%d pictures, %.1f a second", options.count, rate)
    if options.out:
        pack.write(options.out)
    if options.sheet:
        write_sheet(tiles, SHEET_COLUMNS, 160, options.sheet)
    if options.labels:
        write_sheet(proofs, 3, 560, options.labels)


def render_sequence(options: argparse.Namespace) -> None:
    """Render one test sequence."""
    if options.out is None or options.frames < 2:
        raise ConfigError("sequence: --out FILE.npz and --frames of at least 2 are needed")
    ours = sha256(options.head) == sha256(open_head.DEFAULT_PATH)
    renderer = HeadRenderer(open_head.load(options.head), sequence.SIDE_PX)
    sequence.write_sequence(
        renderer, data_folder(), options.seed, options.kind, options.frames, options.out,
        sha256(options.head), with_identity=ours,
    )  # fmt: skip


def measure_rate(options: argparse.Namespace) -> None:
    """Report how many pictures a second the worker processes draw, after --count to warm up."""
    if options.count < 1 or options.workers < 1:
        raise ConfigError("rate: --count and --workers of at least 1 are needed")
    source = HeadSource(options.head, data_folder(), options.seed)
    workers = Workers(source, options.workers, gpu=options.gpu)
    try:
        for measured in (False, True):
            started, taken = time.monotonic(), 0
            while taken < options.count * options.workers:
                taken += workers.take() is not None
            if measured:
                rate = taken / (time.monotonic() - started)
                message = "%d workers: %.1f pictures a second, %.1f each"
                logging.getLogger(__name__).info(
                    message, options.workers, rate, rate / options.workers
                )
    finally:
        workers.close()


def main() -> int:
    """Run the chosen command; a user's mistake becomes a message and exit code 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = arguments()
    try:
        if options.what == "demo":
            if options.out is None:
                raise ConfigError("demo: --out FOLDER is needed")
            renderer = HeadRenderer(open_head.load(options.head), WIDTH_PX)
            write_demo(renderer, Skies(data_folder() / "hdri"), options.out, sha256(options.head))
        elif options.what == "sequence":
            render_sequence(options)
        elif options.what == "rate":
            measure_rate(options)
        else:
            render_pack(options)
    except FlowFaceError as error:
        logging.getLogger(__name__).error("error: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
