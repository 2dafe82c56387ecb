"""How much a frame has in common with those that the person was learnt from."""

from __future__ import annotations

import numpy as np

from engine.fit.settings import EnrolSettings
from engine.fit.solver import FitState
from engine.types import Array


class Poses:
    """The rotations and expressions of the last frames of one sort; the oldest make room.

    shapes    E, expression coefficients
    capacity  frames that are remembered
    """

    def __init__(self, shapes: int, capacity: int, settings: EnrolSettings) -> None:
        self._settings = settings
        self.rotations = np.zeros((capacity, 3, 3))
        self.expressions = np.zeros((capacity, shapes))
        self.count = 0  # ever added

    def __len__(self) -> int:
        return min(self.count, len(self.rotations))

    def add(self, state: FitState) -> None:
        """Remember a frame."""
        row = self.count % len(self.rotations)
        self.rotations[row] = state.camera_from_head[:3, :3]
        self.expressions[row] = state.expression
        self.count += 1

    def likeness(self, state: FitState) -> float:
        """Return how alike the errors of a frame and of the nearest of these are, 0 to 1.

        A network errs alike where the picture is alike, so that a second look at the same view adds
        nothing: the correlation is exp(-d^2 / 2) of the distance in rotation and expression.
        """
        known = len(self)
        if not known:
            return 0.0
        turned = np.einsum("nij,ij->n", self.rotations[:known], state.camera_from_head[:3, :3])
        angle = np.arccos(np.clip((turned - 1.0) / 2.0, -1.0, 1.0))
        shapes = np.linalg.norm(self.expressions[:known] - state.expression, axis=1)
        distance = np.hypot(
            angle / self._settings.alike_rotation_rad, shapes / self._settings.alike_expression
        )
        return float(np.exp(-0.5 * distance.min() ** 2))

    def restore(self, rotations: Array, expressions: Array) -> None:
        """Take over frames (n, 3, 3) and (n, E) of an earlier session, the latest of them."""
        self.count = min(len(rotations), len(self.rotations))
        self.rotations[: self.count] = rotations[len(rotations) - self.count :]
        self.expressions[: self.count] = expressions[len(expressions) - self.count :]

    def forget(self) -> None:
        """Remember no frame."""
        self.count = 0

    def joined(self, later: Poses) -> tuple[Array, Array]:
        """Return rotations (n, 3, 3) and expressions (n, E) of these and of later ones."""
        ours, theirs = len(self), len(later)
        return (
            np.concatenate([self.rotations[:ours], later.rotations[:theirs]]),
            np.concatenate([self.expressions[:ours], later.expressions[:theirs]]),
        )
