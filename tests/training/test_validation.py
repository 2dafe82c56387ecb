"""The figures that training watches, on networks whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.fit.heads import open_head
from engine.network.aligner import Aligner, Estimate, FlowMap
from engine.training.loss import AlignmentLoss, LossSettings
from engine.training.validation import nme_percent, shaken_px

SIDE = 64


class Centroid:
    """Answers every texel with the centre of mass of the picture's light."""

    def __init__(self, gain: float) -> None:
        self.gain, self.config = gain, SimpleNamespace(image_side_px=SIDE)

    def __call__(self, crops: Tensor, iterations: int | None = None) -> Estimate:
        light = (crops.sum(1) - 0.6).clamp(min=0)  # above the noise of the dark
        line = torch.arange(SIDE) + 0.5
        total = light.sum((1, 2))
        x = (light.sum(1) * line).sum(1) / total
        y = (light.sum(2) * line).sum(1) / total
        centre = torch.stack([x, y], 1)
        answer = SIDE / 2 + self.gain * (centre - SIDE / 2)
        flow = FlowMap(
            answer[:, :, None, None].expand(-1, -1, 8, 8), torch.ones(len(crops), 1, 8, 8)
        )
        return Estimate([flow], cast("Any", None), cast("Any", None), None)

    def answer(self, crops: Tensor, estimate: Estimate) -> FlowMap:
        return estimate.steps[-1]


@pytest.mark.parametrize(("gain", "expected"), [(1.0, 0.0), (0.0, 1.0)])
def test_shaking_is_what_is_left_when_the_shift_is_taken_out(gain: float, expected: float) -> None:
    """A network that follows a blob exactly has none; one that does not move has the shifts'."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    blob = torch.exp(-((x - 30) ** 2 + (y - 34) ** 2) / 32).expand(2, 3, SIDE, SIDE)
    loss = AlignmentLoss(open_head.load(), LossSettings())
    found = shaken_px(cast("Aligner", Centroid(gain)), loss, 0.02 + 0.9 * blob)
    shifts = np.array([(0.0, 0.0), (0.5, 0.0), (0.25, 0.5), (-0.4, -0.2)])
    unmoved = np.sqrt(shifts.var(axis=0, ddof=1).mean())
    assert found == pytest.approx(expected * unmoved, abs=0.03)


def test_nme_is_the_mean_distance_over_the_side_of_the_box() -> None:
    truth = torch.zeros(1, 478, 2)
    truth[0, 0], truth[0, 1] = torch.tensor([0.0, 0.0]), torch.tensor([20.0, 80.0])
    marks = truth + torch.tensor([3.0, 4.0])
    assert nme_percent(marks, truth) == pytest.approx(100 * 5.0 / 40.0)
