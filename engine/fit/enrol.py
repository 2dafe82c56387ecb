"""Learns the person: identity coefficients and focal length from chosen frames.

Every keyframe leaves a quadratic in the shared unknowns alone: its normal equations with pose,
gaze, neck and expression marginalised by a Schur complement. The quadratics add up, older ones
fade, and their minimum is the person. A keyframe must narrow the person down and counts by what it
does not share with the others, so that a face that keeps still neither drifts nor outweighs the
rest.
Source: method.md section 4 (live); Triggs et al. 2000, Bundle adjustment, section 6.1.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.fit.evidence import Evidence
from engine.fit.keyframes import Poses
from engine.fit.residuals import EXPRESSION_START, Measurement, Rows, View
from engine.fit.settings import EnrolSettings
from engine.fit.solver import FitState, Past, Solver
from engine.fit.traits import Guess, PersonBelief
from engine.geometry import rigid
from engine.types import Array, FaceTraits

_AT_BOUND = 1e-9
_CLOSE = 0.05  # coefficients are this near to where they should be


class Enrolment:
    """Collects evidence on one person and moves the solver's identity and the focal length.

    solver      whose head model and person it works on
    intrinsics  (3, 3) assumed camera matrix; its focal lengths are scaled, its centre is kept
    settings    when a frame is a keyframe, and the priors
    fit_focal   False for a calibrated camera
    """

    def __init__(
        self,
        solver: Solver,
        intrinsics: Array,
        settings: EnrolSettings | None = None,
        *,
        fit_focal: bool = True,
    ) -> None:
        self._solver, self._assumed = solver, intrinsics.copy()
        self._settings = settings or EnrolSettings()
        self._fit_focal = fit_focal and self._settings.fit_focal
        shared = len(solver.head.identity_basis) + 1
        self._belief = PersonBelief(shared - 1, self._settings.identity_correlation)
        self._columns = np.zeros((2 * len(solver.chosen.vertex), shared), np.float32)
        self.restart()

    def restart(self) -> None:
        """Forget the person; the solver goes back to the mean head."""
        shared, settings = self._columns.shape[1], self._settings
        shapes = len(self._solver.head.expression_names)
        self._evidence = Evidence(shared, settings.remembered)
        self._shared = np.zeros(shared)
        self._belief.forget()
        self._used = Poses(shapes, settings.views, settings)
        self._looked_at = Poses(shapes, settings.views, settings)
        self._frames = self._last_look = self._last_move = 0
        self._left = 0.0
        self._solver.become(np.zeros(shared - 1))

    @property
    def intrinsics(self) -> Array:
        """The camera matrix (3, 3) with the focal length learnt so far."""
        scaled = self._assumed.copy()
        scaled[[0, 1], [0, 1]] *= np.exp(self._shared[-1])
        return scaled

    @property
    def assumed(self) -> Array:
        """The camera matrix (3, 3) that was assumed."""
        return self._assumed.copy()

    @property
    def keyframes(self) -> int:
        """How many frames have been used."""
        return self._used.count

    def believe(self, traits: FaceTraits | None) -> None:
        """Take in what the network says of the person in a frame that is believed."""
        self._belief.add(traits)

    def observe(
        self, measurement: Measurement, state: FitState, guess: Guess | None = None
    ) -> bool:
        """Look at a fitted frame; True if person or focal length changed: solve it again.

        guess  the prior on the expression that the frame was fitted with
        """
        self._frames += 1
        settings = self._settings
        early = self._frames in settings.first_frames
        if not early and not self._worth_a_look(state):
            return self._moved_on()
        self._last_look = self._frames
        self._looked_at.add(state)
        information, pull = self._marginal(measurement, state, guess)
        worth = 1.0 - self._used.likeness(state) ** 2
        worth = max(worth, settings.first_worth) if early else worth
        gain = self._evidence.gain(worth * information, self._prior()[0])
        if not early and gain < settings.least_gain:
            return self._moved_on()
        self._used.add(state)
        self._evidence.add(information, pull, worth)
        self._move()
        return True

    def _worth_a_look(self, state: FitState) -> bool:
        """Whether a frame may be news; cheap, as it is asked of every frame."""
        settings = self._settings
        if self._frames - self._last_look < settings.interval_frames:
            return False
        return self._looked_at.likeness(state) < settings.most_alike

    def _marginal(
        self, measurement: Measurement, state: FitState, guess: Guess | None
    ) -> tuple[Array, Array]:
        """Return a frame's quadratic (S, S), (S,) in the absolute shared unknowns."""
        solver = self._solver
        hessian, gradient = solver.normal_equations(
            measurement, self.intrinsics, state, guess=guess
        )
        view = solver.view(self.intrinsics, state)
        rows = solver.rows
        identity_columns(
            solver.chosen.identity,
            solver.chosen.joint_identity,
            solver.chosen.skin,
            view,
            rows,
            self._columns,
        )
        mixed = (rows.jacobian.T @ self._columns).astype(np.float64)
        shared_hessian = (self._columns.T @ self._columns).astype(np.float64)
        shared_gradient = (rows.residual @ self._columns).astype(np.float64)
        free = _free(state)
        solved = np.linalg.solve(
            hessian[np.ix_(free, free)], np.column_stack([mixed[free], gradient[free]])
        )
        information = shared_hessian - mixed[free].T @ solved[:, :-1]
        slope = shared_gradient - mixed[free].T @ solved[:, -1]
        return information, information @ self._shared - slope

    def _prior(self) -> tuple[Array, Array]:
        """Return precision (S,) and precision x mean (S,) of what is known without keyframes."""
        settings = self._settings
        precision, pull = self._belief.prior(
            settings.identity_sigma, settings.identity_prior_weight
        )
        focal_sigma = settings.focal_sigma if self._fit_focal else 1e-6
        return np.append(precision, focal_sigma**-2.0), np.append(pull, 0.0)

    def _move(self) -> None:
        """Go to the most likely person, after the first keyframes by small steps."""
        settings = self._settings
        way = self._evidence.minimum(*self._prior()) - self._shared
        length = float(np.linalg.norm(way))
        share = 1.0
        if self.keyframes > len(settings.first_frames):
            share = min(settings.rate, settings.largest_step / max(length, 1e-9))
        self._left = (1.0 - share) * length
        self._last_move = self._frames
        self._shared = self._shared + share * way
        self._solver.become(self._shared[:-1])

    def _moved_on(self) -> bool:
        """Take another step if the last one was cut short and is a while ago."""
        waited = self._frames - self._last_move >= self._settings.interval_frames
        if not waited or self._left < _CLOSE:
            return False
        self._move()
        return True


