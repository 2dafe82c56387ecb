"""One Gauss-Newton step on tensors; follows Solver.solve and Solver.normal_equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.fit.residuals import EXPRESSION_START, GAZE, NECK, POSE, ROTATION, SHIFT
from engine.fit.skinning import JAW
from engine.fit.solver import Solver
from engine.fit.tensors.bounded import minimise_bounded
from engine.fit.tensors.closed import Closed, SeenGaps
from engine.fit.tensors.known import Between, Known
from engine.fit.tensors.rows import JOINT_OF, Seen, Surface, TensorRows, linearised
from engine.fit.tensors.turning import Turns, crosses, joint_turns, turned_by, vector_of

_SHAPES = slice(EXPRESSION_START, None)


class Stepped(NamedTuple):
    """A state, and what it was found from."""

    camera_from_head: Tensor  # (4, 4)
    values: Tensor  # (P,)
    rows: TensorRows  # at the state before
    hessian: Tensor  # (P, P) of the picture alone, before what is known without it
    gradient: Tensor  # (P,)


class Equations(NamedTuple):
    """The energy about a state."""

    hessian: Tensor  # (P, P)
    gradient: Tensor  # (P,)
    rows: TensorRows
    picture: tuple[Tensor, Tensor]  # (P, P), (P,) of the picture alone


class Step:
    """The step of one solver's settings and head on a device; it keeps nothing of a frame."""

    def __init__(self, solver: Solver, device: torch.device) -> None:
        self._robust, self._settings = solver.robust, solver.settings
        self._jaw_open_rad = solver.head.jaw_open_rad
        jaw_open = solver.head.expression_names.index("jawOpen")
        chosen, size = solver.chosen, len(solver.head.expression_names)
        self._basis = torch.as_tensor(chosen.expression, device=device)
        self._skin = torch.as_tensor(chosen.skin.astype(np.float64), device=device)
        self._jaw = torch.as_tensor(np.eye(size, dtype=np.float32)[jaw_open], device=device)
        self._joint_of = torch.as_tensor(JOINT_OF, device=device)
        self._axes = crosses(device)
        self._known = Known(solver, device)
        self._closed = Closed(solver.contact, jaw_open, device)
        low, high = np.zeros(EXPRESSION_START + size), np.ones(EXPRESSION_START + size)
        low[POSE], high[POSE] = -np.inf, np.inf
        for part, limit in (
            (GAZE, self._settings.gaze_limit_rad),
            (NECK, self._settings.neck_limit_rad),
        ):
            low[part], high[part] = -limit, limit
        self._low, self._high = (torch.as_tensor(b, device=device) for b in (low, high))

    def __call__(self, given: Mapping[str, Tensor], pose: Tensor, values: Tensor) -> Stepped:
        """Return the state after a step.

        given  by frame.given_shapes; pose (4, 4) and values (P,) of the state, frame.state_shapes
        """
        found = self.equations(given, pose, values)
        damped = found.hessian + torch.diag(found.hessian.diagonal() * self._settings.damping)
        step = minimise_bounded(
            damped,
            found.gradient,
            (self._low - values).clamp_max(0.0),
            (self._high - values).clamp_min(0.0),
        )
        return Stepped(*self._moved(pose, values, step), found.rows, *found.picture)

    def equations(self, given: Mapping[str, Tensor], pose: Tensor, values: Tensor) -> Equations:
        """Return the normal equations at a state."""
        expression = values[_SHAPES]
        turns = joint_turns(
            (self._jaw * expression).sum(), values[GAZE], values[NECK], self._jaw_open_rad,
            self._axes,
        )  # fmt: skip
        rows = self._rows(given, turns, pose, expression)
        hessian = (rows.jacobian.T @ rows.jacobian).double()
        gradient = (rows.residual @ rows.jacobian).double()
        picture = hessian, gradient
        between = Between(self._surprise(given, pose, values), given["interval_s"], given["held"])
        hessian, gradient = self._known.add(rows, values, between, hessian, gradient)
        charge, pull = self._closed.add(
            SeenGaps(given["gap_px"], given["gap_sigma_px"]),
            pose,
            given["intrinsics"][1, 1],
            given["rims"],
            given["joints"][JAW],
            turns.rotations[JAW],
            turns.derivatives[7],
            expression,
        )
        charge = charge + torch.diag(given["guess_information"])
        pull = pull + given["guess_information"] * (expression - given["guess_mean"])
        before = EXPRESSION_START, 0
        return Equations(
            hessian + torch.nn.functional.pad(charge, before * 2),
            gradient + torch.nn.functional.pad(pull, before),
            rows,
            picture,
        )

    def _rows(
        self, given: Mapping[str, Tensor], turns: Turns, pose: Tensor, expression: Tensor
    ) -> TensorRows:
        shaped = given["neutral"].float() + self._basis @ expression.float()
        surface = Surface(
            shaped.double(),
            given["normals"],
            given["joints"],
            self._basis,
            self._skin,
            self._jaw,
            self._joint_of,
        )
        shown = self._known.uncovered(expression, given["lid_gaps"])
        place, motion = (
            Seen(given[f"{kind}points"], given[f"{kind}sigma"], shown * given[f"{kind}information"])
            for kind in ("", "carried_")
        )
        return linearised(surface, turns, pose, given["intrinsics"], place, motion, self._robust)

    def _surprise(self, given: Mapping[str, Tensor], pose: Tensor, values: Tensor) -> Tensor:
        before = given["before_pose"]
        turned = vector_of(pose[:3, :3] @ before[:3, :3].T)
        moved = torch.cat([turned, pose[:3, 3] - before[:3, 3]]) - given["lead"]
        return torch.cat([moved, (values - given["before_values"])[POSE.stop :]])

    def _moved(self, pose: Tensor, values: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        turn, _ = turned_by(step[ROTATION], self._axes)
        rotation = turn @ pose[:3, :3]
        shift = pose[:3, 3] + step[SHIFT]
        top = torch.cat([rotation, shift[:, None]], dim=1)
        values = torch.cat([values[POSE], (values + step)[POSE.stop :]])
        shapes = values[_SHAPES].clamp(0.0, 1.0)
        return torch.cat([top, pose[3:]]), torch.cat([values[:EXPRESSION_START], shapes])
