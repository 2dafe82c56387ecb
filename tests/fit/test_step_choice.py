"""Who takes the steps of the fit is chosen by what it costs."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from engine.fit import step_choice
from engine.fit.solver import Solver
from engine.fit.step_choice import StepsMaker, frame_ms
from engine.fit.tensors import steps as tensors


class Timed:
    """Steps that take a while, and are counted."""

    about = "an abacus"

    def __init__(self, seconds: float) -> None:
        self.seconds, self.counts = seconds, []

    def taken(self, *asked: Any) -> Any:
        self.counts.append(asked[5])
        time.sleep(self.seconds)
        return asked[3]


def test_a_frame_is_timed_with_the_step_that_tensors_always_take(solver: Solver) -> None:
    slow = Timed(0.02)
    assert frame_ms(solver, slow) == pytest.approx(20, abs=8)
    assert set(slow.counts) == {solver.settings.steps + solver.settings.far_steps}
    assert solver.steps is None


def test_the_loops_are_timed_on_a_face_that_moves(
    solver: Solver, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, solve = [], solver.solve

    def watched(*asked: Any) -> Any:
        found.append((solve(*asked), asked))
        return found[-1][0]

    monkeypatch.setattr(solver, "solve", watched)
    assert 0.1 < frame_ms(solver, None) < 200
    state, (_, _, start, _, steps) = found[-1]
    assert steps == solver.settings.steps
    moved = state.change_since(start)
    assert np.hypot(*moved[3:5]) == pytest.approx(np.sqrt(2) * 0.5 / 600, rel=0.3)  # 1 px


@pytest.mark.parametrize(("seconds", "chosen"), [(0.0, True), (0.3, False)])
def test_auto_takes_the_card_only_where_it_is_faster(
    solver: Solver, monkeypatch: pytest.MonkeyPatch, seconds: float, chosen: bool
) -> None:
    made = Timed(seconds)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(tensors, "TensorSteps", lambda solver, device: made)
    maker = StepsMaker("auto", SimpleNamespace(on_card=True))
    assert (maker(solver) is made) == chosen
    assert maker.about == (made.about if chosen else "")
    assert StepsMaker("torch", SimpleNamespace(on_card=True))(solver) is made  # whatever it costs
    assert StepsMaker("auto", SimpleNamespace(on_card=False))(solver) is None
    assert step_choice.KINDS == ("auto", "cpu", "torch")
