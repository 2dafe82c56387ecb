"""Follows a test sequence: the network alone, cold or warm, or the whole tracker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation.align import upright_crop
from engine.evaluation.datasets.sequences import Sequence
from engine.fit.heads import HeadModel, landmarks
from engine.geometry import assumed_camera
from engine.network.backends import Backend
from engine.types import Array


@dataclass(frozen=True, eq=False)
class Followed:
    """Where every vertex was found in T frames; NaN where no face was tracked."""

    points_px: Array  # (T, V, 2)
    sigma_px: Array | None  # (T, V); a fit states none

    def landmarks_px(self, head: HeadModel) -> Array:
        """Return the found landmarks (T, 478, 2)."""
        return np.array([landmarks(head, points) for points in self.points_px])


def aligned(head: HeadModel, backend: Backend, sequence: Sequence, *, warm: bool) -> Followed:
    """Run the network over a sequence, each window around the last answer's landmarks.

    warm  start every frame but the first from the memory of the last, with one step

    The first window is around the true landmarks: detection is not what is measured here.
    """
    points, sigma, memory = [], [], None
    outline = landmarks(head, sequence.points_px[0])
    for index in range(len(sequence)):
        crop = upright_crop(outline, backend.crop_side_px)
        answer = backend.align(sequence.frame(index), crop, memory)
        memory = answer.memory if warm else None
        outline = landmarks(head, answer.points_px)
        points.append(answer.points_px)
        sigma.append(answer.sigma_px)
    return Followed(np.array(points), np.array(sigma))


def tracked(
    head: HeadModel, maker: TrackerMaker, config: TrackerConfig, sequence: Sequence
) -> dict[str, Followed]:
    """Run the tracker over a sequence: what its network says, and its fitted head."""
    height, width = sequence.pack.image(0).shape[:2]
    tracker = maker(config, assumed_camera(width, height))
    nowhere = np.full(sequence.points_px.shape[1:], np.nan)
    unsure = np.full(len(nowhere), np.nan)
    points: dict[str, list[Array]] = {"alignment": [], "fit": []}
    sigma: list[Array] = []
    for index in range(len(sequence)):
        result = tracker.step(sequence.frame(index))
        head_found, answer = result.head, result.alignment
        points["fit"].append(nowhere if head_found is None else head_found.points_px)
        points["alignment"].append(nowhere if answer is None else answer.points_px)
        sigma.append(unsure if answer is None else answer.sigma_px)
    return {
        "alignment": Followed(np.array(points["alignment"]), np.array(sigma)),
        "fit": Followed(np.array(points["fit"]), None),
    }
