"""Fits the portraits and writes packs: `python -m engine.training.portraits COMMAND --out FILE`.

fit         all portraits, needed once by `rerender`
rerender    stream (b): training portraits under new expression, pose, gaze and light
label       stream (c): all portraits with the teacher's landmarks
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np

from engine.fit.heads import open_head
from engine.resources import sha256
from engine.training.portraits.collection import read_collection, squared_labels
from engine.training.portraits.fit import fit_all
from engine.training.portraits.fit_file import load_fits, save_fits
from engine.training.portraits.stream import (
    pack_sheet,
    rerendered,
    write_labelled,
    write_rerendered,
)

logger = logging.getLogger(__name__)


def _fit(arguments: argparse.Namespace) -> None:
    collection = read_collection()
    fit = fit_all(
        open_head.load(arguments.head),
        squared_labels(collection, np.arange(len(collection.validation))),
    )
    save_fits(arguments.out, fit, sha256(arguments.head))
    for name, picked in (("train", ~collection.validation), ("validation", collection.validation)):
        error = 100 * fit.error[picked]
        logger.info(
            "%s: mean %.3f, median %.3f, p95 %.3f %% of the box",
            *(name, error.mean(), np.median(error), np.percentile(error, 95)),
        )


def _rerender(arguments: argparse.Namespace) -> None:
    head, collection = open_head.load(arguments.head), read_collection()
    fits, count = load_fits(arguments.fits), arguments.count
    if fits.head_sha256 != sha256(arguments.head):
        logger.warning("%s was made with another head; fit again", arguments.fits)
    pictures = rerendered(head, collection, fits, count, arguments.seed)
    write_rerendered(arguments.out, pictures, count, sha256(arguments.head))


def _label(arguments: argparse.Namespace) -> None:
    fits = load_fits(arguments.fits) if arguments.fits.is_file() else None
    if fits is None:
        logger.warning("%s: no such file; the pack will not carry fits", arguments.fits)
    write_labelled(arguments.out, read_collection(), sha256(arguments.head), fits)


def main() -> None:
    """Parse the command line and run one command."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        prog="python -m engine.training.portraits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = {"fit": _fit, "rerender": _rerender, "label": _label}
    parser.add_argument("command", choices=commands)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--head", type=Path, default=open_head.DEFAULT_PATH)
    parser.add_argument("--fits", type=Path, default=Path("fits.npz"), help="for rerender, label")
    parser.add_argument("--count", type=int, default=1000, help="pictures of rerender")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, default=None, help="contact sheet of the pack, JPEG")
    arguments = parser.parse_args()
    commands[arguments.command](arguments)
    if arguments.sheet is not None and arguments.command != "fit":
        sheet = pack_sheet(arguments.out, 2, 6, 128)
        cv2.imwrite(str(arguments.sheet), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
