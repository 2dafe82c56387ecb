"""Honest deviations are told from boasts."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation import sureness
from engine.fit.deviations import GROUPS
from engine.fit.state import FitState
from engine.types import Deviations

NAMES = ("eyeBlinkLeft", "jawOpen", "browDownLeft", "cheekPuff")


def _frames(stated: float) -> list[sureness.Told]:
    """States that scatter by 0.1 about the truth, and say `stated`."""
    rng, frames = np.random.default_rng(0), []
    true = FitState(np.eye(4), np.full(4, 0.5), np.zeros((2, 2)), np.zeros(3))
    for _ in range(3000):
        step = 0.1 * rng.normal(size=17)
        step[:3] = 0.0
        sd = Deviations(
            np.full(6, stated), np.full(4, stated), np.full((2, 2), stated), np.full(3, stated)
        )
        frames.append((true.moved(step), sd, true))
    return frames


def test_honest_and_boasting_deviations() -> None:
    honest = sureness.figures(sureness.ratios(NAMES, _frames(0.1)))
    boast = sureness.figures(sureness.ratios(NAMES, _frames(0.05)))
    for name in ("shift", "gaze", "neck", "lids", "mouth", "brows", "others"):
        assert honest[name]["expected_error"] < 0.02, name
        assert honest[name]["scale"] == pytest.approx(1.0, abs=0.06)
        assert boast[name]["scale"] == pytest.approx(2.0, abs=0.12)
        assert boast[name]["expected_error"] > 0.15
    assert honest["gaze"]["values"] == 12000


def test_shapes_that_rest_do_not_count() -> None:
    frames = [
        (
            FitState(true.camera_from_head, np.zeros(4), true.gaze, true.neck),
            sd,
            FitState(true.camera_from_head, np.array([0.0, 0.3, 0.0, 0.0]), true.gaze, true.neck),
        )
        for _, sd, true in _frames(0.1)[:10]
    ]
    found = sureness.ratios(NAMES, frames)
    assert len(found["lids"]) == 0
    np.testing.assert_allclose(found["mouth"], 3.0)
    assert dict(zip(GROUPS, sureness.scales(found), strict=True))["lids"] == 1.0
