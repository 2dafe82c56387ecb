"""What one look at a face leaves: the fit of a frame that is believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import HeadModel, landmarks
from engine.fit.residuals import Measurement
from engine.fit.solver import FitState
from engine.fit.traits import Guess
from engine.fit.trust import Quality
from engine.types import Alignment, Array

_FACE_LANDMARKS = 468  # without the irises; the crop's box is theirs


@dataclass(frozen=True, eq=False)
class Fitted:
    """A frame's fit that is believed."""

    state: FitState
    alignment: Alignment
    measurement: Measurement
    guess: Guess | None  # what the network says of the expression
    vertices: Array  # (V, 3) metres, head space
    points_px: Array  # (V, 2)
    outline_px: Array  # (468, 2), see `outline`
    quality: Quality
    captured_ns: int
    velocity: Array  # (6,) of the pose, see dynamics.velocity_after
    image: NDArray[np.uint8]  # (H, W, 3) RGB that it was seen in
    spread_px2: Array  # (N,) variance of the fitted vertices, see motion.spread_after
    shared: Array | None  # (K, 2) amplitudes of the network's shared errors
    refuted: float = 1.0  # share of the flow since the last frame that the alignment denies


def outline(head: HeadModel, points_px: Array) -> Array:
    """Return the landmarks (468, 2) that frame a face, of the points (V, 2) of its vertices."""
    return landmarks(head, points_px)[:_FACE_LANDMARKS]


def roll_of(camera_from_head: Array) -> float:
    """Return the rotation (rad) of a head in the image, clockwise as seen.

    It is the in-plane rotation nearest to the head's, so that turning away does not upset it.
    """
    r = camera_from_head
    return float(np.arctan2(r[1, 0] - r[0, 1], r[0, 0] + r[1, 1]))
