"""What a step of the fit, a keyframe and the deviations cost."""

from __future__ import annotations

import time

import numpy as np

from engine.evaluation import fit_scenes
from engine.fit.deviations import Sureness
from engine.fit.enrol import Enrolment
from engine.fit.noise import NoiseModel
from engine.fit.settings import TrackerSettings
from engine.fit.solver import Solver
from engine.fit.state import Past

_INTERVAL_S = 1 / 30
_TIMED = 200


def milliseconds(
    solver: Solver, settings: TrackerSettings, noise: NoiseModel | None = None
) -> dict[str, float]:
    """Return the median time of a Gauss-Newton step, of a keyframe and of the deviations."""
    scene = fit_scenes.from_points(solver.head, 0, 2)
    measurement, state = solver.measured(scene.alignments[0]), scene.truth[0]
    past, spent, learning = Past(scene.truth[1], _INTERVAL_S), [], []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        solver.solve(measurement, scene.intrinsics, state, past, steps=1)
        spent.append(time.perf_counter() - begun)
    sure, telling = Sureness(solver, noise), []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        sure.of(measurement.sigma, state, None)
        telling.append(time.perf_counter() - begun)
    enrolment = Enrolment(solver, scene.assumed, settings.enrol)
    for _ in range(_TIMED // 10):
        enrolment.restart()
        begun = time.perf_counter()
        enrolment.observe(measurement, state)
        learning.append(time.perf_counter() - begun)
    return {
        "gauss_newton_step": 1e3 * float(np.median(spent)),
        "keyframe": 1e3 * float(np.median(learning)),
        "deviations": 1e3 * float(np.median(telling)),
        "vertices": float(len(solver.chosen.vertex)),
    }
