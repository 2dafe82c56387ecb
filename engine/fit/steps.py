"""Who takes the steps of the fit: the compiled loops, or tensors on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.fit.residuals import Measurement
from engine.fit.state import FitState, Past
from engine.fit.traits import Guess
from engine.types import Array

if TYPE_CHECKING:
    from engine.fit.solver import Solver


class Steps(Protocol):
    """Minimises the energy of one solver. `about` says for the user what runs it, and where."""

    about: str

    def taken(
        self,
        solver: Solver,
        measurement: Measurement,
        intrinsics: Array,
        start: FitState,
        past: Past | None,
        count: int,
        guess: Guess | None,
    ) -> FitState:
        """Return the state after `count` steps from `start`.

        The solver's `rows` and `picture` become those of the last step.
        """
        ...
