"""Carries the last frame's fit into this one along the flow between their pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from engine.clock import NS_PER_S
from engine.fit.fitted import Fitted
from engine.fit.lens import undistorted_points
from engine.fit.motion import Displacement, FlowMeter, Shares, carried
from engine.fit.residuals import Carried, Measurement
from engine.fit.settings import MotionSettings
from engine.fit.solver import Solver
from engine.types import Array, Camera, Frame


class Handed(NamedTuple):
    """What a frame hands on to the next, all of the fitted vertices, in ideal pixels."""

    places_px: Array  # (N, 2) where its fit put them
    spread_px2: Array  # (N,) variance of that
    moved: Displacement  # since then, as the flow says
    seen: Measurement  # its alignment


class Carrier:
    """What the fit of a frame is told of the one before, by the motion of the picture.

    solver    whose fitted vertices are followed
    settings  of the flow and its worth
    camera    whose lens bends what is seen

    shares    what each fitted vertex counts
    """

    def __init__(self, solver: Solver, settings: MotionSettings, camera: Camera) -> None:
        self._settings, self._camera = settings, camera
        self._vertex = solver.chosen.vertex
        self._meter = FlowMeter(settings)
        self.shares = Shares(solver.head, solver.chosen, settings)
        self._from: tuple[Fitted, Displacement] | None = None

    def forget(self) -> None:
        """Carry nothing into this frame."""
        self._from = None

    def watch(self, last: Fitted, frame: Frame) -> None:
        """Measure how the fitted vertices moved from the last frame to this one."""
        self._from = None
        since_s = (frame.captured_ns - last.captured_ns) / NS_PER_S
        if self._settings.weight <= 0.0 or since_s > self._settings.longest_s:
            return
        points = last.points_px[self._vertex]
        moved = self._meter.between(last.image, frame.image, points, last.outline_px)
        self._from = None if moved is None else (last, moved)

    def handed(self) -> Handed | None:
        """Return what the last frame hands on to this one; None if nobody can say."""
        if self._from is None:
            return None
        last, moved = self._from
        before = last.points_px[self._vertex]
        there = undistorted_points(before + moved.shift_px, self._camera)
        before = undistorted_points(before, self._camera)
        moved = replace(moved, shift_px=there - before)
        return Handed(before, last.spread_px2, moved, last.measurement)

    def carried(self, measurement: Measurement) -> Carried | None:
        """Return where the fitted vertices should be in this frame; None if nobody can say."""
        handed = self.handed()
        if handed is None:
            return None
        return carried(
            handed.places_px,
            handed.spread_px2,
            handed.moved,
            (handed.seen, measurement),
            self.shares.of(measurement),
            self._settings,
            self.shares.parts,
        )
