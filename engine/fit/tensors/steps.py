"""Steps on a device: one copy there, the steps, one copy back.

On a card a step is captured once as a CUDA graph; a frame replays it as often as it takes steps,
each reading the state that the one before has written. The host waits once, for the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.errors import BackendError, ConfigError
from engine.fit.residuals import Measurement
from engine.fit.solver import Solver
from engine.fit.state import FitState, Past
from engine.fit.tensors.frame import (
    Shapes,
    given_arrays,
    given_shapes,
    length_of,
    parts,
    state_arrays,
    state_of,
    state_shapes,
)
from engine.fit.tensors.step import Step
from engine.fit.traits import Guess
from engine.types import Array

_RUNS_BEFORE_CAPTURE = 3  # libraries allocate and choose their kernels in the first ones


@dataclass(frozen=True, eq=False)
class _Twin:
    """A flat tensor on the device, its twin beside the host, and views of both by name."""

    there: Tensor
    here: Tensor
    by_name: dict[str, Tensor]  # of `there`
    arrays: dict[str, Array]  # of `here`


class TensorSteps:
    """Steps for one solver on a device."""

    def __init__(self, solver: Solver, device: torch.device) -> None:
        if solver.shared_errors is not None:
            raise ConfigError(
                "solver torch: cannot marginalise shared errors (fit.marginalise); allowed is cpu"
            )
        self._device, self._step = device, Step(solver, device)
        count, unknowns = len(solver.chosen.vertex), solver.rows.jacobian.shape[1]
        state = state_shapes(len(solver.head.expression_names))
        given = given_shapes(count, unknowns - 13, len(solver.contact.vertex))
        answer: Shapes = {
            "projected": (count, 2),
            "facing": (count,),
            "weight": (count,),
            "by_place": (count,),
            "hessian": (unknowns, unknowns),
            "gradient": (unknowns,),
        }
        single: Shapes = {"jacobian": (2 * count, unknowns), "residual": (2 * count,)}
        self._given = _twin(given, torch.float64, device)
        self._state = _twin(state, torch.float64, device)
        self._answer = _twin(answer, torch.float64, device)
        self._rows = _twin(single, torch.float32, device)
        self.about = f"the fit: PyTorch {torch.__version__} on the CPU"
        self._stream: torch.cuda.Stream | None = None
        self._launch: Callable[[], object] = self._advance
        if device.type == "cuda":
            self._launch, self._stream = self._captured(solver)
            name = torch.cuda.get_device_name(device)
            self.about = f"the fit: PyTorch {torch.__version__} on {name}, CUDA graph"

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
        """Return the state after `count` steps from `start`; see Steps."""
        if count < 1:
            return start
        _fill(self._state, state_arrays(start))
        _fill(self._given, given_arrays(solver, measurement, intrinsics, start, past, guess))
        with torch.inference_mode(), torch.cuda.stream(self._stream):  # None: nothing to enter
            for twin in (self._state, self._given):
                twin.there.copy_(twin.here, non_blocking=True)
            for _ in range(count):
                self._launch()
            for twin in (self._state, self._answer, self._rows):
                twin.here.copy_(twin.there, non_blocking=True)
        if self._stream is not None:
            self._stream.synchronize()
        found = {**self._answer.arrays, **self._rows.arrays}
        for name, array in solver.rows._asdict().items():
            np.copyto(array, found[name])
        solver.picture = found["hessian"].copy(), found["gradient"].copy()
        return state_of({name: a.copy() for name, a in self._state.arrays.items()})

    def _advance(self) -> None:
        """Take a step from the state on the device, and leave the next one there."""
        state = self._state.by_name
        found = self._step(self._given.by_name, state["camera_from_head"], state["values"])
        state["camera_from_head"].copy_(found.camera_from_head)
        state["values"].copy_(found.values)
        for name, tensor in {**found.rows._asdict(), **found._asdict()}.items():
            for twin in (self._answer, self._rows):
                if name in twin.by_name:
                    twin.by_name[name].copy_(tensor)

    def _captured(self, solver: Solver) -> tuple[Callable[[], object], torch.cuda.Stream]:
        """Return a step as a graph. Raises BackendError if this card's libraries refuse."""
        state = solver.rest(np.diag([1.0, 1.0, 1.0, 1.0]))
        state.camera_from_head[2, 3] = 0.5
        count = len(solver.chosen.vertex)
        nothing = Measurement(np.zeros((count, 2)), np.ones(count), np.zeros(count))
        _fill(self._state, state_arrays(state))
        _fill(self._given, given_arrays(solver, nothing, np.eye(3), state, None, None))
        stream, graph = torch.cuda.Stream(self._device), torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream(self._device))
        try:
            with torch.inference_mode(), torch.cuda.stream(stream):
                for twin in (self._state, self._given):
                    twin.there.copy_(twin.here)
                for _ in range(_RUNS_BEFORE_CAPTURE):
                    self._advance()
                with torch.cuda.graph(graph, stream=stream):
                    self._advance()
        except RuntimeError as error:
            raise BackendError(
                f"solver torch: the step cannot be captured on this card ({error}); allowed is cpu"
            ) from error
        return graph.replay, stream


def _twin(shapes: Shapes, dtype: torch.dtype, device: torch.device) -> _Twin:
    length, pinned = length_of(shapes), device.type == "cuda"
    there = torch.zeros(length, dtype=dtype, device=device)
    here = torch.zeros(length, dtype=dtype, pin_memory=pinned)
    arrays = {name: part.numpy() for name, part in parts(here, shapes).items()}
    return _Twin(there, here, parts(there, shapes), arrays)


def _fill(twin: _Twin, arrays: dict[str, Array]) -> None:
    for name, array in twin.arrays.items():
        np.copyto(array, arrays[name], casting="same_kind")
