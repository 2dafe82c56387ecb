"""What each stage minimises, against the network asked piece by piece."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from engine.fit.heads import open_head
from engine.network.aligner import Aligner
from engine.network.config import configuration
from engine.network.eyes import Irises
from engine.network.traits import Traits
from engine.training.batches import Batch
from engine.training.loss import AlignmentLoss, LossSettings
from engine.training.stages import ALIGNMENT, HEADS, Stages
from engine.training.validation import _landmarks
from engine.training.warm_start import WarmSettings, carried, disturbed
from tests.training.chain_batch import batch_of_two

HEAD = open_head.load()
CALM = WarmSettings(calm=1.0)


@pytest.fixture(autouse=True)
def _in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor that does not multiply in bfloat16."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)


def network() -> Aligner:
    torch.manual_seed(4)
    made = Aligner(configuration("nano")).eval()
    assert made.warm_update is not None
    torch.nn.init.normal_(made.warm_update.head[-1].weight, std=0.05)
    return made


def acting() -> Batch:
    """Return pictures whose people and expressions are known."""
    rng = torch.Generator().manual_seed(8)
    return replace(
        batch_of_two(),
        identity=torch.randn(4, 60, generator=rng),
        identity_weight=torch.ones(4),
        expression=torch.rand(4, 52, generator=rng),
        expression_weight=torch.ones(4),
    )


def told(traits: Traits | None) -> Traits:
    assert traits is not None
    return traits


@torch.no_grad()
def test_heads_learn_from_a_cold_and_from_a_warm_start() -> None:
    aligner, batch = network(), acting()
    loss = AlignmentLoss(HEAD, LossSettings())
    total, _ = Stages(aligner, loss, CALM).of(HEADS, batch, torch.Generator())
    cold = aligner(batch.image)
    start = carried(cold.memory.part(slice(0, 2)), batch.second_from_first)
    warm = aligner(batch.image[2:], start)
    parts = [
        float(loss.traits(told(cold.traits), batch)[0]),
        float(loss.traits(told(warm.traits), batch.part(slice(2, 4)))[0]),
    ]
    assert float(total) == pytest.approx(parts[0] + 0.5 * parts[1], rel=1e-4)


@torch.no_grad()
def test_traits_count_beside_the_alignment_as_much_as_is_set() -> None:
    aligner, batch = network(), acting()
    without, with_traits = (
        Stages(aligner, AlignmentLoss(HEAD, LossSettings(traits=share)), CALM).of(
            ALIGNMENT, batch, torch.Generator()
        )[0]
        for share in (0.0, 0.5)
    )
    loss = AlignmentLoss(HEAD, LossSettings())
    alone = float(loss.traits(told(aligner(batch.image).traits), batch)[0])
    assert float(with_traits - without) == pytest.approx(0.5 * alone, rel=1e-2)


def test_an_iris_is_judged_by_its_density_and_by_its_distance() -> None:
    batch = batch_of_two()
    seen = torch.tensor([[0.5, 1.0], [1.0, 0.0], [0.2, 0.7], [1.0, 1.0]])
    batch.landmark_weight[:, [468, 473]] = seen
    away = torch.tensor([[3.0, 4.0], [0.0, 2.0]])  # of the right iris, of the left one
    log_sigma = torch.tensor([0.5, -0.2]).expand(4, 2)
    found = Irises(batch.landmarks[:, [468, 473]] + away, log_sigma)
    settings = LossSettings(eyes=2.0)
    total, parts = AlignmentLoss(HEAD, settings).irises(found, batch)
    expected = pixels = 0.0
    for weights in seen.tolist():
        for weight, distance, log in zip(weights, (5.0, 2.0), (0.5, -0.2), strict=True):
            density = 2 * log + 0.5 * (distance / math.exp(log)) ** 2
            expected += weight * (density + settings.distance * distance)
            pixels += weight * distance
    assert float(total) == pytest.approx(2.0 * expected / float(seen.sum()), rel=1e-4)
    assert parts["eye_px"] == pytest.approx(pixels / float(seen.sum()), rel=1e-4)


@torch.no_grad()
def test_a_watched_chain_takes_every_step_from_the_one_before() -> None:
    aligner, image = network(), batch_of_two().image
    loss = AlignmentLoss(HEAD, LossSettings())
    generator = torch.Generator().manual_seed(0)
    estimate = aligner(image)
    for _ in range(3):
        start = disturbed(estimate.memory, WarmSettings(), int(image.shape[-1]), generator)
        estimate = aligner(image, start)
    expected = loss.landmarks(loss.readout(aligner.answer(image, estimate))[0])
    torch.testing.assert_close(_landmarks(aligner, loss, image, warm=3), expected)


def test_a_processor_that_multiplies_in_bfloat16_is_let(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = Stages(network(), AlignmentLoss(HEAD, LossSettings()), CALM)

    def loss() -> float:
        with torch.no_grad():
            return float(stages.of(ALIGNMENT, acting(), torch.Generator().manual_seed(0))[0])

    exact = loss()
    assert loss() == exact
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert loss() != exact
    assert loss() == pytest.approx(exact, rel=0.02)
