"""The fit of one frame: robust, sigma-weighted Gauss-Newton on pose, gaze, neck and expression.

Source: method.md section 4 (live), after Taubner et al. 2024; every step solves its quadratic
exactly under the coefficients' bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.fit.bounded import minimise_bounded
from engine.fit.closure import Closure
from engine.fit.contact import Contact
from engine.fit.deformation import smooth_offsets
from engine.fit.heads import HeadModel
from engine.fit.lids import Lids
from engine.fit.noise import NoiseModel
from engine.fit.priors import add_priors, priors_for
from engine.fit.residuals import (
    EXPRESSION_START,
    GAZE,
    NECK,
    POSE,
    ROTATION,
    Carried,
    Measurement,
    Person,
    Robust,
    Rows,
    View,
    linearise,
    rows_for,
)
from engine.fit.retarget import LOOK_LIMITS_RAD
from engine.fit.sampling import fit_vertices, vertex_normals
from engine.fit.settings import FitSettings, MotionSettings
from engine.fit.shared_errors import Discount, SharedErrors
from engine.fit.skinning import joint_motion, joints_of, neutral_of, posed
from engine.fit.state import FitState, Past
from engine.fit.steps import Steps
from engine.fit.traits import Guess
from engine.types import Alignment, Array, Identity

FACE_REGIONS = ("face", "eyes", "nose", "mouth")


@dataclass(frozen=True, eq=False)
class Body:
    """A person as the fit wants them; made once per change, on any thread."""

    identity: Identity
    joints: Array  # (4, 3) metres
    chosen: Person  # the fitted vertices


class Solver:
    """Fits one head model to alignments; keeps the person's shape and the working memory.

    head      any HeadModel whose expression names include jawOpen and the eyeLook shapes
    settings  weights and limits
    look_limits_rad  gaze at which an eyeLook shape is 1, by direction
    motion    how what is carried over from the last frame is weighed
    noise     how the network errs; only FitSettings.marginalise asks for it
    """

    def __init__(
        self,
        head: HeadModel,
        settings: FitSettings | None = None,
        look_limits_rad: tuple[tuple[str, float], ...] = LOOK_LIMITS_RAD,
        motion: MotionSettings | None = None,
        noise: NoiseModel | None = None,
    ) -> None:
        self.head, self.settings = head, settings or FitSettings()
        self.motion_settings = motion or MotionSettings()
        known = noise if self.settings.marginalise else None
        self.chosen = fit_vertices(head, self.settings, known)
        self._offsets = self._static_offsets()
        self.shared_errors = known and SharedErrors(self.chosen.modes, known.persistence)
        self.steps: Steps | None = None  # who takes the steps instead of the compiled loops
        self.shared: Array | None = None  # (K, 2) amplitudes of the shared errors, last solution
        self.discount: Discount | None = None  # of the last normal equations
        self.picture: tuple[Array, Array] = (
            np.zeros((0, 0)),
            np.zeros(0),
        )  # theirs, before all that is known without it
        self.priors = priors_for(head.expression_names, self.settings, dict(look_limits_rad))
        self._rows = rows_for(len(self.chosen.vertex), len(head.expression_names))
        self._jaw_open = head.expression_names.index("jawOpen")
        faces = [i for i, name in enumerate(head.region_names) if name in FACE_REGIONS]
        self.face = np.flatnonzero(np.isin(head.region, faces))
        self.robust = Robust(
            self.settings.student_dof,
            self.settings.facing_zero,
            self.settings.facing_full,
            self.settings.hidden_share,
            self.motion_settings.student_dof,
        )
        self.lids = Lids(head.expression_names, self.settings, self.chosen.eyeballs)
        self.closure, self.contact = Closure(head), Contact(head, self.settings)
        count = len(self.chosen.vertex)
        self.nothing = Carried(np.zeros((count, 2)), np.ones(count), np.zeros(count))
        self._anchors = np.zeros(0, np.int32)  # of the last alignment, and what follows from them
        self._measured_rows = self._face_rows = self._row_of = np.zeros(0, np.int64)
        self.become(np.zeros(self.shape_size))

    @property
    def shape_size(self) -> int:
        """How many coefficients a person's shape has: identity, then static offsets."""
        return self.chosen.identity.shape[2]

    def become(self, shape: Array) -> None:
        """Take the shape of a person (S,): identity coefficients, then those of the offsets."""
        count = len(self.head.identity_basis)
        coefficients, offsets = shape[:count], shape[count:]
        neutral = neutral_of(self.head, coefficients)
        if np.any(offsets):
            flat = offsets.astype(np.float32) @ self._offsets.reshape(len(self._offsets), -1)
            neutral = neutral + flat.reshape(neutral.shape)
        joints = joints_of(self.head, coefficients)
        chosen = self.chosen.vertex
        self.adopt(
            Body(
                Identity(coefficients.copy(), neutral),
                joints,
                Person(
                    neutral=np.ascontiguousarray(neutral[chosen], dtype=np.float32),
                    normals=vertex_normals(neutral, self.head.triangles)[chosen],
                    joints=joints,
                ),
            )
        )

    def _static_offsets(self) -> Array:
        """Return the basis (D, V, 3) of static offsets; a person is made of it as well."""
        settings = self.settings
        offsets = smooth_offsets(
            self.head, settings.offset_modes, settings.offset_width_m, settings.offset_sigma_m
        )
        rows = np.moveaxis(offsets[:, self.chosen.vertex], 0, -1).astype(np.float32)
        still = np.zeros((4, 3, len(offsets)), np.float32)
        self.chosen = replace(
            self.chosen,
            identity=np.ascontiguousarray(np.concatenate([self.chosen.identity, rows], axis=2)),
            joint_identity=np.ascontiguousarray(
                np.concatenate([self.chosen.joint_identity, still], axis=2)
            ),
        )
        return offsets

    def adopt(self, body: Body) -> None:
        """Take the shape of a person that another solver of the same head has made."""
        self.body, self.identity, self.joints = body, body.identity, body.joints
        self._person = body.chosen

    @property
    def person(self) -> Person:
        """The fitted vertices of the person."""
        return self._person

    @property
    def rows(self) -> Rows:
        """The rows of the last linearisation."""
        return self._rows

    def rest(self, camera_from_head: Array) -> FitState:
        """Return the neutral, straight-looking face at a pose (4, 4)."""
        return FitState(
            camera_from_head,
            np.zeros(len(self.head.expression_names)),
            np.zeros((2, 2)),
            np.zeros(3),
        )

    def measured(self, alignment: Alignment) -> Measurement:
        """Pick the fitted vertices out of an alignment; what it lacks has no information."""
        if not np.array_equal(alignment.anchors, self._anchors):
            self._anchors = alignment.anchors
            self._row_of = row_of = np.full(len(self.head.neutral), -1)
            row_of[alignment.anchors] = np.arange(len(alignment.anchors))
            self._measured_rows, self._face_rows = row_of[self.chosen.vertex], row_of[self.face]
            self._face_rows = self._face_rows[self._face_rows >= 0]
        rows = self._measured_rows
        points = alignment.points_px[rows].astype(np.float64)
        face = alignment.points_px[self._face_rows]
        face = face[_finite(face)]
        floor = self.settings.sigma_floor_share * face_size_px(face)
        sigma = np.maximum(alignment.sigma_px[rows].astype(np.float64), floor)
        good = (rows >= 0) & _finite(points) & np.isfinite(sigma)
        return Measurement(
            points=np.where(good[:, None], points, 0.0),
            sigma=np.where(good, sigma, 1.0),
            information=np.where(good, self.chosen.information, 0.0),
            gaps=self.contact.measured(alignment, self._row_of),
        )

    def solve(
        self,
        measurement: Measurement,
        intrinsics: Array,
        start: FitState,
        past: Past | None = None,
        steps: int | None = None,
        guess: Guess | None = None,
    ) -> FitState:
        """Take Gauss-Newton steps from `start`.

        steps  how many; None as many as a followed frame takes: some, and more where they went far,
               since far away the energy is no quadratic
        past   adds the priors between frames; guess one on this frame's expression
        """

        def stepped(state: FitState, count: int) -> FitState:
            return self._stepped(measurement, intrinsics, state, past, count, guess)

        if steps is not None:
            return stepped(start, steps)
        state, settings = stepped(start, self.settings.steps), self.settings
        change = state.change_since(start)
        turned = float(np.linalg.norm(change[ROTATION]))
        moved = float(np.abs(change[EXPRESSION_START:]).max())
        far = moved > settings.far_change or turned > settings.far_turn_rad
        return stepped(state, settings.far_steps) if far else state

    def _stepped(
        self,
        measurement: Measurement,
        intrinsics: Array,
        state: FitState,
        past: Past | None,
        count: int,
        guess: Guess | None,
    ) -> FitState:
        if self.steps is not None:
            return self.steps.taken(self, measurement, intrinsics, state, past, count, guess)
        for _ in range(count):
            hessian, gradient = self.normal_equations(measurement, intrinsics, state, past, guess)
            diagonal = np.einsum("ii->i", hessian)
            diagonal *= 1.0 + self.settings.damping
            low, high = self._bounds(state)
            step = minimise_bounded(hessian, gradient, low, high)
            state = state.moved(step)
            if self.discount is not None:
                moved = self._rows.jacobian @ step.astype(np.float32)
                self.shared = self.discount.amplitudes(moved)
        return state

    def normal_equations(
        self,
        measurement: Measurement,
        intrinsics: Array,
        state: FitState,
        past: Past | None = None,
        guess: Guess | None = None,
    ) -> tuple[Array, Array]:
        """Return Hessian (P, P) and gradient (P,) of the energy at a state, P = 13 + E."""
        touching = self.touching(state)

        def uncovered(information: Array) -> Array:
            return self.lids.uncovered(information, state.expression, touching)

        carried = past.motion if past else None
        if carried is not None:
            carried = carried._replace(information=uncovered(carried.information))
        seen_now = measurement._replace(information=uncovered(measurement.information))
        self.linearised(seen_now, intrinsics, state, carried)
        hessian, gradient = self._data(seen_now, past)
        values, seen = state.values(), self.lids.seen(self._rows)
        self.lids.tie(seen, values, hessian, gradient)
        add_priors(
            self.priors._replace(step=self.lids.held(self.priors.step, seen)),
            values,
            past.surprise(state) if past else np.zeros(len(gradient)),
            past.interval_s if past else 0.0,
            0 if past and past.hold_pose else POSE.stop,
            self.settings.step_dof,
            hessian,
            gradient,
        )
        shapes = slice(EXPRESSION_START, None)
        self.contact.add(
            self.contact.charge(measurement.gaps, state.camera_from_head, float(intrinsics[1, 1])),
            self.identity.neutral,
            self.joints,
            state.expression,
            hessian[shapes, shapes],
            gradient[shapes],
        )
        if guess is not None:
            np.einsum("ii->i", hessian)[shapes] += guess.information
            gradient[shapes] += guess.information * (state.expression - guess.mean)
        return hessian, gradient

    def _data(self, measurement: Measurement, past: Past | None) -> tuple[Array, Array]:
        """Return what the linearised rows say, shared errors of the network taken off."""
        rows = self._rows
        hessian = (rows.jacobian.T @ rows.jacobian).astype(np.float64)
        gradient = (rows.residual @ rows.jacobian).astype(np.float64)
        self.picture = hessian.copy(), gradient.copy()
        if self.shared_errors is not None:
            before, since = (past.shared, past.interval_s) if past else (None, 0.0)
            self.discount = self.shared_errors.discount(rows, measurement, before, since)
            cross = self.discount.cross(rows.jacobian)
            hessian -= cross.T @ cross
            gradient -= self.discount.slope(cross)
        return hessian, gradient

    def linearised(
        self,
        measurement: Measurement,
        intrinsics: Array,
        state: FitState,
        motion: Carried | None = None,
    ) -> Rows:
        """Return the weighted rows at a state. They are overwritten by the next call."""
        view = self.view(intrinsics, state)
        linearise(
            self.chosen.expression,
            self.chosen.skin,
            self._person,
            view,
            measurement,
            self.nothing if motion is None else motion,
            self.robust,
            self._rows,
        )
        return self._rows

    def view(self, intrinsics: Array, state: FitState) -> View:
        """Return a state as the compiled loops want it."""
        jaw_open = float(state.expression[self._jaw_open])
        motion = joint_motion(jaw_open, state.gaze, state.neck, self.head.jaw_open_rad)
        basis = self.chosen.expression
        offsets = basis.reshape(-1, basis.shape[2]) @ state.expression.astype(np.float32)
        # Copies: values that have left the tracker are read-only, which numba takes for another
        # type and would compile everything again.
        return View(
            shaped=(self._person.neutral + offsets.reshape(-1, 3)).astype(np.float64),
            rotations=motion.rotations,
            derivatives=motion.derivatives,
            camera_from_head=np.array(state.camera_from_head, np.float64),
            intrinsics=np.array(intrinsics, np.float64),
            jaw_open=self._jaw_open,
        )

    def vertices(self, state: FitState) -> Array:
        """Return all vertices (V, 3) of the person at a state, metres, head space."""
        return posed(
            self.head,
            self.identity.neutral,
            self.joints,
            state.expression,
            state.gaze,
            state.neck,
        )

    def touching(self, state: FitState) -> Array:
        """Return the eyeBlinkLeft and eyeBlinkRight (2,) at which this person's lids just meet.

        The rest of the state's expression counts: a lower lid that is raised meets sooner.
        """
        return self.closure.blinks(self.identity.coefficients, state.expression)

    def _bounds(self, state: FitState) -> tuple[Array, Array]:
        values = state.values()
        low, high = -values, 1.0 - values
        low[POSE], high[POSE] = -np.inf, np.inf
        for part, limit in (
            (GAZE, self.settings.gaze_limit_rad),
            (NECK, self.settings.neck_limit_rad),
        ):
            low[part], high[part] = -limit - values[part], limit - values[part]
        return np.minimum(low, 0.0), np.maximum(high, 0.0)


def _finite(points_px: Array) -> NDArray[np.bool_]:
    return np.isfinite(points_px[:, 0]) & np.isfinite(points_px[:, 1])


def face_size_px(points_px: Array) -> float:
    """Return the square root of the area of the box around points (N, 2), pixels."""
    if not len(points_px):
        return 1.0
    x, y = points_px[:, 0], points_px[:, 1]  # columns: reductions along the rows' axis are slow
    area = float(x.max() - x.min()) * float(y.max() - y.min())
    return float(np.sqrt(max(area, 1.0)))
