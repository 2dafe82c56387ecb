"""A start that cannot be made is no face, not a crash."""

from __future__ import annotations

import numpy as np
import pytest
from fit_scene import INTRINSICS

from engine.fit.solver import Solver
from engine.fit.start import first_state
from engine.types import Alignment


@pytest.mark.parametrize("spread_px", [0.0, 1e-7])
def test_points_that_all_fall_on_one_place_are_no_face(solver: Solver, spread_px: float) -> None:
    count = len(solver.person.neutral)
    rng = np.random.default_rng(0)
    points = np.array([320.0, 240.0]) + spread_px * rng.normal(size=(count, 2))
    alignment = Alignment(points, np.ones(count), np.arange(count, dtype=np.int32))
    assert first_state(solver, solver.measured(alignment), INTRINSICS) is None
