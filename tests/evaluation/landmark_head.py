"""A head whose vertices are the 478 landmarks themselves, and a network that knows the answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.regions import LEFT_EYE, RIGHT_EYE
from engine.types import Alignment, AlignmentMemory, Crop, Frame

COUNT = 478


def landmark_head() -> Any:
    """Return the parts of a HeadModel that reading landmarks needs."""
    return SimpleNamespace(
        landmark_triangles=np.repeat(np.arange(COUNT, dtype=np.int32)[:, None], 3, axis=1),
        landmark_weights=np.tile([0.5, 0.25, 0.25], (COUNT, 1)),
        region=np.where(np.arange(COUNT) < 400, 0, 1).astype(np.uint8),
        region_names=("face", "neck", "eyes", "nose", "mouth"),
    )


def face_points(scale: float = 1.0, seed: int = 0) -> NDArray:
    """Return 478 landmarks (478, 2) whose eyes and mouth have sides and openings like a face's."""
    rng = np.random.default_rng(seed)
    points = rng.uniform((40.0, 50.0), (160.0, 190.0), (COUNT, 2))
    points[list(RIGHT_EYE)] = np.linspace((60, 95), (90, 95), 16)
    points[list(LEFT_EYE)] = np.linspace((110, 95), (140, 95), 16)
    points[[33, 133]] = (60, 95), (90, 95)  # the right eye's corners
    points[[362, 263]] = (110, 95), (140, 95)
    points[[61, 291]] = (80, 160), (120, 160)
    for upper, lower, x, y, opening in (
        (158, 153, 70, 95, 8), (159, 145, 75, 95, 9), (160, 144, 80, 95, 8),
        (385, 380, 120, 95, 8), (386, 374, 125, 95, 9), (387, 373, 130, 95, 8),
        (81, 178, 90, 160, 6), (13, 14, 100, 160, 8), (311, 402, 110, 160, 6),
    ):  # fmt: skip
        points[upper], points[lower] = (x, y - opening / 2), (x, y + opening / 2)
    points[[0, 17]] = (40.0, 50.0), (160.0, 190.0)  # the box of the mesh is 120 by 140
    return points * scale


class Oracle:
    """A backend that answers with the true points of the picture it is shown, moved by `shift`.

    A picture says which one it is by the value of its first pixel.
    """

    crop_side_px = 64

    def __init__(self, truth: list[NDArray], shift: NDArray, sigma_px: float) -> None:
        self._truth, self._shift, self._sigma_px = truth, shift, sigma_px
        self.crops: list[Crop] = []

    def warm_up(self) -> None:
        pass

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        self.crops.append(crop)
        true = self._truth[int(frame.image[0, 0, 0])]
        return Alignment(
            true + self._shift,
            np.full(len(true), self._sigma_px),
            np.arange(len(true), dtype=np.int32),
        )

    def close(self) -> None:
        pass
