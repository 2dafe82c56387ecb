"""BlazeFace: a small network that proposes faces with six key points on a square picture.

The weights are MediaPipe's model for cameras at arm's length and beyond, unmodified, Apache-2.0
(resources/detector/LICENSE).
Source: Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs (2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.resources import RESOURCES, checked
from engine.types import Array

DEFAULT_PATH = RESOURCES / "detector" / "blaze_face.onnx"
SIDE_PX = 256  # of the square input
_GRIDS = ((16, 2), (8, 6))  # cells a side, proposals a cell
_OVERLAP = 0.3  # proposals of one face overlap by more, of two faces by less
RIGHT_EYE, LEFT_EYE, NOSE, MOUTH, RIGHT_EAR, LEFT_EAR = range(6)  # the subject's right and left


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A face on the input square."""

    box_px: Array  # (4,) left, top, right, bottom
    points_px: Array  # (6, 2) right eye, left eye, nose, mouth, right ear, left ear
    score: float  # probability in [0, 1]


class BlazeFace:
    """Runs the network on one square picture at a time."""

    def __init__(self, path: Path | None = None, threads: int = 1) -> None:
        import onnxruntime  # here, so that importing the detector stays cheap

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # it warns of unused constants in the file
        self._session: Any = onnxruntime.InferenceSession(
            str(checked(DEFAULT_PATH) if path is None else path),
            options,
            providers=["CPUExecutionProvider"],
        )
        self._input: str = self._session.get_inputs()[0].name
        self._centres = _cell_centres()

    def propose(self, square: NDArray[np.uint8], least_score: float) -> list[Proposal]:
        """Return the faces of a square picture, the most probable first.

        square       (256, 256, 3) uint8 RGB
        least_score  proposals below are not looked at
        """
        scaled = square[None].astype(np.float32) * np.float32(1 / 127.5) - np.float32(1)
        fine_logits, coarse_logits, fine, coarse = self._session.run(None, {self._input: scaled})
        logits = np.concatenate([fine_logits[0, :, 0], coarse_logits[0, :, 0]])
        scores = 1 / (1 + np.exp(-np.clip(logits, -60.0, 60.0)))
        chosen = scores > least_score
        values = np.concatenate([fine[0], coarse[0]])[chosen].astype(np.float64)
        centres = self._centres[chosen]
        centre, half = centres + values[:, :2], values[:, 2:4] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        points = centres[:, None] + values[:, 4:].reshape(-1, 6, 2)
        sound = (half > 1.0).all(axis=1)
        return merge(boxes[sound], points[sound], scores[chosen][sound])


def _cell_centres() -> Array:
    """Return where every proposal starts from, (896, 2) pixels of the input."""
    centres: list[Array] = []
    for cells, proposals in _GRIDS:
        y, x = np.mgrid[:cells, :cells]
        grid = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * (SIDE_PX / cells)
        centres.append(np.repeat(grid, proposals, axis=0))
    return np.concatenate(centres)


def merge(boxes: Array, points: Array, scores: Array) -> list[Proposal]:
    """Average the proposals that overlap, weighted by score; the best score is the face's.

    boxes (N, 4), points (N, 6, 2), scores (N,); the boxes must not be empty

    Source: Bazarevsky et al. 2019, section 3.3: blending steadies the box where suppression jumps.
    """
    left = np.argsort(-scores)
    faces: list[Proposal] = []
    while len(left):
        same = overlap(boxes[left[0]], boxes[left]) > _OVERLAP
        group = left[same]
        weight = scores[group] / scores[group].sum()
        middle = np.tensordot(weight, points[group], 1)
        faces.append(Proposal(weight @ boxes[group], middle, float(scores[left[0]])))
        left = left[~same]
    return faces


def overlap(box: Array, boxes: Array) -> Array:
    """Return intersection over union (N,) of a box (4,) with boxes (N, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / (areas + (box[2:] - box[:2]).prod() - shared)
