"""Makes what a bundle holds besides the data folder: portrait fits, the ICT head, a test pack."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from engine.fit.heads import open_head
from engine.resources import sha256
from engine.training.bundle import Contents
from engine.training.ict.build import build
from engine.training.ict.source import read_ict
from engine.training.portraits.collection import read_collection, squared_labels
from engine.training.portraits.fit import fit_all
from engine.training.portraits.fit_file import save_fits
from engine.training.render.pack import PackWriter
from engine.training.render.renderer import HeadRenderer
from engine.training.render.sample import Sampler

TEST_COUNT, TEST_SEED = 60, 998

logger = logging.getLogger(__name__)


def prepare(data: Path, folder: Path) -> Contents:
    """Return the contents of a bundle of the data folder; what is already in `folder` is kept.

    Fits take about three minutes of one core, the ICT head half a minute; without ict/ in the data
    folder the bundle goes without.
    """
    fits, ict, test = (folder / name for name in ("fits.npz", "ict_head.npz", "small_test.npz"))
    head, checksum = open_head.load(), sha256(open_head.DEFAULT_PATH)
    if not fits.is_file():
        logger.info("fitting the portraits")
        collection = read_collection(data / "faces")
        every = np.arange(len(collection.validation))
        save_fits(fits, fit_all(head, squared_labels(collection, every)), checksum)
    if not ict.is_file() and (data / "ict").is_dir():
        logger.info("carrying ICT-FaceKit over")
        arrays, _ = build(head, read_ict(data / "ict" / "ict_facekit.npz"))
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(ict, allow_pickle=False, **arrays)
    if not test.is_file():
        logger.info("rendering %d test pictures", TEST_COUNT)
        renderer = HeadRenderer(head, folder=data / "makehuman")
        sampler = Sampler(renderer, data, TEST_SEED, held_out=True)
        writer = PackWriter("a", checksum)
        for index in range(TEST_COUNT):
            writer.add(sampler.sample(index))
        writer.write(test)
    return Contents(data, fits, ict if ict.is_file() else None, (test,))
