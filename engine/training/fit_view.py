"""What the errors of an alignment do to the live fit, linearised at the truth.

The likelihood counts every vertex alike; an avatar sees the few directions in which a head moves.
Where the truth is known, one Gauss-Newton step of the fit (docs/live_fit.md) from it says how far a
wrong alignment turns the head, the eyes and the shapes: a linear function of its errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.fit.heads.open_head import OpenHead
from engine.fit.priors import priors_for
from engine.fit.residuals import EXPRESSION_START, GAZE, ROTATION, Measurement
from engine.fit.retarget import LOOK_LIMITS_RAD
from engine.fit.settings import FitSettings, SamplingSettings
from engine.fit.solver import Solver
from engine.fit.state import FitState
from engine.types import Array

_VERTICES = 500  # of the fit's thousand: every second one is enough for a direction
_WORST_SHARE = 0.1  # of the face's size: labels further from the head's projection are of another


class FitView(NamedTuple):
    """One picture as the fit sees it: N vertices, P unknowns in the order of residuals.py."""

    vertex: NDArray[np.int64]  # (N,) rows of the labels
    jacobian: Array  # (N, 2, P) float32, px by unknown
    information: Array  # (N,) what a vertex counts beside 1 / sigma^2; 0 where averted


class FitLinear:
    """Linearises the fit of one head at labelled pictures."""

    def __init__(self, head: OpenHead) -> None:
        self._solver = Solver(head, FitSettings(sampling=SamplingSettings(count=_VERTICES)))
        self.vertex = self._solver.chosen.vertex

    def at(
        self,
        points_px: Array,
        camera_from_head: Array,
        expression: Array,
        gaze: Array,
        identity: Array | None,
    ) -> FitView | None:
        """Return the fit at a picture's truth; None if the labels are not this head's projection.

        points_px  (V, 2) labels; the other arguments are their coefficients, see `Pack`. Without
                   an identity it is the mean head's
        """
        solver = self._solver
        solver.become(np.zeros(solver.shape_size) if identity is None else identity.astype(float))
        state = FitState(
            camera_from_head.astype(np.float64),
            expression.astype(np.float64),
            gaze.astype(np.float64),
            np.zeros(3),
        )
        intrinsics = _intrinsics(solver.vertices(state), state.camera_from_head, points_px)
        target = points_px[self.vertex].astype(np.float64)
        ones = np.ones(len(target))
        rows = solver.linearised(Measurement(target, ones, ones), intrinsics, state)
        size = float(np.ptp(target, axis=0).max())
        if np.median(np.linalg.norm(rows.projected - target, axis=1)) > _WORST_SHARE * size:
            return None
        weight = np.repeat(np.maximum(rows.weight, 1e-9), 2)[:, None]
        jacobian = (rows.jacobian / weight).reshape(len(target), 2, -1)
        information = solver.chosen.information * rows.facing
        return FitView(self.vertex, jacobian.astype(np.float32), information.astype(np.float32))


def prior_of(head: OpenHead) -> Array:
    """Return the Hessian (P, P) of what the fit knows of a frame without a picture."""
    return priors_for(head.expression_names, FitSettings(), dict(LOOK_LIMITS_RAD)).within


def importance_of(head: OpenHead) -> Array:
    """Return what each shape of a head counts, (E,), beside whether it is there."""
    return np.array([_COUNTS.get(name, 1.0) for name in head.expression_names])


def _intrinsics(vertices: Array, camera_from_head: Array, points_px: Array) -> Array:
    """Return the pinhole camera (3, 3) with square pixels that explains the points best."""
    seen = vertices @ camera_from_head[:3, :3].T + camera_from_head[:3, 3]
    ray = (seen[:, :2] / np.maximum(seen[:, 2:], 1e-3)).astype(np.float64)
    mean_ray, mean_px = ray.mean(axis=0), points_px.mean(axis=0)
    around = ray - mean_ray
    focal = float((around * (points_px - mean_px)).sum() / max(float((around**2).sum()), 1e-12))
    centre = mean_px - focal * mean_ray
    return np.array([[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]])


# Errors that count as one: rotation and gaze in rad, shapes in coefficients.
_ROTATION_RAD, _GAZE_RAD, _SHAPE = 0.05, 0.1, 0.1
_IDLE, _ACTIVE = 0.25, 0.05  # what a shape counts that is not there; from here on it is
# An avatar whose mouth or lids are wrong is wrong to everybody.
_COUNTS = {"jawOpen": 4.0, "eyeBlinkLeft": 3.0, "eyeBlinkRight": 3.0}  # others 1
_DOF = 4.0  # of the fit's Student-t
_FLOOR_PX = 0.3  # no point is believed more than this


@dataclass(frozen=True)
class Unknowns:
    """What one step of the fit from the truth makes of an alignment."""

    rotation_rad: Tensor  # (B, 3) off
    gaze_rad: Tensor  # (B, 4)
    expression: Tensor  # (B, E)
    known: Tensor  # (B,) 0 where the fit does not know the truth

    def loss(self, truth: Tensor, importance: Tensor) -> Tensor:
        """Return the mean error; shapes that are there (truth (B, E)) count more than idle ones.

        importance  (E,) what each counts beside that, see `importance_of`
        """
        weight = importance * torch.where(truth > _ACTIVE, 1.0, _IDLE)
        shapes = (weight * self.expression.abs()).sum(1) / weight.sum(1)
        each = shapes / _SHAPE
        each = each + self.rotation_rad.abs().mean(1) / _ROTATION_RAD
        each = each + self.gaze_rad.abs().mean(1) / _GAZE_RAD
        return self._mean(each)

    def parts(self, truth: Tensor) -> dict[str, float]:
        """Return mean errors for the log: degrees of rotation and gaze, active shapes."""
        active = (truth > _ACTIVE).to(truth)
        shapes = (active * self.expression.abs()).sum(1) / active.sum(1).clamp(min=1.0)
        rotation = self._mean(self.rotation_rad.norm(dim=1))
        gaze = self._mean(self.gaze_rad.abs().mean(1))
        return {
            "rotation_deg": math.degrees(float(rotation.detach())),
            "gaze_deg": math.degrees(float(gaze.detach())),
            "active_shapes": float(self._mean(shapes).detach()),
        }

    def _mean(self, each: Tensor) -> Tensor:
        return (self.known * each).sum() / self.known.sum().clamp(min=1.0)


def unknowns(
    error_px: Tensor, sigma_px: Tensor, jacobian: Tensor, information: Tensor, prior: Tensor
) -> Unknowns:
    """Return the fit's answer to errors of the points it reads.

    error_px     (B, N, 2) where the network sees the vertices, less the truth
    sigma_px     (B, N)
    jacobian     (B, N, 2, P), information (B, N): see `FitView`
    prior        (P, P) Hessian of what is known without a picture

    Weights are the fit's own: what a vertex counts, over its variance, times a Student-t. No
    gradient goes through them, so that a point cannot be made to count less for its error.
    """
    with torch.no_grad():
        variance = sigma_px.clamp(min=_FLOOR_PX).square()
        distance = error_px.square().sum(-1) / variance
        weight = information / variance * (_DOF + 2.0) / (_DOF + distance)
        rows = jacobian.flatten(1, 2)
        weighted = rows * weight.repeat_interleave(2, dim=1)[..., None]
        hessian = rows.transpose(1, 2) @ weighted + prior
        answer = torch.linalg.solve(hessian, weighted.transpose(1, 2))
    step = (answer @ error_px.flatten(1, 2)[..., None])[..., 0]
    known = (information.amax(1) > 0).to(step)
    return Unknowns(step[:, ROTATION], step[:, GAZE], step[:, EXPRESSION_START:], known)
