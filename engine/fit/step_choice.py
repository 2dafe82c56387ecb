"""Chooses who takes the steps of the fit, and says which it is."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np

from engine.errors import BackendError, ConfigError
from engine.geometry import project, rigid
from engine.types import Alignment, Camera

if TYPE_CHECKING:  # their libraries take a second to load, and the window opens first
    from engine.fit.frame_fit import Whole
    from engine.fit.motion import Shares
    from engine.fit.solver import Solver
    from engine.fit.steps import Steps

KINDS = ("auto", "cpu", "torch")

_RUNS, _UNTIMED = 15, 4  # the first ones compile the loops
_INTRINSICS = np.array([[600.0, 0.0, 320.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]])
_DISTANCE_M, _MOVED_PX, _INTERVAL_S = 0.5, 1.0, 1 / 30

_LOG = logging.getLogger(__name__)


class _Placed(Protocol):
    """A backend, as far as is asked here."""

    on_card: bool


class StepsMaker:
    """Makes the steps of solvers as `kind` says.

    kind     `cpu`: the compiled loops; `torch`: tensors, on the card where PyTorch finds one, else
             on the processor, which is slower than the loops; `auto`: tensors where the network is
             on a card that takes them faster than the loops do, which is tried; else the loops
    backend  runs the network

    `about` says what runs, for the user; empty for the loops.
    """

    def __init__(self, kind: str, backend: _Placed) -> None:
        if kind not in KINDS:
            raise ConfigError(f"solver {kind!r}: allowed are {', '.join(KINDS)}")
        self._kind, self._backend, self.about = kind, backend, ""

    def __call__(self, solver: Solver) -> Steps | None:
        """Return the steps of a solver; None for the compiled loops.

        Raises BackendError or ConfigError if `torch` is asked for and cannot be had.
        """
        if self._kind == "cpu" or (self._kind == "auto" and not self._backend.on_card):
            return None
        import torch

        from engine.fit.tensors.steps import TensorSteps

        here = torch.cuda.is_available()
        if self._kind == "auto" and not here:
            return None
        try:
            steps = TensorSteps(solver, torch.device("cuda" if here else "cpu"))
        except (BackendError, ConfigError) as error:
            if self._kind == "torch":
                raise
            _LOG.info("the fit stays on the processor: %s", error)
            return None
        if self._kind == "auto":
            loops_ms, tensors_ms = frame_ms(solver, None), frame_ms(solver, steps)
            told = f"{loops_ms:.1f} ms a frame there, {tensors_ms:.1f} ms on the card"
            if tensors_ms > loops_ms:
                _LOG.info("the fit stays on the processor: %s", told)
                return None
            _LOG.info("the fit goes to the card: %s", told)
        self.about = steps.about
        return steps

    def whole(self, solver: Solver, shares: Shares, camera: Camera) -> Whole | None:
        """Return what aligns and fits a followed frame without the host in between.

        solver  whose steps were made here; shares, camera as in tensors/whole.py

        None where network and steps are not on one card.
        """
        if solver.steps is None:
            return None
        from engine.fit.tensors.steps import TensorSteps
        from engine.fit.tensors.whole import WholeFrame
        from engine.network.backends._two_graphs import OnDevice

        steps, backend = solver.steps, self._backend
        if not (isinstance(steps, TensorSteps) and isinstance(backend, OnDevice)):
            return None
        if backend.device.type != steps.device.type:
            return None
        try:
            whole = WholeFrame(steps, solver, backend, shares, camera)
        except BackendError as error:
            _LOG.info("network and fit run one after the other: %s", error)
            return None
        self.about = f"{steps.about}, behind the network's"
        return whole


def frame_ms(solver: Solver, steps: Steps | None) -> float:
    """Return what a followed frame's fit costs: the median of some, of a face that has moved.

    steps  who takes them; None: the compiled loops

    On tensors a step that only some frames need is always counted, as it is always taken there.
    """
    from engine.fit.state import Past

    start = solver.rest(rigid(np.eye(3), np.array([0.0, 0.0, _DISTANCE_M])))
    places = project(solver.vertices(start), start.camera_from_head, _INTRINSICS)
    count = len(places)
    seen = Alignment(places + _MOVED_PX, np.ones(count), np.arange(count, dtype=np.int32))
    measurement, past = solver.measured(seen), Past(start, _INTERVAL_S)
    settings, before = solver.settings, solver.steps
    wanted = settings.steps + (settings.far_steps if steps else 0)
    solver.steps = steps
    times_ms: list[float] = []
    try:
        for _ in range(_RUNS):
            begun = perf_counter()
            solver.solve(measurement, _INTRINSICS, start, past, wanted)
            times_ms.append(1e3 * (perf_counter() - begun))
    finally:
        solver.steps = before
    return float(np.median(times_ms[_UNTIMED:]))
