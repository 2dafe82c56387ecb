"""Fits the head model to labelled portraits: Levenberg-Marquardt, a batch of faces at a time.

The minimised sum has the landmarks' squared distances, weighted by the label's own spread and made
robust, a normal prior on identity, a prior and a box on expression, and a wide prior on the focal
length, which a portrait's crop does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import HeadModel
from engine.training.anchors.correspondences import FINE
from engine.training.portraits.landmark_model import (
    IRIS_START,
    LANDMARK_COUNT,
    FaceState,
    LandmarkModel,
)
from engine.types import Array

BATCH = 8  # portraits whose derivatives stay in the processor's cache


@dataclass(frozen=True)
class FitSettings:
    """What the fit believes before it sees the labels."""

    field_of_view_rad: float = 0.35  # across the crop: a face of 0.15 m fills half of it at 0.9 m
    focal_deviation: float = 0.35  # of the logarithm
    label_deviation: float = 0.006  # of the box side, beside the label's spread
    information: float = 0.2  # neighbouring landmarks err together: each counts as so many
    outlier: float = 3.0  # deviations at which a landmark's weight has halved
    expression_deviation: float = 0.4
    expression_cost: float = 0.6  # linear, per unit of expression: unneeded shapes stay at zero
    gaze_deviation_rad: float = 0.4
    fine_weight: float = 2.0  # of lids, lips and irises, against the rest
    iterations: int = 14


@dataclass(frozen=True, eq=False)
class Labels:
    """Labelled portraits.

    landmarks_px  (N, 478, 2)
    spread_px     (N, 478)
    size_px       (N, 2)
    """

    landmarks_px: Array
    spread_px: Array
    size_px: Array

    def take(self, index: NDArray[np.intp]) -> Labels:
        """Return the picked portraits."""
        return Labels(self.landmarks_px[index], self.spread_px[index], self.size_px[index])


@dataclass(frozen=True, eq=False)
class PortraitFit:
    """Fitted faces and how well they fit.

    points_px    (B, 478, 2) projected landmarks
    error        (B,) mean distance to the labels of the 468 mesh points, as a share of the square
                 root of the landmark box's area
    """

    state: FaceState
    points_px: Array
    error: Array


def box_side_px(landmarks_px: Array) -> Array:
    """Return the square root of the area (B,) of the box around landmarks (B, 478, 2)."""
    mesh = landmarks_px[:, :IRIS_START]
    return np.sqrt(np.prod(mesh.max(1) - mesh.min(1), axis=1))


def rotations(vectors: Array) -> Array:
    """Return rotation matrices (B, 3, 3) of rotation vectors (B, 3): Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None] + 1e-12
    x, y, z = (vectors / angle[:, 0]).T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * (skew @ skew)


def project(state: FaceState, points: Array, centre_px: Array) -> tuple[Array, Array]:
    """Project head-space points (B, N, 3): pixels (B, N, 2) and camera space (B, N, 3)."""
    camera = points @ state.rotation.transpose(0, 2, 1) + state.translation[:, None]
    focal = np.exp(state.log_focal)[:, None, None]
    return focal * camera[..., :2] / camera[..., 2:] + centre_px[:, None], camera


