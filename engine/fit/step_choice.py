"""Chooses who takes the steps of the fit, and says which it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from engine.errors import BackendError, ConfigError

if TYPE_CHECKING:  # their libraries take a second to load, and the window opens first
    from engine.fit.looking import Whole
    from engine.fit.motion import Shares
    from engine.fit.solver import Solver
    from engine.fit.steps import Steps
    from engine.types import Camera

KINDS = ("auto", "cpu", "torch")

_LOG = logging.getLogger(__name__)


class _Placed(Protocol):
    """A backend, as far as is asked here."""

    on_card: bool


class StepsMaker:
    """Makes the steps of solvers as `kind` says.

    kind     `cpu`: the compiled loops; `torch`: tensors, on the card where PyTorch finds one, else
             on the processor, which is slower than the loops; `auto`: tensors where the network is
             on a card that takes them, else the loops
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
