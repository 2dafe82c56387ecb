"""The fit of a frame: the network aligns a crop, the head is fitted to what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol

from engine.fit.carrier import Carrier, Handed
from engine.fit.lens import undistorted
from engine.fit.residuals import Carried, Measurement
from engine.fit.solver import FitState, Past, Solver
from engine.fit.start import first_state
from engine.fit.traits import Guess, guess_of
from engine.network.backends import Backend
from engine.types import Alignment, AlignmentMemory, Array, Camera, Crop, Frame


class FrameFit(NamedTuple):
    """A frame's alignment, and the head fitted to it."""

    alignment: Alignment
    measurement: Measurement
    guess: Guess | None
    past: Past | None  # with what was carried over from it
    state: FitState | None  # None: no pose explains the alignment


class Whole(Protocol):
    """Aligns and fits a followed frame at once; see tensors/whole.py."""

    def followed(
        self,
        frame: Frame,
        crop: Crop,
        memory: AlignmentMemory | None,
        intrinsics: Array,
        past: Past,
        handed: Handed | None,
    ) -> tuple[Alignment, Measurement, Carried | None, FitState]:
        """Return alignment, measurement, what was carried over, and the state."""
        ...


class FrameFitter:
    """Aligns frames with one network and fits the head with one solver.

    carrier  knows how the fitted vertices moved since the last frame
    camera   whose lens bends what is seen
    whole    does both for a followed frame; None: the one after the other
    """

    def __init__(
        self,
        solver: Solver,
        backend: Backend,
        carrier: Carrier,
        camera: Camera,
        whole: Whole | None = None,
    ) -> None:
        self._solver, self._backend, self._carrier = solver, backend, carrier
        self._camera, self._whole = camera, whole

    def fit(
        self,
        frame: Frame,
        crop: Crop,
        memory: AlignmentMemory | None,
        intrinsics: Array,
        past: Past | None,
        aligned: Callable[[], object],
    ) -> FrameFit:
        """Align a crop and fit the head, from the past or from nothing.

        memory   where the network goes on from; from nothing if None
        aligned  called when the network has answered
        """
        solver = self._solver
        if past is not None and self._whole is not None:
            alignment, measurement, motion, state = self._whole.followed(
                frame, crop, memory, intrinsics, past, self._carrier.handed()
            )
            aligned()
            guess = self._guess(alignment)
            return FrameFit(alignment, measurement, guess, replace(past, motion=motion), state)
        alignment = self._backend.align(frame, crop, memory)
        aligned()
        measurement = solver.measured(undistorted(alignment, self._camera))
        guess = self._guess(alignment)
        if past is not None:
            past = replace(past, motion=self._carrier.carried(measurement))
            state = solver.solve(measurement, intrinsics, past.ahead(), past, guess=guess)
            return FrameFit(alignment, measurement, guess, past, state)
        state = first_state(solver, measurement, intrinsics)
        if state is not None:
            steps = solver.settings.cold_steps
            state = solver.solve(measurement, intrinsics, state, steps=steps, guess=guess)
        return FrameFit(alignment, measurement, guess, None, state)

    def _guess(self, alignment: Alignment) -> Guess | None:
        weight = self._solver.settings.expression_prior_weight
        return guess_of(alignment.traits, weight, len(self._solver.head.expression_names))
