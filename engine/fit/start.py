"""The first state of a track: the mean head's pose from well-seen, stiff vertices."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.fit.residuals import Measurement
from engine.fit.solver import FitState, Solver
from engine.geometry import rigid
from engine.types import Array

_STIFF_COUNT = 120


def first_state(solver: Solver, measurement: Measurement, intrinsics: Array) -> FitState | None:
    """Return the resting face at the pose that explains a measurement; None if there is none.

    Source: SQPnP, Terzakis and Lourakis 2020 (as in OpenCV).
    """
    stiff = _stiff_vertices(solver, measurement)
    if len(stiff) < 6:
        return None
    places = solver.person.neutral[stiff].astype(np.float64)
    points = measurement.points[stiff]
    found, turn, shift = cv2.solvePnP(places, points, intrinsics, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found or not np.isfinite(turn).all() or not shift[2, 0] > 0:
        return None
    rotation = np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64)
    return solver.rest(rigid(rotation, np.asarray(shift[:, 0], dtype=np.float64)))


def _stiff_vertices(solver: Solver, measurement: Measurement) -> NDArray[np.intp]:
    """Indices of fitted face vertices that expressions hardly move and the network sees well."""
    on_face = np.isin(solver.chosen.vertex, solver.face)
    usable = np.flatnonzero(on_face & (measurement.information > 0))
    motion_m = np.linalg.norm(solver.chosen.expression[usable], axis=1).max(axis=1)
    seen_px = measurement.sigma[usable]
    doubt = motion_m / max(float(np.median(motion_m)), 1e-9) + seen_px / max(
        float(np.median(seen_px)), 1e-9
    )
    return usable[np.argsort(doubt)[:_STIFF_COUNT]]
