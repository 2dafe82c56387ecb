"""Steps on a device: one copy there, the steps, one copy back.

On a card a step is captured once as a CUDA graph; a frame replays it as often as it takes steps,
each reading the state that the one before has written. The host waits once, for the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
class Twin:
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
        self.device, self._step = device, Step(solver, device)
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
        self.given = twin(given, torch.float64, device)
        self.state = twin(state, torch.float64, device)
        self._answer = twin(answer, torch.float64, device)
        self._rows = twin(single, torch.float32, device)
        self.about = f"the fit: PyTorch {torch.__version__} on the CPU"
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)
            name = torch.cuda.get_device_name(device)
            self.about = f"the fit: PyTorch {torch.__version__} on {name}, CUDA graph"
        self.practise(solver)
        self._launch = captured(self.advance, self._stream)

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
        self.begin(start, given_arrays(solver, measurement, intrinsics, start, past, guess))
        with torch.inference_mode(), torch.cuda.stream(self._stream):  # None: nothing to enter
            self.send()
            for _ in range(count):
                self._launch()
            self.fetch()
        if self._stream is not None:
            self._stream.synchronize()
        return self.found(solver)

    def begin(self, start: FitState, given: Mapping[str, Array]) -> None:
        """Write down beside the host where steps begin, and what they read (`given_arrays`)."""
        fill(self.state, state_arrays(start))
        fill(self.given, given)

    def send(self) -> None:
        """Enqueue the copies of what `begin` has written to the device."""
        for twin in (self.state, self.given):
            twin.there.copy_(twin.here, non_blocking=True)

    def advance(self, go: Tensor | None = None) -> None:
        """Take a step from the state on the device, and leave the next one there.

        go  () whether to; None: in any case
        """
        state = self.state.by_name
        found = self._step(self.given.by_name, state["camera_from_head"], state["values"])

        def leave(there: Tensor, new: Tensor) -> None:
            there.copy_(new if go is None else torch.where(go, new.to(there.dtype), there))

        leave(state["camera_from_head"], found.camera_from_head)
        leave(state["values"], found.values)
        for name, tensor in {**found.rows._asdict(), **found._asdict()}.items():
            for twin in (self._answer, self._rows):
                if name in twin.by_name:
                    leave(twin.by_name[name], tensor)

    def fetch(self) -> None:
        """Enqueue the copies of what was found to the host."""
        for twin in (self.state, self._answer, self._rows):
            twin.here.copy_(twin.there, non_blocking=True)

    def found(self, solver: Solver) -> FitState:
        """Return the state that was fetched; the solver's rows and picture become its."""
        arrays = {**self._answer.arrays, **self._rows.arrays}
        for name, array in solver.rows._asdict().items():
            np.copyto(array, arrays[name])
        solver.picture = arrays["hessian"].copy(), arrays["gradient"].copy()
        return state_of({name: a.copy() for name, a in self.state.arrays.items()})

    def practise(self, solver: Solver) -> None:
        """Put a face without a picture on the device, for the runs before a capture."""
        state = solver.rest(np.diag([1.0, 1.0, 1.0, 1.0]))
        state.camera_from_head[2, 3] = 0.5
        count = len(solver.chosen.vertex)
        nothing = Measurement(np.zeros((count, 2)), np.ones(count), np.zeros(count))
        self.begin(state, given_arrays(solver, nothing, np.eye(3), state, None, None))
        with torch.inference_mode():
            for twin in (self.state, self.given):
                twin.there.copy_(twin.here)


def twin(shapes: Shapes, dtype: torch.dtype, device: torch.device) -> Twin:
    """Return zeros of these shapes, on the device and beside the host."""
    length, pinned = length_of(shapes), device.type == "cuda"
    there = torch.zeros(length, dtype=dtype, device=device)
    here = torch.zeros(length, dtype=dtype, pin_memory=pinned)
    arrays = {name: part.numpy() for name, part in parts(here, shapes).items()}
    return Twin(there, here, parts(there, shapes), arrays)


def fill(twin: Twin, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name into the twin beside the host."""
    for name, array in twin.arrays.items():
        np.copyto(array, arrays[name], casting="same_kind")


def captured(
    launch: Callable[[], object], stream: torch.cuda.Stream | None
) -> Callable[[], object]:
    """Return what `launch` enqueues as one CUDA graph's replay; `launch` itself without a stream.

    Raises BackendError if this card's libraries refuse.
    """
    if stream is None:
        return launch
    graph = torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    try:
        with torch.inference_mode(), torch.cuda.stream(stream):
            for _ in range(_RUNS_BEFORE_CAPTURE):
                launch()
            with torch.cuda.graph(graph, stream=stream):
                launch()
    except RuntimeError as error:
        raise BackendError(
            f"solver torch: the step cannot be captured on this card ({error}); allowed is cpu"
        ) from error
    return graph.replay