def warm_up(solver: Solver, enrolment: Enrolment) -> None:
    """Compile the loops, so that the first frame does not wait for it. Leaves no trace."""
    count = len(solver.chosen.vertex)
    nothing = Measurement(np.zeros((count, 2)), np.ones(count), np.zeros(count))
    state = solver.rest(rigid(np.eye(3), np.array([0.0, 0.0, 0.5])))
    solver.solve(nothing, enrolment.intrinsics, state, Past(state, 1 / 30), steps=1)
    enrolment.observe(nothing, state)
    enrolment.restart()


def _free(state: FitState) -> NDArray[np.bool_]:
    """Mask (13 + E,) of the unknowns that no bound holds."""
    free = np.ones(EXPRESSION_START + len(state.expression), bool)
    held = (state.expression <= _AT_BOUND) | (state.expression >= 1.0 - _AT_BOUND)
    free[EXPRESSION_START:] = ~held
    return free


@njit(cache=True, nogil=True)
def identity_columns(
    basis: Array, joint_basis: Array, skin: Array, view: View, rows: Rows, columns: Array
) -> None:
    """Write the weighted derivatives by identity and log focal length at a linearised state.

    basis        (N, 3, K) float32, metres; joint_basis (4, 3, K)
    skin         (N, 4) float32
    rows         of the same state: its weights and projections are used
    columns      (2N, K + 1) float32, written
    """
    m, k = view.camera_from_head, view.intrinsics
    by_vertex, by_joint = np.empty(3), np.empty((4, 3))
    for i in range(basis.shape[0]):
        for axis in range(2):
            row = columns[2 * i + axis]
            focal = rows.projected[i, axis] - k[axis, 2]
            row[row.shape[0] - 1] = rows.weight[i] * focal
            # The shift columns hold weight x derivative by camera-space position.
            shift = rows.jacobian[2 * i + axis, 3:6]
            for c in range(3):
                by_vertex[c] = shift[0] * m[0, c] + shift[1] * m[1, c] + shift[2] * m[2, c]
            _through_joints(skin[i], view.rotations, by_vertex, by_joint)
            p = np.float32(by_vertex[0])
            q = np.float32(by_vertex[1])
            s = np.float32(by_vertex[2])
            x, y, z = basis[i, 0], basis[i, 1], basis[i, 2]
            for n in range(basis.shape[2]):
                row[n] = p * x[n] + q * y[n] + s * z[n]
            for j in range(4):
                if skin[i, j] != 0.0:
                    for c in range(3):
                        for n in range(basis.shape[2]):
                            row[n] += by_joint[j, c] * joint_basis[j, c, n]


@njit(cache=True)
def _through_joints(weights: Array, rotations: Array, by_vertex: Array, by_joint: Array) -> None:
    """Turn a derivative by the posed vertex into those by the unposed one and by the joints."""
    g0, g1, g2 = by_vertex[0], by_vertex[1], by_vertex[2]
    for j in range(4):
        w = float(weights[j])
        for c in range(3):
            turn = g0 * rotations[j, 0, c] + g1 * rotations[j, 1, c] + g2 * rotations[j, 2, c]
            still = g0 if c == 0 else (g1 if c == 1 else g2)
            by_joint[j, c] = w * (still - turn)
            by_vertex[c] -= by_joint[j, c]
