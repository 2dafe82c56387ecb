"""Runs the tracker over a scene and keeps what it says of every shot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.assembly import TrackerMaker
from engine.clock import NS_PER_S
from engine.config import TrackerConfig
from engine.evaluation.recovery.stage import Shot
from engine.fit.heads import HeadModel, landmarks
from engine.geometry import assumed_camera
from engine.types import Array, Frame, Status


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One shot, without its picture, and what the tracker said of it; None where no face was."""

    shot: Shot
    status: Status
    step_ms: float
    points_px: Array | None  # (478, 2) of the fitted head
    sigma_px: Array | None  # (478,)
    rotation: Array | None  # (3, 3) camera_from_head
    weights: Array | None  # (52,) blendshapes
    identity: Array | None  # (K,) coefficients


def watched(
    shots: Iterable[Shot], head: HeadModel, maker: TrackerMaker, config: TrackerConfig
) -> list[Seen]:
    """Track the shots of a scene with a fresh tracker."""
    tracker, seen = None, list[Seen]()
    for index, shot in enumerate(shots):
        height, width = shot.image.shape[:2]
        tracker = tracker or maker(config, assumed_camera(width, height))
        frame = Frame(shot.image, index, round(shot.time_s * NS_PER_S))
        result = tracker.step(frame)
        found, answer = result.head, result.alignment
        sigma = None if answer is None else answer.sigma_px[:, None]
        seen.append(
            Seen(
                shot=_without_picture(shot),
                status=result.status,
                step_ms=sum(result.stage_ns.values()) / 1e6,
                points_px=None if found is None else landmarks(head, found.points_px),
                sigma_px=None if sigma is None else landmarks(head, sigma)[:, 0],
                rotation=None if found is None else found.camera_from_head[:3, :3],
                weights=None if result.blendshapes is None else result.blendshapes.weights,
                identity=None if result.identity is None else result.identity.coefficients,
            )
        )
    return seen


def _without_picture(shot: Shot) -> Shot:
    nothing = np.zeros((0, 0, 3), np.uint8)
    return Shot(nothing, shot.time_s, shot.faces, shot.wanted, shot.must, shot.covered)
