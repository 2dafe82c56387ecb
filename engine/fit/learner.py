"""How the person is learnt while frames go by: in step with the tracker, or beside it.

In step, a keyframe is worked out before the next frame: the same video gives the same results.
Beside, a thread of its own takes the newest frame whenever it is free, and the tracker takes over
a new person between two frames: it never waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from engine.fit.enrol import Enrolment, warm_up
from engine.fit.noise import NoiseModel
from engine.fit.person import Knowledge, StoredPerson
from engine.fit.residuals import Measurement
from engine.fit.settings import TrackerSettings
from engine.fit.solver import Body, FitState, Solver
from engine.fit.traits import Guess
from engine.mailbox import Slot
from engine.types import Array, Camera, FaceTraits
from engine.worker import Worker

_STOP_TIMEOUT_S = 5.0
_CATCH_UP_STEPS = 2  # on a frame that was fitted with an older person


@dataclass(frozen=True, eq=False)
class Sight:
    """A fitted frame that is believed: what the person can be learnt from."""

    measurement: Measurement
    state: FitState
    guess: Guess | None
    traits: FaceTraits | None


@dataclass(frozen=True, eq=False)
class Learnt:
    """The person and the camera as known now."""

    body: Body
    intrinsics: Array  # (3, 3)
    known: bool  # whether it is the person with the name
    keep: Knowledge | None  # what is known of the person with the name
    version: int
    life: int  # restarts before it


class Learner(Protocol):
    """Learns one person from the frames that the tracker offers."""

    @property
    def intrinsics(self) -> Array:
        """The camera matrix (3, 3) that belongs to the person in force."""
        ...

    @property
    def known(self) -> bool:
        """Whether the person in force is the one with the name, not a guest."""
        ...

    def worth_keeping(self) -> Knowledge | None:
        """Return what is known of the person with the name; may be asked on any thread."""
        ...

    def offer(self, sight: Sight) -> bool:
        """Look at a frame; True if the tracker's solver has a new person: solve it again."""
        ...

    def news(self) -> bool:
        """Take over a new person between two frames; True if there was one."""
        ...

    def restart(self) -> None:
        """Forget the person: another one is in front of the camera."""
        ...

    def close(self) -> None:
        """End; raises what ended the learning early."""
        ...


class InStep:
    """Learns while the tracker waits. The enrolment works on the tracker's own solver."""

    def __init__(self, enrolment: Enrolment) -> None:
        self._enrolment = enrolment

    @property
    def intrinsics(self) -> Array:
        """The camera matrix (3, 3)."""
        return self._enrolment.intrinsics

    @property
    def known(self) -> bool:
        """Whether it is the person with the name."""
        return self._enrolment.known

    def worth_keeping(self) -> Knowledge | None:
        """Return what is known of the person with the name."""
        return self._enrolment.worth_keeping()

    def offer(self, sight: Sight) -> bool:
        """Look at a frame; True if the person has changed."""
        self._enrolment.believe(sight.traits)
        return self._enrolment.observe(sight.measurement, sight.state, sight.guess)

    def news(self) -> bool:
        """Return False: what was learnt is in force already."""
        return False

    def restart(self) -> None:
        """Forget the person."""
        self._enrolment.restart()

    def close(self) -> None:
        """Nothing to end."""


class Beside:
    """Learns on a thread of its own.

    solver     the tracker's; only the tracker's thread touches it
    enrolment  with a solver of its own, which only the learning thread touches
    own        that solver
    """

    def __init__(self, solver: Solver, enrolment: Enrolment, own: Solver) -> None:
        self._solver, self._enrolment, self._own = solver, enrolment, own
        self._in_force = self._made = self._now(0, 0)
        self._solver.adopt(own.body)
        self._seen: Slot[tuple[Sight, Learnt]] = Slot()
        self._learnt: Slot[Learnt] = Slot()
        self._worker = Worker("person", self._seen, self._learn)

    @property
    def intrinsics(self) -> Array:
        """The camera matrix (3, 3) that belongs to the person in force."""
        return self._in_force.intrinsics

    @property
    def known(self) -> bool:
        """Whether it is the person with the name."""
        return self._in_force.known

    def worth_keeping(self) -> Knowledge | None:
        """Return what is known of the person with the name."""
        return self._made.keep

    def offer(self, sight: Sight) -> bool:
        """Leave a frame for the thread, which takes the newest; False, as nothing is new yet."""
        self._seen.put((sight, self._in_force))
        return False

    def news(self) -> bool:
        """Take over the newest person, if there is one since the last call."""
        if self._worker.error is not None:
            raise self._worker.error
        learnt = self._learnt.poll()
        if learnt is None or learnt.life != self._in_force.life:
            return False
        self._in_force = learnt
        self._solver.adopt(learnt.body)
        return True

    def restart(self) -> None:
        """Go back to the mean head at once; the thread follows with the next frame."""
        self._solver.become(np.zeros(self._solver.shape_size))
        before = self._in_force
        self._in_force = replace(
            before,
            body=self._solver.body,
            intrinsics=self._enrolment.assumed,
            known=False,
            life=before.life + 1,
        )

    def close(self) -> None:
        """End the thread."""
        self._worker.stop(_STOP_TIMEOUT_S)

    def _learn(self, seen: tuple[Sight, Learnt]) -> None:
        """Look at a frame; runs on the learning thread."""
        sight, known = seen
        if known.life != self._made.life:
            self._enrolment.restart()
            self._made = self._now(known.version, known.life)
        state = sight.state
        if known.version != self._made.version:
            state = self._own.solve(
                sight.measurement,
                self._enrolment.intrinsics,
                state,
                steps=_CATCH_UP_STEPS,
                guess=sight.guess,
            )
        self._enrolment.believe(sight.traits)
        if self._enrolment.observe(sight.measurement, state, sight.guess):
            self._made = self._now(self._made.version + 1, self._made.life)
            self._learnt.put(self._made)

    def _now(self, version: int, life: int) -> Learnt:
        enrolment = self._enrolment
        return Learnt(
            self._own.body,
            enrolment.intrinsics,
            enrolment.known,
            enrolment.worth_keeping(),
            version,
            life,
        )


def learner_of(
    solver: Solver,
    settings: TrackerSettings,
    camera: Camera,
    person: StoredPerson | None,
    noise: NoiseModel | None = None,
) -> Learner:
    """Return a learner for the tracker's solver: beside it or in step, as the settings say.

    noise  how the network errs, as the tracker's solver was told
    """

    def enrolment(own: Solver) -> Enrolment:
        warm_up(own, Enrolment(own, camera.intrinsics, settings.enrol))
        return Enrolment(
            own,
            camera.intrinsics,
            settings.enrol,
            fit_focal=not (camera.calibrated or np.any(camera.distortion)),
            log_focal=None if person is None else person.focal_of(camera),
            person=None if person is None else person.knowledge,
        )

    if not settings.enrol.threaded:
        return InStep(enrolment(solver))
    own = Solver(solver.head, settings.fit, settings.retarget.look_limits_rad, noise=noise)
    return Beside(solver, enrolment(own), own)
