"""The unknowns of one frame, and what the frame before says of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from engine.fit.residuals import (
    EXPRESSION_START,
    GAZE,
    NECK,
    POSE,
    ROTATION,
    SHIFT,
    Carried,
)
from engine.types import Array


@dataclass(frozen=True, eq=False)
class FitState:
    """The unknowns of one frame."""

    camera_from_head: Array  # (4, 4)
    expression: Array  # (E,) in [0, 1]
    gaze: Array  # (2, 2) rad; rows left, right eye; columns yaw, pitch
    neck: Array  # (3,) rad

    def values(self) -> Array:
        """Return the unknowns (13 + E,) in the Jacobian's order; the pose's six are zero."""
        return np.concatenate([np.zeros(6), self.gaze.ravel(), self.neck, self.expression])

    def moved(self, step: Array) -> FitState:
        """Return the state after a step (13 + E,), the pose turned in camera axes."""
        pose = self.camera_from_head.copy()
        pose[:3, :3] = cv2.Rodrigues(step[ROTATION])[0] @ pose[:3, :3]
        pose[:3, 3] += step[SHIFT]
        return FitState(
            camera_from_head=pose,
            expression=np.minimum(np.maximum(self.expression + step[EXPRESSION_START:], 0.0), 1.0),
            gaze=self.gaze + step[GAZE].reshape(2, 2),
            neck=self.neck + step[NECK],
        )

    def change_since(self, before: FitState) -> Array:
        """Return the step (13 + E,) that would turn `before` into this state."""
        change = self.values() - before.values()
        turned = self.camera_from_head[:3, :3] @ before.camera_from_head[:3, :3].T
        change[ROTATION] = cv2.Rodrigues(turned)[0][:, 0]
        change[SHIFT] = self.camera_from_head[:3, 3] - before.camera_from_head[:3, 3]
        return change


@dataclass(frozen=True, eq=False)
class Past:
    """The last frame's state and how long ago it was."""

    state: FitState
    interval_s: float
    hold_pose: bool = True  # False right after the person or the focal length has changed
    shared: Array | None = None  # (K, 2) amplitudes of the network's shared error then
    velocity: Array = field(default_factory=lambda: np.zeros(6))  # of the pose, rad/s and m/s
    motion: Carried | None = None  # where the vertices should be if they moved with the picture

    def surprise(self, state: FitState) -> Array:
        """Return the step (13 + E,) from where the last frame's head would be by now to a state."""
        change = state.change_since(self.state)
        change[POSE] -= self.velocity * self.interval_s
        return change

    def ahead(self) -> FitState:
        """Return the last frame's state moved on."""
        step = np.zeros(len(self.state.values()))
        step[POSE] = self.velocity * self.interval_s
        return self.state.moved(step)
