"""Network and fit of a followed frame in one go: the host sends a frame, and waits for its head.

The network's answer is read where it lies, the last frame is carried into this one, and the steps
are taken, a further one where they went far: all on the stream of the network, as a second CUDA
graph right behind its own. What the host needs for the next frame comes back with the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.fit.carrier import Handed
from engine.fit.motion import Displacement, Shares
from engine.fit.residuals import EXPRESSION_START, Carried, Gaps, Measurement
from engine.fit.solver import Solver
from engine.fit.state import FitState, Past
from engine.fit.tensors.carrying import Carrying, Moved
from engine.fit.tensors.frame import Shapes, given_arrays
from engine.fit.tensors.measuring import Measuring, Placed
from engine.fit.tensors.rows import Seen
from engine.fit.tensors.steps import TensorSteps, captured, fill, twin
from engine.fit.tensors.turning import vector_of
from engine.network.backends._cuda import StaticRun
from engine.network.backends._two_graphs import OnDevice
from engine.types import Alignment, AlignmentMemory, Array, Camera, Crop, Frame

_POINT_FIELDS = ("points", "sigma", "information")


class WholeFrame:
    """Follows a face with one solver on the device that the network answers on.

    steps    takes the solver's steps there
    backend  for the same head
    shares   what a fitted vertex counts when it is carried
    camera   whose lens bends what is seen

    Raises ConfigError if the network is for another head, BackendError if the card refuses.
    """

    def __init__(
        self,
        steps: TensorSteps,
        solver: Solver,
        backend: OnDevice,
        shares: Shares,
        camera: Camera,
    ) -> None:
        device, count = steps.device, len(solver.chosen.vertex)
        self._solver, self._steps, self._backend = solver, steps, backend
        self._measuring = Measuring(solver, camera, device)
        self._carrying = Carrying(shares, solver.motion_settings, device)
        told: Shapes = {
            "linear": (2, 2),
            "shift": (2,),
            "scale": (),
            "places": (count, 2),
            "spread": (count,),
            "moved": (count, 2),
            "moved_sigma": (count,),
            "before_points": (count, 2),
            "before_sigma": (count,),
            "before_information": (count,),
        }
        self._told = twin(told, torch.float64, device)
        self._refuted = twin({"refuted": ()}, torch.float64, device)
        nowhere, zeros = np.zeros((count, 2)), np.zeros(count)
        self._nothing = Measurement(nowhere, np.ones(count), zeros)
        unknown = Displacement(nowhere, np.full(count, np.inf))
        self._nobody = Handed(nowhere, zeros, unknown, self._nothing)
        fill(self._told, self._told_arrays(Crop(np.eye(3), backend.crop_side_px), None))
        steps.practise(solver)
        with torch.inference_mode():
            self._told.there.copy_(self._told.here)
        self._launches = [self._behind(run) for run in backend.runs]

    def followed(
        self,
        frame: Frame,
        crop: Crop,
        memory: AlignmentMemory | None,
        intrinsics: Array,
        past: Past,
        handed: Handed | None,
    ) -> tuple[Alignment, Measurement, Carried | None, FitState]:
        """Align a crop and fit the head from the past.

        memory  for a warm step of the network
        past    without `motion`; what is carried follows from `handed` and the alignment
        returns the alignment in the image, the ideal camera's measurement, what was carried, the
                state
        """
        steps, solver = self._steps, self._solver
        start = past.ahead()
        steps.begin(start, given_arrays(solver, self._nothing, intrinsics, start, past, None))
        fill(self._told, self._told_arrays(crop, handed))
        launch = self._launches[memory is not None]

        def enqueue() -> None:
            steps.send()
            self._told.there.copy_(self._told.here, non_blocking=True)
            launch()
            steps.fetch()
            for found in (steps.given, self._refuted):
                found.here.copy_(found.there, non_blocking=True)

        alignment = self._backend.align_then(frame, crop, memory, enqueue)
        given = {name: array.copy() for name, array in steps.given.arrays.items()}
        gaps = Gaps(given["gap_px"], given["gap_sigma_px"])
        measurement = Measurement(given["points"], given["sigma"], given["information"], gaps)
        motion = None
        if handed is not None:
            refuted = float(self._refuted.arrays["refuted"])
            places, sigma, information = (given[f"carried_{name}"] for name in _POINT_FIELDS)
            motion = Carried(places, sigma, information, refuted)
        return alignment, measurement, motion, steps.found(solver)

    def _behind(self, run: StaticRun) -> Callable[[], object]:
        """Return what enqueues the fit behind a run of the network."""
        points, wanted = run.outputs["points"].shape[1], len(self._solver.head.neutral)
        if points != wanted:
            raise ConfigError(f"the network answers for {points} vertices, the head has {wanted}")
        return captured(lambda: self._fit(run.outputs), run.stream)

    def _fit(self, answer: Mapping[str, Tensor]) -> None:
        """Fit the head to the answer of the network, on the device."""
        steps, told, settings = self._steps, self._told.by_name, self._solver.settings
        given, state = steps.given.by_name, steps.state.by_name
        placed = Placed(told["linear"], told["shift"], told["scale"])
        for name, tensor in self._measuring(answer, placed).items():
            given[name].copy_(tensor)
        before, now = (
            Seen(*(parts[f"{prefix}{name}"] for name in _POINT_FIELDS))
            for parts, prefix in ((told, "before_"), (given, ""))
        )
        moved = Moved(told["places"], told["spread"], told["moved"], told["moved_sigma"], before)
        carried, refuted = self._carrying(moved, now)
        for name in _POINT_FIELDS:
            given[f"carried_{name}"].copy_(getattr(carried, name))
        self._refuted.by_name["refuted"].copy_(refuted)
        start = {name: tensor.clone() for name, tensor in state.items()}
        for _ in range(settings.steps):
            steps.advance()
        rotation = state["camera_from_head"][:3, :3] @ start["camera_from_head"][:3, :3].T
        change = (state["values"] - start["values"])[EXPRESSION_START:].abs().amax()
        turned = vector_of(rotation).square().sum().sqrt()
        far = (change > settings.far_change) | (turned > settings.far_turn_rad)
        for _ in range(settings.far_steps):
            steps.advance(far)

    def _told_arrays(self, crop: Crop, handed: Handed | None) -> dict[str, Array]:
        linear, shift = crop.image_from_crop[:2, :2], crop.image_from_crop[:2, 2]
        last = self._nobody if handed is None else handed
        return {
            "linear": linear,
            "shift": shift,
            "scale": np.sqrt(abs(np.linalg.det(linear))),
            "places": last.places_px,
            "spread": last.spread_px2,
            "moved": last.moved.shift_px,
            "moved_sigma": last.moved.sigma_px,
            **{f"before_{name}": getattr(last.seen, name) for name in _POINT_FIELDS},
        }
