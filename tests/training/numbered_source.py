"""A source of pictures without OpenGL, in a module that worker processes import quickly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from engine.errors import BackendError
from engine.training.render.workers import Row


@dataclass(frozen=True)
class NumberedSource:
    """Draws grey pictures whose labels are their numbers."""

    fails_at: int = 10**9
    stream: str = "a"
    head_sha256: str = "abc"

    def open(self) -> Callable[[int], Row]:
        def draw(index: int) -> Row:
            if index >= self.fails_at:
                raise BackendError("no such graphics card")
            grey = np.full((8, 8, 3), index % 200, np.uint8)
            labels = {
                "points": np.full((9, 2), 64 * index, np.int16),
                "visible": np.packbits(np.arange(9) % 2 == index % 2),
                "expression": np.full(52, index / 1000, np.float16),
            }
            return cv2.imencode(".png", grey)[1].tobytes(), labels

        return draw