class PortraitFitter:
    """Fits one head model; keeps its landmark form between batches."""

    def __init__(
        self,
        head: HeadModel,
        settings: FitSettings | None = None,
    ) -> None:
        self.model = LandmarkModel(head)
        self.settings = settings or FitSettings()
        self._fine = np.ones(LANDMARK_COUNT)
        self._fine[list(FINE)] = self.settings.fine_weight

    def fit(self, labels: Labels) -> PortraitFit:
        """Fit a batch of B portraits."""
        labels_px, spread_px, size_px = labels.landmarks_px, labels.spread_px, labels.size_px
        state, centre_px = self._start(labels_px, size_px), size_px / 2.0
        deviation = np.hypot(self.settings.label_deviation * box_side_px(labels_px)[:, None],
                             spread_px)  # fmt: skip
        prior_focal = self._prior_log_focal(size_px)
        damping = np.full(len(labels_px), 1e-2)
        cost, system = self._linearise(state, labels_px, deviation, centre_px, prior_focal)
        for _ in range(self.settings.iterations):
            tried = self._stepped(state, system, damping)
            new_cost, new_system = self._linearise(
                tried, labels_px, deviation, centre_px, prior_focal
            )
            better = new_cost < cost
            damping = np.where(better, damping * 0.3, damping * 5.0)
            state = _chosen(better, tried, state)
            cost = np.where(better, new_cost, cost)
            system = (
                np.where(better[:, None, None], new_system[0], system[0]),
                np.where(better[:, None], new_system[1], system[1]),
            )
        points_px, _ = project(state, self.model.points(state), centre_px)
        distance = np.linalg.norm(points_px - labels_px, axis=2)[:, :IRIS_START].mean(1)
        return PortraitFit(state, points_px, distance / box_side_px(labels_px))

    def _prior_log_focal(self, size_px: Array) -> Array:
        half = np.tan(self.settings.field_of_view_rad / 2)
        return np.log(size_px.max(1) / 2 / half)

    def _start(self, labels_px: Array, size_px: Array) -> FaceState:
        """Face the camera at the depth that gives the box its size."""
        batch, log_focal = len(labels_px), self._prior_log_focal(size_px)
        neutral = FaceState(
            rotation=np.repeat(np.eye(3)[None], batch, 0),
            translation=np.zeros((batch, 3)),
            log_focal=log_focal,
            identity=np.zeros((batch, self.model.identity_count)),
            expression=np.full((batch, 52), 0.02),
            gaze=np.zeros((batch, 2, 2)),
        )
        points = self.model.points(neutral.take(np.arange(1)))[0]
        extent = np.sqrt(np.prod(np.ptp(points[:IRIS_START, :2], axis=0)))
        depth = np.exp(log_focal) * extent / box_side_px(labels_px)
        eyes_px = labels_px[:, IRIS_START:].mean(1) - size_px / 2.0
        shift = eyes_px * (depth / np.exp(log_focal))[:, None]
        across = labels_px[:, 263] - labels_px[:, 33]
        roll = np.arctan2(across[:, 1], across[:, 0])
        turn = rotations(np.stack([0 * roll, 0 * roll, roll], 1))
        placed = np.concatenate([shift, depth[:, None]], 1)
        return FaceState(turn, placed, log_focal, neutral.identity, neutral.expression,
                         neutral.gaze)  # fmt: skip

    def _linearise(
        self,
        state: FaceState,
        labels_px: Array,
        deviation: Array,
        centre_px: Array,
        prior_focal: Array,
    ) -> tuple[Array, tuple[Array, Array]]:
        """Return the cost (B,) and (normal matrix, gradient) over pose, focal and shape."""
        pixels, camera = project(state, self.model.points(state), centre_px)
        focal, depth = np.exp(state.log_focal)[:, None], camera[..., 2]
        turned = camera - state.translation[:, None]
        offset = pixels - centre_px[:, None]
        jacobian = np.empty((len(pixels), 7 + self.model.parameter_count, 2, LANDMARK_COUNT),
                            np.float32)  # fmt: skip
        for axis in range(2):
            # A displacement's effect on one pixel coordinate is its product with this row.
            row = np.zeros_like(camera)
            row[..., axis] = focal / depth
            row[..., 2] = -offset[..., axis] / depth
            jacobian[:, :3, axis] = np.cross(turned, row).transpose(0, 2, 1)
            jacobian[:, 3:6, axis] = row.transpose(0, 2, 1)
            jacobian[:, 6, axis] = offset[..., axis]
            jacobian[:, 7:, axis] = self.model.jacobian(state, row @ state.rotation)
        residual = pixels - labels_px
        scaled = (residual**2).sum(2) / deviation**2
        outlier = self.settings.outlier**2
        weight = self._fine * self.settings.information / deviation**2 / (1 + scaled / outlier)
        robust = outlier * np.log1p(scaled / outlier)
        cost = 0.5 * (self._fine * self.settings.information * robust).sum(1)
        flat = jacobian.reshape(*jacobian.shape[:2], -1)
        weighted = flat * np.tile(weight, 2)[:, None].astype(np.float32)
        matrix = (weighted @ flat.transpose(0, 2, 1)).astype(np.float64)
        across = residual.transpose(0, 2, 1).reshape(len(pixels), -1, 1).astype(np.float32)
        gradient = (weighted @ across)[..., 0].astype(np.float64)
        return self._with_priors(state, prior_focal, cost, matrix, gradient)

    def _with_priors(
        self, state: FaceState, prior_focal: Array, cost: Array, matrix: Array, gradient: Array
    ) -> tuple[Array, tuple[Array, Array]]:
        s, K = self.settings, self.model.identity_count
        stiff = np.zeros(matrix.shape[1])
        stiff[6], stiff[7 : 7 + K] = 1 / s.focal_deviation**2, 1.0
        stiff[7 + K : 59 + K] = 1 / s.expression_deviation**2
        stiff[59 + K :] = 1 / s.gaze_deviation_rad**2
        away = np.zeros_like(gradient)
        away[:, 6] = state.log_focal - prior_focal
        away[:, 7 : 7 + K], away[:, 7 + K : 59 + K] = state.identity, state.expression
        away[:, 59 + K :] = state.gaze.reshape(-1, 4)
        cost = cost + 0.5 * (stiff * away**2).sum(1)
        cost = cost + s.expression_cost * state.expression.sum(1)
        gradient = gradient + stiff * away
        gradient[:, 7 + K : 59 + K] += s.expression_cost
        matrix = matrix + np.diag(stiff)
        return cost, (matrix, gradient)

    def _stepped(self, state: FaceState, system: tuple[Array, Array], damping: Array) -> FaceState:
        """Take a damped step; shapes that push out of their box keep still."""
        matrix, gradient = system[0].copy(), system[1].copy()
        K = self.model.identity_count
        e = slice(7 + K, 59 + K)
        stuck = np.zeros_like(gradient, dtype=bool)
        stuck[:, e] = ((state.expression <= 0) & (gradient[:, e] > 0)) | (
            (state.expression >= 1) & (gradient[:, e] < 0)
        )
        gradient[stuck] = 0.0
        matrix[np.repeat(stuck[:, :, None], matrix.shape[2], 2)] = 0.0
        matrix[np.repeat(stuck[:, None, :], matrix.shape[1], 1)] = 0.0
        diagonal = np.einsum("bii->bi", matrix)
        diagonal *= 1 + damping[:, None]
        diagonal += stuck + 1e-9
        step = -np.linalg.solve(matrix, gradient[..., None])[..., 0]
        return FaceState(
            rotation=rotations(step[:, :3]) @ state.rotation,
            translation=state.translation + step[:, 3:6],
            log_focal=state.log_focal + step[:, 6],
            identity=state.identity + step[:, 7 : 7 + K],
            expression=np.clip(state.expression + step[:, e], 0.0, 1.0),
            gaze=state.gaze + step[:, 59 + K :].reshape(-1, 2, 2),
        )


def _chosen(better: NDArray[np.bool_], new: FaceState, old: FaceState) -> FaceState:
    def pick(name: str) -> Array:
        a, b = getattr(new, name), getattr(old, name)
        return np.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return FaceState(*(pick(name) for name in FaceState.__dataclass_fields__))


def fit_all(head: HeadModel, labels: Labels, settings: FitSettings | None = None) -> PortraitFit:
    """Fit every portrait, in batches."""
    fitter, count = PortraitFitter(head, settings), len(labels.landmarks_px)
    parts = [
        fitter.fit(labels.take(i))
        for i in np.array_split(np.arange(count), max(1, -(-count // BATCH)))
    ]
    return PortraitFit(
        FaceState.joined([part.state for part in parts]),
        np.concatenate([part.points_px for part in parts]),
        np.concatenate([part.error for part in parts]),
    )
