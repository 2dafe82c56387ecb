"""python -m engine.training COURSE --bundle FILE --begin-from WEIGHTS --out FOLDER.

For a machine that has a card, but neither network nor the program's other needs: PyTorch, NumPy,
SciPy, Numba, OpenCV, PyYAML, safetensors, tqdm and ModernGL are enough.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import cv2
import torch

from engine.errors import FlowFaceError
from engine.training.bundle import open_bundle
from engine.training.course import read_course, take_course
from engine.training.live import fill, live_streams, portrait_pack
from engine.training.packs import read_pack
from engine.training.train import trained_tensors

FIRST_PICTURES = 120  # of every rendered stream, before the first step


def main(arguments: list[str] | None = None) -> None:
    """Train a course."""
    parser = argparse.ArgumentParser(prog="python -m engine.training", description=__doc__)
    parser.add_argument("course", type=Path, help="YAML list of training settings")
    parser.add_argument("--bundle", type=Path, required=True, help="what `train pack` wrote")
    parser.add_argument(
        "--begin-from", metavar="WEIGHTS", help="installed weights, or a folder of a run or course"
    )
    parser.add_argument("--render-workers", type=int, default=4, help="processes that render")
    parser.add_argument("--loaders", type=int, default=6, help="processes that make batches")
    parser.add_argument("--gpu", type=int, help="EGL device that renders")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    cv2.setNumThreads(1)
    torch.set_num_threads(1 if torch.cuda.is_available() else torch.get_num_threads())
    try:
        stages = read_course(chosen.course)
        begin = None if chosen.begin_from is None else trained_tensors(chosen.begin_from)
        bundle = open_bundle(chosen.bundle, chosen.out)
        packs = [portrait_pack(bundle, chosen.out / "c.npz"), *map(read_pack, bundle.tests)]
        live = live_streams(bundle, stages[0].seed, chosen.render_workers, gpu=chosen.gpu)
        try:
            fill(list(live.values()), FIRST_PICTURES)
            weights = take_course(stages, packs, live, begin, chosen.out, chosen.loaders)
            logging.getLogger(__name__).info("the weights: %s", weights)
        finally:
            for stream in live.values():
                stream.close()
    except FlowFaceError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
