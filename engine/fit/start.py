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
_FEWEST = 12


def first_state(solver: Solver, measurement: Measurement, intrinsics: Array) -> FitState | None:
    """Return the resting face at the pose that explains a measurement; None if there is none.

    Source: SQPnP, Terzakis and Lourakis 2020 (as in OpenCV).
    """
    on_face = np.isin(solver.chosen.vertex, solver.face)
    usable = np.flatnonzero(on_face & (measurement.information > 0))
    if len(usable) < _FEWEST:
        return None
    stiff = _stiffest(solver, measurement, usable)
    places = solver.person.neutral[stiff].astype(np.float64)
    points = measurement.points[stiff]
    try:
        found, turn, shift = cv2.solvePnP(
            places, points, intrinsics, None, flags=cv2.SOLVEPNP_SQPNP
        )
    except cv2.error:  # it refuses points that all fall on one place: no face there
        return None
    if not found or not np.isfinite(turn).all() or not shift[2, 0] > 0:
        return None
    rotation = np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64)
    return solver.rest(rigid(rotation, np.asarray(shift[:, 0], dtype=np.float64)))


def _stiffest(
    solver: Solver, measurement: Measurement, usable: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Those of the usable fitted vertices that expressions hardly move and the network sees."""
    motion_m = np.linalg.norm(solver.chosen.expression[usable], axis=1).max(axis=1)
    seen_px = measurement.sigma[usable]
    relative_motion = motion_m / max(float(np.median(motion_m)), 1e-9)
    relative_sigma = seen_px / max(float(np.median(seen_px)), 1e-9)
    return usable[np.argsort(relative_motion + relative_sigma)[:_STIFF_COUNT]]
