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
from numpy.typing import NDArray

from engine.fit.evidence import Evidence
from engine.fit.keyframes import Poses
from engine.fit.person import Knowledge
from engine.fit.recognition import misfit
from engine.fit.residuals import EXPRESSION_START, Measurement
from engine.fit.settings import EnrolSettings
from engine.fit.shape_columns import identity_columns
from engine.fit.solver import FitState, Past, Solver
from engine.fit.traits import Guess, PersonBelief
from engine.geometry import rigid
from engine.types import Array, FaceTraits

_AT_BOUND = 1e-9
_FIXED = 1e-6  # standard deviation of what is not to be learnt
_CLOSE = 0.05  # coefficients are this near to where they should be
_WORTH_KEEPING = 8  # keyframes of somebody who is remembered when another person comes


class Enrolment:
    """Collects evidence on one person and moves the solver's shape and the focal length.

    solver      whose head model and person it works on
    intrinsics  (3, 3) assumed camera matrix; its focal lengths are scaled, its centre is kept
    settings    when a frame is a keyframe, and the priors
    fit_focal   False for a calibrated camera
    log_focal   mean and standard deviation of the logarithm of the focal length relative to the
                assumed one, if more is known than the settings say
    person      somebody known from earlier; whether it is them is told by the first keyframes
    """

    def __init__(
        self,
        solver: Solver,
        intrinsics: Array,
        settings: EnrolSettings | None = None,
        *,
        fit_focal: bool = True,
        log_focal: tuple[float, float] | None = None,
        person: Knowledge | None = None,
    ) -> None:
        self._solver, self._assumed = solver, intrinsics.copy()
        self._settings = settings or EnrolSettings()
        self._log_focal = log_focal or (0.0, self._settings.focal_sigma)
        if not (fit_focal and self._settings.fit_focal):
            self._log_focal = (0.0, _FIXED)
        shared, self._identity = solver.shape_size + 1, len(solver.head.identity_basis)
        self._belief = PersonBelief(self._identity, self._settings.identity_correlation)
        self._columns = np.zeros((2 * len(solver.chosen.vertex), shared), np.float32)
        self._earlier = person
        self._begin()
        if person is not None:
            self._recall(person)

    def _begin(self) -> None:
        shared, settings = self._columns.shape[1], self._settings
        shapes = len(self._solver.head.expression_names)
        self._evidence = Evidence(shared, settings.remembered)
        self._session = Evidence(shared, settings.remembered)  # of this person, since `_begin`
        self._shared = np.zeros(shared)
        self._belief.forget()
        self._used = Poses(shapes, settings.views, settings)
        self._looked_at = Poses(shapes, settings.views, settings)
        self._used_before = Poses(shapes, settings.views, settings)
        self._frames = self._last_look = self._last_move = 0
        self._left = 0.0
        self._recalled, self.known = False, self._earlier is None
        self._solver.become(np.zeros(shared - 1))

    def restart(self) -> None:
        """Forget the person; the solver goes back to the mean head.

        Somebody who has been seen well is recognised when they come back.
        """
        if self.known and self.keyframes >= _WORTH_KEEPING:
            self._earlier = self.knowledge()
        self._begin()

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
        """How many frames have been used since the person appeared."""
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
        new = min(worth, 1.0 - self._used_before.likeness(state) ** 2)
        gain = self._evidence.gain(new * information, self._prior()[0])
        if not early and gain < settings.least_gain:
            return self._moved_on()
        self._used.add(state)
        self._session.add(information, pull, worth)
        self._evidence.add(information, pull, new)
        self._recognise()
        self._move()
        return True

    def worth_keeping(self) -> Knowledge | None:
        """Return what is known of the person with the name, who need not be the one in front."""
        if self.known and (self.keyframes or self._earlier is not None):
            return self.knowledge()
        return self._earlier

    def knowledge(self) -> Knowledge:
        """Return what is known of the person in front of the camera."""
        precision, pull = self._prior()
        information, drawn = self._evidence.without_last(precision[-1], pull[-1])
        whole = self._evidence.information + np.diag(precision)
        rotations, expressions = self._used_before.joined(self._used)
        return Knowledge(
            shape=self._shared[:-1].copy(),
            information=information,
            pull=drawn,
            worth=self._evidence.worth,
            belief_frames=self._belief.frames,
            belief_information=self._belief.information.copy(),
            belief_weighted=self._belief.weighted.copy(),
            rotations=rotations,
            expressions=expressions,
            log_focal=float(self._shared[-1]),
            log_focal_sigma=float(np.sqrt(np.linalg.inv(whole)[-1, -1])),
        )

    def _recognise(self) -> None:
        """Tell from this session's keyframes whether somebody known from earlier is seen."""
        settings, earlier = self._settings, self._earlier
        if earlier is None or self.keyframes < settings.recognised_after:
            return
        precision, pull = self._prior()
        off = misfit(earlier.shape, *self._session.without_last(precision[-1], pull[-1]))
        if self.known and off > settings.stranger_misfit:
            self.known = self._recalled = False
            self._used_before.forget()
            self._belief.forget()
            self._evidence = self._session.copy()
        elif not self.known and off < settings.known_misfit:
            self._recall(earlier)

    def _recall(self, person: Knowledge) -> None:
        """Add what is known from earlier to what this session has seen."""
        self.known = self._recalled = True
        self._evidence = self._session.copy()
        before = Evidence(len(self._shared), self._settings.remembered)
        before.information[:-1, :-1], before.pull[:-1] = person.information, person.pull
        before.worth = person.worth
        before.fade(self._settings.remembered - self._session.worth)
        self._evidence.information += before.information
        self._evidence.pull += before.pull
        self._evidence.worth += before.worth
        self._belief.restore(
            person.belief_frames, person.belief_information, person.belief_weighted
        )
        self._used_before.restore(person.rotations, person.expressions)
        if not self.keyframes:
            self._shared = np.append(person.shape, self._log_focal[0])
            self._solver.become(person.shape)

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
        if solver.discount is not None:
            by_person = solver.discount.cross(self._columns)
            mixed -= solver.discount.cross(rows.jacobian).T @ by_person
            shared_hessian -= by_person.T @ by_person
            shared_gradient -= solver.discount.slope(by_person)
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
        offsets = len(self._shared) - 1 - self._identity
        settled = self._evidence.worth > settings.offset_after
        mean, sigma = self._log_focal
        loose = np.full(offsets, 1.0 if settled else _FIXED**-2)
        return (
            np.concatenate([precision, loose, [sigma**-2.0]]),
            np.concatenate([pull, np.zeros(offsets), [mean * sigma**-2.0]]),
        )

    def _move(self) -> None:
        """Go to the most likely person, after the first keyframes by small steps."""
        settings = self._settings
        way = self._evidence.minimum(*self._prior()) - self._shared
        length = float(np.linalg.norm(way))
        share = 1.0
        if self._recalled or self.keyframes > len(settings.first_frames):
            share = min(settings.rate, settings.largest_step / max(length, 1e-9))
        self._left = (1.0 - share) * length
        self._last_move = self._frames
        self._shared = self._shared + share * way
        offsets = self._shared[self._identity : -1]
        np.clip(offsets, -settings.offset_most, settings.offset_most, out=offsets)
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
