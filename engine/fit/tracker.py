"""The tracker: one frame in, one result out; crop, align, fit, retarget. It owns the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine.clock import NS_PER_S, now_ns
from engine.errors import PersonError
from engine.fit.carrier import Carrier
from engine.fit.deviations import Sureness
from engine.fit.dynamics import velocity_after
from engine.fit.familiar import Familiar
from engine.fit.fitted import Fitted, outline, roll_of
from engine.fit.frame_fit import FrameFitter
from engine.fit.heads import HeadModel
from engine.fit.learner import Sight, learner_of
from engine.fit.lens import distorted
from engine.fit.motion import spread_after
from engine.fit.noise import NoiseModel
from engine.fit.person import PersonCalibration, StoredPerson
from engine.fit.published import published
from engine.fit.residuals import Measurement
from engine.fit.rest import Rest
from engine.fit.search import FaceDetector, find
from engine.fit.settings import TrackerSettings
from engine.fit.solver import FitState, Past, Solver
from engine.fit.step_choice import StepsMaker
from engine.fit.stranger import StrangerWatch
from engine.fit.traits import Guess
from engine.fit.trust import doubt, quality_of
from engine.geometry import project
from engine.network.backends import Backend
from engine.network.crop import crop_from_points
from engine.types import (
    Alignment,
    AlignmentMemory,
    Array,
    Camera,
    Crop,
    Frame,
    Status,
    TrackResult,
)

_SHORTEST_S, _LONGEST_S = 1 / 240, 0.5  # frame intervals that the priors are told
_RESOLVE_STEPS = 4  # after the person has changed


class Tracker:
    """Follows one face.

    head      the head model that the network was trained for
    backend   runs the alignment network
    detector  asked only while there is no track
    settings  weights and thresholds
    camera    assumed or calibrated; a distorted one counts as calibrated and keeps its focal length
    person    who is expected, with what earlier sessions have learnt of them
    keep      called at the end with the person, unless nobody was expected
    newcomer  makes a person of a name that is not taken yet; raises PersonError if it is
    noise     how the backend's network errs; None: as networks usually do
    steps     makes what takes the fit's steps; None: the compiled loops do
    """

    def __init__(
        self,
        head: HeadModel,
        backend: Backend,
        detector: FaceDetector,
        settings: TrackerSettings,
        camera: Camera,
        person: StoredPerson | None = None,
        keep: Callable[[StoredPerson], object] | None = None,
        newcomer: Callable[[str], StoredPerson] | None = None,
        noise: NoiseModel | None = None,
        steps: StepsMaker | None = None,
    ) -> None:
        self._person, self._keep, self._newcomer = person, keep, newcomer
        self._head, self._backend, self._detector = head, backend, detector
        self._settings, self._camera = settings, camera
        self._solver = Solver(
            head, settings.fit, settings.retarget.look_limits_rad, settings.motion, noise
        )
        self._solver.steps = None if steps is None else steps(self._solver)
        self._sureness = Sureness(self._solver, noise)
        self._learner = learner_of(self._solver, settings, camera, person, noise)
        self._last: Fitted | None = None
        self._carrier = Carrier(self._solver, settings.motion, camera)
        whole = steps and steps.whole(self._solver, self._carrier.shares, camera)
        self._fitter = FrameFitter(self._solver, backend, self._carrier, camera, whole)
        self._outline: list[Array] = []  # landmarks of the last two frames
        self._rest, self._was_known = settings.retarget.resting(), False
        self._stranger = StrangerWatch(settings)
        self._familiar = Familiar(self._solver, settings.likeness)
        self._stage_ns: dict[str, int] = {}
        self._passage = 0
        self._stage_start_ns = 0
        self.doubt: str | None = None  # why the last frame has no face; for logs and tests

    @property
    def identity_coefficients(self) -> Array:
        """What is known of the person, (K,)."""
        return self._solver.identity.coefficients

    def close(self) -> None:
        """End the learning, and keep what was learnt. Raises what ended it early."""
        self._learner.close()
        person = self.person
        if person is not None and self._keep is not None:
            self._keep(person)

    @property
    def person(self) -> StoredPerson | None:
        """Who was expected, as known now; a stranger in front of the camera changes nothing."""
        if self._person is None:
            return None
        return self._as_known_now(self._person)

    def expect(self, name: str, calibration: PersonCalibration | None) -> StoredPerson:
        """Give the person in front of the camera a name and a calibration, from any thread.

        Returns them with all that was learnt. Raises PersonError if it is not who has that name.
        """
        person = self._person
        if person is not None and person.name == name and not self._learner.known:
            raise PersonError(f"{name}: somebody else is in front of the camera; nothing is kept")
        if person is None or person.name != name:
            if self._newcomer is None:
                raise PersonError(f"{name}: this tracker keeps nobody")
            person = self._newcomer(name)
        self._person = person = replace(person, calibration=calibration)
        return self._as_known_now(person)

    def _as_known_now(self, person: StoredPerson) -> StoredPerson:
        knowledge = self._learner.worth_keeping()
        rest = self._rest.learnt() if self._learner.known else None
        return person if knowledge is None else person.after(knowledge, self._camera, rest)

    def step(self, frame: Frame) -> TrackResult:
        """Track one frame. A face that is not believed gives a result without head."""
        self._stage_ns = dict.fromkeys(("detect", "crop", "align", "fit", "retarget"), 0)
        self._stage_start_ns = now_ns()
        was_tracking = self._last is not None
        if frame.passage != self._passage:
            self._passage, self._last = frame.passage, None  # what moved did not move so far
        self.doubt = None
        self._familiar.begin(frame)
        if self._learner.news() and self._last is not None:
            self._last = self._as_new_person(self._last)
        fitted = self._follow(frame, self._last) if self._last is not None else None
        if fitted is not None and not self._familiar.keeps(fitted):
            fitted, self.doubt = None, "somebody else"
        if fitted is None:
            self._outline.clear()
            self._carrier.forget()
            fitted = self._find(frame)
        if fitted is not None:
            fitted = self._learn(frame, fitted)
        self._last = fitted
        if fitted is None:
            self._stranger.forget()
            status = Status.LOST if was_tracking else Status.SEARCHING
            return self._result(frame, status, None)
        self._outline = [*self._outline[-1:], fitted.outline_px]
        return self._result(frame, Status.TRACKING, fitted)

    def _follow(self, frame: Frame, last: Fitted) -> Fitted | None:
        """Fit the frame from the last state."""
        ahead, afresh = self._outline[-1], self._familiar.afresh
        if len(self._outline) > 1 and not afresh:
            ahead = ahead + self._settings.lead * (ahead - self._outline[-2])
        crop = crop_from_points(
            ahead, self._backend.crop_side_px, roll_of(last.state.camera_from_head)
        )
        self._end_stage("crop")
        if afresh:
            self._carrier.forget()
            return self._fit(frame, crop, None)
        since_s = _told_s(frame, last)
        past = Past(last.state, since_s, velocity=last.velocity, shared=last.shared)
        self._carrier.watch(last, frame)
        self._end_stage("fit")
        settings = self._settings
        memory = last.alignment.memory
        recent = _interval_s(frame, last) <= settings.warm_longest_s
        if settings.warm_start and memory and recent:
            fitted = self._fit(frame, crop, past, memory=memory)
            if fitted is not None:
                return fitted
        return self._fit(frame, crop, past)

    def _find(self, frame: Frame) -> Fitted | None:
        """Look for a face; what is found must hold in a crop of its own fit as well."""
        faces = self._detector.detect(frame.image)
        self._end_stage("detect")
        if not faces and self.doubt is None:
            self.doubt = "no face detected"

        def look(crop: Crop, leniency: float) -> Fitted | None:
            self._end_stage("crop")
            fitted = self._fit(frame, crop, None, leniency)
            if fitted is not None and not self._familiar.welcomes(fitted):
                fitted, self.doubt = None, "somebody else"
            return fitted

        faces = self._familiar.nearest_first(faces)
        return find(faces, self._head, self._backend.crop_side_px, self._settings, look)

    def _fit(
        self,
        frame: Frame,
        crop: Crop,
        past: Past | None,
        leniency: float = 1.0,
        memory: AlignmentMemory | None = None,
    ) -> Fitted | None:
        """Align a crop and fit the head, from the past or from nothing; None if not believed.

        memory  where the network goes on from; from nothing if None
        """
        found = self._fitter.fit(
            frame, crop, memory, self._learner.intrinsics, past, lambda: self._end_stage("align")
        )
        fitted, self.doubt = None, "no pose"
        alignment, measurement, guess, past, state = found
        if state is not None and np.isfinite(state.camera_from_head).all():
            fitted = self._fitted(frame, alignment, measurement, guess, state, past)
            self.doubt = doubt(fitted.quality, self._settings.trust, leniency)
        self._end_stage("fit")
        return fitted if self.doubt is None else None

    def _fitted(
        self,
        frame: Frame,
        alignment: Alignment,
        measurement: Measurement,
        guess: Guess | None,
        state: FitState,
        past: Past | None,
    ) -> Fitted:
        intrinsics = self._learner.intrinsics
        vertices = self._solver.vertices(state)
        ideal = project(vertices, state.camera_from_head, intrinsics)
        points = distorted(ideal, self._camera)
        outline_px = outline(self._head, points)
        quality = quality_of(
            measurement,
            ideal[self._solver.chosen.vertex],
            # One step old: normals hardly turn in the last step.
            self._solver.rows.facing,
            state.camera_from_head,
            outline_px,
            (frame.image.shape[1], frame.image.shape[0]),
            self._settings.trust,
        )
        return Fitted(
            state,
            alignment,
            measurement,
            guess,
            vertices,
            points,
            outline_px,
            quality,
            frame.captured_ns,
            velocity_after(past, state, self._settings.fit),
            frame.image,
            spread_after(past.motion if past else None, measurement, self._settings.motion),
            self._solver.shared,
            1.0 if past is None or past.motion is None else past.motion.refuted,
        )

    def _learn(self, frame: Frame, fitted: Fitted) -> Fitted:
        """Improve the person from this frame, and fit the frame again if that changed them."""
        if self._familiar.met(fitted) or self._stranger.appeared(fitted):
            self._leave_rest()
            self._learner.restart()
        self._recall_rest()
        if self._familiar.strange:
            return fitted
        sight = Sight(fitted.measurement, fitted.state, fitted.guess, fitted.alignment.traits)
        if self._learner.offer(sight):
            past = None
            if self._last is not None and self._outline and not self._familiar.afresh:
                past = Past(
                    self._last.state,
                    _told_s(frame, self._last),
                    hold_pose=False,
                    velocity=fitted.velocity,
                    motion=self._carrier.carried(fitted.measurement),
                )
            state = self._solver.solve(
                fitted.measurement,
                self._learner.intrinsics,
                fitted.state,
                past,
                steps=_RESOLVE_STEPS,
                guess=fitted.guess,
            )
            fitted = self._fitted(
                frame, fitted.alignment, fitted.measurement, fitted.guess, state, past
            )
        self._end_stage("fit")
        return fitted

    def _recall_rest(self) -> None:
        """Go on from the rest of who is recognised now; a guest's begins anew."""
        known = self._learner.known
        if self._was_known and not known:
            self._leave_rest()
        elif known and not self._was_known and self._person and self._person.rest:
            self._rest.recall(self._person.rest)
        self._was_known = known

    def _leave_rest(self) -> None:
        """Put the rest of the person with the name aside, and begin with somebody new."""
        learnt = self._rest.learnt()
        if self._was_known and self._person and learnt:
            self._person = replace(self._person, rest=learnt)
        self._rest.forget()
        self._was_known = False

    @property
    def _calibration(self) -> PersonCalibration | Rest:
        """Of the person expected, if that is who is in front of the camera; or learnt meanwhile."""
        person = self._person if self._learner.known else None
        return self._rest if person is None or person.calibration is None else person.calibration

    def _as_new_person(self, last: Fitted) -> Fitted:
        """Fit the last frame again with a person taken over: its projection stays where it was."""
        held = Past(last.state, _SHORTEST_S, hold_pose=False)
        state = self._solver.solve(
            last.measurement,
            self._learner.intrinsics,
            last.state,
            held,
            steps=_RESOLVE_STEPS,
            guess=last.guess,
        )
        return replace(last, state=state, shared=self._solver.shared)

    def _end_stage(self, name: str) -> None:
        now = now_ns()
        self._stage_ns[name] += now - self._stage_start_ns
        self._stage_start_ns = now

    def _result(self, frame: Frame, status: Status, fitted: Fitted | None) -> TrackResult:
        shown = None
        if fitted is not None:
            sure = self._sureness.of(fitted.measurement.sigma, fitted.state, fitted.guess)
            known = self._settings.retarget, self._calibration, sure
            shown = published(self._solver, fitted, *known)
            self._rest.watch(shown.readings, frame.captured_ns)
        self._end_stage("retarget")
        result = TrackResult(
            frame_index=frame.index,
            captured_ns=frame.captured_ns,
            finished_ns=now_ns(),
            status=status,
            camera=replace(self._camera, intrinsics=self._learner.intrinsics),
            stage_ns=self._stage_ns,
        )
        if fitted is None or shown is None:
            return result
        return replace(
            result,
            alignment=fitted.alignment,
            identity=self._solver.identity,
            **shown._asdict(),
        )


def _interval_s(frame: Frame, last: Fitted) -> float:
    return (frame.captured_ns - last.captured_ns) / NS_PER_S


def _told_s(frame: Frame, last: Fitted) -> float:
    """Return the interval that the priors are told."""
    return float(np.clip(_interval_s(frame, last), _SHORTEST_S, _LONGEST_S))
