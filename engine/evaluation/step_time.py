"""The steps of the fit by who takes them: what they cost, and how far apart they end."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from engine.evaluation import fit_scenes
from engine.evaluation.tables import table
from engine.fit.settings import TrackerSettings
from engine.fit.solver import FitState, Solver
from engine.fit.state import Past
from engine.fit.tensors.steps import TensorSteps

_INTERVAL_S = 1 / 30
_FRAMES, _ROUNDS = 24, 4
LOOPS = "compiled loops"
_PARTS = ("camera_from_head", "expression", "gaze", "neck")


def run(solver: Solver, settings: TrackerSettings) -> dict[str, dict[str, float]]:
    """Return the median ms of a followed frame's steps and the largest difference to the loops'.

    By turns on the same frames of noisy points. `cuda` is NaN where there is no such device.
    """
    scene = fit_scenes.from_points(solver.head, 0, _FRAMES + 1)
    ways = {LOOPS: solver}
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for device in devices:
        other = Solver(solver.head, settings.fit, settings.retarget.look_limits_rad)
        other.adopt(solver.body)
        other.steps = TensorSteps(other, torch.device(device))
        ways[f"torch {device}"] = other
    spent: dict[str, list[float]] = {name: [] for name in ways}
    apart = dict.fromkeys(ways, 0.0)
    for index in [i for _ in range(_ROUNDS) for i in range(_FRAMES)]:
        measurement = solver.measured(scene.alignments[index + 1])
        past = Past(scene.truth[index], _INTERVAL_S)
        found: dict[str, FitState] = {}
        for name, one in ways.items():
            begun = time.perf_counter()
            found[name] = one.solve(measurement, scene.assumed, past.state, past)
            spent[name].append(time.perf_counter() - begun)
            apart[name] = max(apart[name], _apart(found[name], found[LOOPS]))
    nothing = {"torch cuda": {"ms": float("nan"), "ratio": float("nan"), "apart": float("nan")}}
    usual = float(np.median(spent[LOOPS]))
    return nothing | {
        name: {"ms": 1e3 * ms, "ratio": ms / usual, "apart": 1e6 * apart[name]}
        for name, ms in ((name, float(np.median(each))) for name, each in spent.items())
    }


def _apart(ours: FitState, theirs: FitState) -> float:
    return max(float(np.abs(getattr(ours, n) - getattr(theirs, n)).max()) for n in _PARTS)


def text(result: dict[str, Any]) -> str:
    """Return the table."""
    header = ("steps of a followed frame", "ms", "ratio", "largest difference, 1e-6")
    names = (LOOPS, "torch cpu", "torch cuda")
    rows = [(name, *(result[name][key] for key in ("ms", "ratio", "apart"))) for name in names]
    return table(header, rows)
