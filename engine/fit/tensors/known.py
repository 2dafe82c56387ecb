"""What is known before the picture, on tensors; follows priors.py, lids.py and closure.py."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.fit.closure import BLINKS, LEAST_BLINK, LID_OVERLAP_M
from engine.fit.priors import USUAL_INTERVAL_S
from engine.fit.residuals import EXPRESSION_START
from engine.fit.solver import Solver
from engine.fit.tensors.rows import TensorRows


class Between(NamedTuple):
    """What the last frame says of this one."""

    surprise: Tensor  # (P,) the state less where the last frame's would be by now
    interval_s: Tensor  # () above 0
    held: Tensor  # (P,) 1 for what is held to the last frame, else 0


class Known:
    """The quadratic energies on pose, gaze, neck and expression of one solver."""

    def __init__(self, solver: Solver, device: torch.device) -> None:
        priors, self._settings = solver.priors, solver.settings
        size = len(priors.centre)

        def on_device(array: object) -> Tensor:
            return torch.as_tensor(np.array(array, np.float64), device=device)

        self._within, self._centre = on_device(priors.within), on_device(priors.centre)
        self._step = on_device(priors.step)
        unit = np.eye(size)
        self._lid, self._angle = (
            on_device(unit[priors.lid_column]),
            on_device(unit[priors.lid_gaze]),
        )
        self._lid_slope, self._lid_information = on_device(priors.lid_slope), priors.lid_information
        lids, closure = solver.lids, solver.closure
        blinks, squints = unit[lids.columns], unit[lids.squints]
        self._blinks = on_device(blinks)
        self._eyes = on_device(np.stack([blinks, squints]).sum(axis=0))  # (2, P)
        self._apart = on_device([side[0] - side[1] for side in (blinks, squints)])
        balls = np.zeros((2, len(solver.chosen.vertex)))
        for ball, rows in zip(balls, lids.balls, strict=True):
            ball[rows] = 1.0
        self._balls = on_device(balls)
        by_shape = closure.expression.copy()  # (E, 3, 5)
        travel = -by_shape[BLINKS, [0, 1]]
        by_shape[BLINKS] = 0.0
        self._gap_by_shape, self._travel = on_device(by_shape[:, :2]), on_device(travel)

    def uncovered(self, expression: Tensor, gap: Tensor) -> Tensor:
        """Return the share (N,) that fitted vertices count: an eyeball less behind a shut lid.

        gap  (2, 5) of the person's lids without expression, m
        """
        others = torch.einsum("e,eop->op", expression, self._gap_by_shape)
        wanted = (gap + others + LID_OVERLAP_M) / self._travel.clamp_min(1e-4)
        touching = wanted.amax(dim=1).clamp(LEAST_BLINK, 1.0)
        blink = self._blinks[:, EXPRESSION_START:] @ expression
        shown = (1.8 - 2.0 * blink / touching).clamp(0.0, 1.0)
        return 1.0 - (1.0 - shown) @ self._balls

    def add(
        self,
        rows: TensorRows,
        values: Tensor,
        between: Between,
        hessian: Tensor,
        gradient: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the normal equations with all that is known added."""
        seen = self._eyes_seen(rows)
        hessian, gradient = self._tied(seen, values, hessian, gradient)
        hessian = hessian + self._within
        gradient = gradient + self._within @ (values - self._centre)
        hessian, gradient = self._lids_after_gaze(values, hessian, gradient)
        held = self._step * (1.0 + (seen - 1.0) @ self._eyes)
        information = held * between.held * USUAL_INTERVAL_S / between.interval_s
        squared = between.surprise * between.surprise * information
        dof = self._settings.step_dof
        information = information * (dof + 1.0) / (dof + squared)
        return hessian + torch.diag(information), gradient + information * between.surprise

    def _eyes_seen(self, rows: TensorRows) -> Tensor:
        share = rows.by_place / (rows.weight * rows.weight).clamp_min(1e-30)
        slopes = rows.jacobian @ self._blinks.T.float()  # (2N, 2)
        squares = (slopes * slopes).unflatten(0, (-1, 2)).sum(dim=1).double()
        information = (share @ squares).clamp_min(1e-12)
        return information / information.amax()

    def _tied(
        self, seen: Tensor, values: Tensor, hessian: Tensor, gradient: Tensor
    ) -> tuple[Tensor, Tensor]:
        worse, settings = seen.amin(), self._settings
        firm = (1.0 - worse) / settings.unseen_lid_sigma**2
        charge = torch.stack([firm + worse / settings.wink_sigma**2, firm])
        return (
            hessian + (self._apart.T * charge) @ self._apart,
            gradient + (charge * (self._apart @ values)) @ self._apart,
        )

    def _lids_after_gaze(
        self, values: Tensor, hessian: Tensor, gradient: Tensor
    ) -> tuple[Tensor, Tensor]:
        implied = self._lid_slope * (self._angle @ values)
        free = ((implied > 0.0) & (implied < 1.0)).to(values.dtype)
        miss = self._lid @ values - implied.clamp(0.0, 1.0)
        rows = self._lid - (self._lid_slope * free)[:, None] * self._angle
        information = self._lid_information
        return hessian + information * rows.T @ rows, gradient + information * miss @ rows
