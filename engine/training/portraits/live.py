"""Stream (b) drawn picture by picture, for workers that render while the network trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.render.workers import BLOCK, Row


@dataclass(frozen=True)
class PortraitSource:
    """Well-fitted training portraits in new states; BLOCK pictures in a row are of one portrait."""

    head: Path
    faces: Path
    fits: Path
    seed: int
    stream: str = "b"

    @property
    def head_sha256(self) -> str:
        """Return the checksum of the head file."""
        from engine.resources import sha256

        return sha256(self.head)

    def open(self) -> Callable[[int], Row]:
        """Open a device and return what draws picture i."""
        # Here, because a worker imports this module before its OpenGL is set up.
        from engine.fit.heads import open_head
        from engine.training.portraits.collection import read_collection, squared, squared_labels
        from engine.training.portraits.fit_file import load_fits
        from engine.training.portraits.likeness import Likeness
        from engine.training.portraits.rerender import PortraitRenderer
        from engine.training.portraits.stream import SIDE_PX, labelled_row, usable_portraits
        from engine.training.portraits.variation import vary

        head, collection = open_head.load(self.head), read_collection(self.faces)
        fits = load_fits(self.fits)
        usable, renderer = usable_portraits(collection, fits), PortraitRenderer(head, SIDE_PX)
        prepared: dict[int, Likeness] = {}

        def draw(index: int) -> Row:
            block = index // BLOCK
            turn, place = divmod(block, len(usable))
            number = np.random.default_rng([self.seed, turn]).permutation(usable)[place]
            picked = np.array([number])
            state = fits.state.take(picked)
            if block not in prepared:
                prepared.clear()
                labels = squared_labels(collection, picked).landmarks_px[0]
                image, _ = squared(collection.image(int(number)))
                prepared[block] = renderer.likeness(image, state, labels)
            variation = vary(head, state, np.random.default_rng([self.seed, turn, index]))
            return labelled_row(renderer.draw(prepared[block], variation))

        return draw
