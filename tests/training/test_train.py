"""The loss against a slow version of itself; a resumed run against one that was not cut off."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import AssetError, ConfigError
from engine.fit.heads import landmarks, open_head
from engine.network.aligner import FlowMap
from engine.network.traits import Traits
from engine.training.batches import Batch
from engine.training.loss import IRISES, OPENINGS, AlignmentLoss, LossSettings, vertex_weights
from engine.training.packs import Pack
from engine.training.train import (
    NetworkChange,
    StreamShares,
    Trainer,
    TrainSettings,
    pack_shares,
)

HEAD = open_head.load()
COUNT = len(HEAD.neutral)
ONLY_PORTRAITS = StreamShares(a=0.0, b=0.0, c=1.0)


def random_batch(seed: int) -> tuple[list[FlowMap], Batch]:
    torch.manual_seed(seed)
    flow = FlowMap(torch.rand(2, 2, 8, 8) * 64, torch.rand(2, 1, 8, 8) * 2 + 0.5)
    points, weight = torch.rand(2, COUNT, 2) * 64, torch.rand(2, COUNT)
    marks, mark_weight = torch.rand(2, 478, 2) * 64, torch.rand(2, 478) + 0.1
    points[1], weight[1], marks[0], mark_weight[0] = 0, 0, 0, 0  # a vertex sample, a landmark one
    identity, expression = torch.randn(2, 60), torch.rand(2, 52)
    known = torch.tensor([1.0, 0.0])
    move = torch.tensor([[[0.9, -0.1, 4.0], [0.1, 0.9, -3.0]]])
    labels = (points, weight, marks, mark_weight, identity, known, expression, known)
    fit = torch.zeros(2, 0, dtype=torch.long), torch.zeros(2, 0, 2, 65), torch.zeros(2, 0)
    return [flow], Batch(torch.rand(2, 3, 64, 64), *labels, *fit, move)


def slow_loss(flow: FlowMap, batch: Batch, loss: AlignmentLoss) -> float:
    """Point by point, in Python floats."""
    points, sigma = (x.numpy().astype(float) for x in loss.readout(flow))
    region_weight = vertex_weights(HEAD).numpy()

    def term(found: np.ndarray, spread: np.ndarray, truth: np.ndarray, weight: float) -> float:
        distance = math.hypot(*(found - truth))
        ratio, edge = distance / float(spread), math.sqrt(2 * loss.settings.bound)
        square = ratio**2 / 2 if ratio < edge else loss.settings.bound + edge * (ratio - edge)
        return weight * (2 * math.log(spread) + square + loss.settings.distance * distance)

    weight = batch.point_weight[0].numpy() * region_weight
    truth = batch.points[0].numpy()
    vertex = sum(term(points[0, i], sigma[0, i], truth[i], weight[i]) for i in range(COUNT))
    marks = [landmarks(HEAD, points[s]) for s in range(2)]
    spreads = landmarks(HEAD, sigma[1][:, None])[:, 0]
    mark_weight, mark_truth = batch.landmark_weight[1].numpy(), batch.landmarks[1].numpy()
    mark = sum(term(marks[1][i], spreads[i], mark_truth[i], mark_weight[i]) for i in range(478))

    truths = [landmarks(HEAD, truth.astype(float)), mark_truth]

    def between(pairs: tuple[tuple[int, int], ...], trust: list[np.ndarray]) -> float:
        errors, trusts = 0.0, 0.0
        for sample in range(2):
            for one, other in pairs:
                error = marks[sample][one] - marks[sample][other]
                error = error - (truths[sample][one] - truths[sample][other])
                weight = min(trust[sample][one], trust[sample][other])
                errors += weight * math.hypot(*error)
                trusts += weight
        return errors / trusts

    seen = landmarks(HEAD, batch.point_weight[0].numpy()[:, None].astype(float))[:, 0]
    openings = between(OPENINGS, [np.ones(478), mark_weight])
    irises = between(IRISES, [seen, mark_weight])
    return (
        vertex / weight.sum() / 2
        + loss.settings.portrait * mark / mark_weight.sum() / 2
        + loss.settings.opening * openings
        + loss.settings.iris * irises
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_is_what_its_formula_says(seed: int) -> None:
    estimates, batch = random_batch(seed)
    loss = AlignmentLoss(HEAD, LossSettings())
    total, parts = loss(estimates, batch)
    assert float(total) == pytest.approx(slow_loss(estimates[0], batch, loss), rel=1e-3)
    assert parts["opening_px"] > 0


def test_earlier_steps_count_less() -> None:
    estimates, batch = random_batch(2)
    loss = AlignmentLoss(HEAD, LossSettings())
    one, three = float(loss(estimates, batch)[0]), float(loss(estimates * 3, batch)[0])
    assert three == pytest.approx(one * (1 + 0.8 + 0.64), rel=1e-5)


def test_stillness_is_the_distance_of_moved_answers() -> None:
    (flow,), batch = random_batch(3)
    loss = AlignmentLoss(HEAD, LossSettings())
    points, sigma = (x.numpy().astype(float) for x in loss.readout(flow))
    weight = batch.point_weight[0].numpy() * vertex_weights(HEAD).numpy()
    in_sigmas = in_px = 0.0
    for i in range(COUNT):
        x, y = points[0, i]
        moved = np.array([0.9 * x - 0.1 * y + 4.0, 0.1 * x + 0.9 * y - 3.0])
        distance = float(np.hypot(*(moved - points[1, i])))
        in_px += weight[i] * distance / weight.sum()
        in_sigmas += weight[i] * distance / (sigma[:, i].mean()) / weight.sum()
    still, px = loss.stillness(flow, batch)
    assert float(still) == pytest.approx(in_sigmas, rel=1e-3)
    assert px == pytest.approx(in_px, rel=1e-3)


def test_traits_learn_only_from_samples_that_know() -> None:
    _, batch = random_batch(4)
    torch.manual_seed(5)
    told = Traits(
        torch.randn(2, 60), torch.randn(2, 60) * 0.3, torch.rand(2, 52), torch.randn(2, 52) * 0.3,
        torch.randn(2, 1),
    )  # fmt: skip
    settings = LossSettings()
    total, parts = AlignmentLoss(HEAD, settings).traits(told, batch)

    def density(mean: torch.Tensor, log_sigma: torch.Tensor, truth: torch.Tensor) -> float:
        normal = torch.distributions.Normal(mean[0].double(), log_sigma[0].double().exp())
        constant = 0.5 * math.log(2 * math.pi)
        return float((-normal.log_prob(truth[0].double()) - constant).mean())

    identity = density(told.identity, told.identity_log_sigma, batch.identity)
    expression = density(told.expression, told.expression_log_sigma, batch.expression)
    out = float(batch.expression[0, HEAD.expression_names.index("tongueOut")] > 0.3)
    chance = 1 / (1 + math.exp(-float(told.tongue_logit[0])))
    tongue = -(out * math.log(chance) + (1 - out) * math.log(1 - chance))
    assert parts["identity"] == pytest.approx(identity, rel=1e-4)
    assert parts["expression"] == pytest.approx(expression, rel=1e-4)
    assert parts["tongue"] == pytest.approx(tongue, rel=1e-4)
    weighed = settings.identity * identity + settings.expression * expression
    assert float(total) == pytest.approx(weighed + settings.tongue * tongue, rel=1e-4)


@pytest.mark.slow
def test_a_resumed_run_equals_one_that_was_not_cut_off(pack: Pack, tmp_path: Path) -> None:
    settings = TrainSettings(shares=ONLY_PORTRAITS, steps=4, batch=2, validate_every=1000)
    whole = Trainer(settings, [pack], tmp_path / "whole")
    whole.run(None, lambda step, parts: None)

    first = Trainer(settings, [pack], tmp_path / "cut")
    first.run(1e-9, lambda step, parts: None)  # time is up before the first step
    assert first.step == 0
    for step in range(2):
        from engine.training.batches import BatchMaker

        maker = BatchMaker(HEAD, [pack], [1.0], first.config.image_side_px, settings.augment)
        first.train_step(maker.make(settings.seed, step, settings.batch // 2))
    first.save()
    second = Trainer(settings, [pack], tmp_path / "cut")
    assert second.step == 2
    second.run(None, lambda step, parts: None)
    for name, value in whole.average.state_dict().items():
        torch.testing.assert_close(second.average.state_dict()[name], value, rtol=1e-4, atol=1e-5)


def test_by_the_clock_the_rate_falls_with_the_time_and_then_it_ends(
    pack: Pack, tmp_path: Path
) -> None:
    settings = TrainSettings(
        shares=ONLY_PORTRAITS, batch=2, minutes=2.0, warm_up=0, rate=1.0, validate_every=1000
    )
    rates: dict[float, float] = {}

    def report(step: int, parts: dict[str, float]) -> None:
        trainer.spent_s = {1: 60.0, 2: 120.0}[step]  # as if a step took a minute

    trainer = Trainer(settings, [pack], tmp_path)
    rates[0.0] = trainer.rate
    for spent_s in (30.0, 60.0, 120.0, 300.0):
        trainer.spent_s = spent_s
        rates[spent_s] = trainer.rate
    expected = {t: 0.01 + 0.99 * (1 + math.cos(math.pi * min(t / 120, 1))) / 2 for t in rates}
    assert rates == pytest.approx(expected)
    trainer.spent_s = 0.0
    trainer.run(None, report)
    assert trainer.step == 2
    resumed = Trainer(settings, [pack], tmp_path)
    assert resumed.spent_s == pytest.approx(trainer.spent_s)
    assert resumed.spent_s >= 120.0
    resumed.run(None, report)
    assert resumed.step == 2


def test_several_loaders_do_not_take_what_is_rendered_for_each_step(
    pack: Pack, tmp_path: Path
) -> None:
    settings = TrainSettings(shares=ONLY_PORTRAITS, fresh=2, steps=1, batch=2)
    trainer = Trainer(settings, [pack], tmp_path)
    with pytest.raises(ConfigError, match=r"fresh: .* one loader"):
        trainer.run(None, lambda step, parts: None, loaders=2)


def test_a_larger_network_begins_as_a_smaller_one(pack: Pack, tmp_path: Path) -> None:
    change = NetworkChange(uv_side=64, fine_channels=32)
    settings = TrainSettings(shares=ONLY_PORTRAITS, change=change)
    trainer = Trainer(settings, [pack], tmp_path)
    small = Trainer(TrainSettings(shares=ONLY_PORTRAITS), [pack], tmp_path / "small")
    tensors = small.network.state_dict()
    trainer.begin_from(tensors)
    for network in (trainer.network, trainer.average):
        kept = network.state_dict()["encoder.stem.0.weight"]
        assert torch.equal(kept, tensors["encoder.stem.0.weight"])


def test_heads_are_learnt_with_the_alignment_held_fixed(pack: Pack, tmp_path: Path) -> None:
    from engine.training.batches import BatchMaker

    rng = np.random.default_rng(3)
    known = replace(pack, identity=rng.normal(0, 1, (6, 60)), expression=rng.random((6, 52)))
    settings = TrainSettings(shares=ONLY_PORTRAITS, learn="heads", weight_decay=0.5)
    trainer = Trainer(settings, [known], tmp_path)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    side = trainer.config.image_side_px
    batch = BatchMaker(HEAD, [known], [1.0], side, settings.augment).make(0, 0, 2)
    losses = [trainer.train_step(batch)["loss"] for _ in range(8)]
    changed = {
        name
        for name, value in trainer.network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert {name.split(".")[0] for name in changed} == {"traits"}
    assert losses[-1] < losses[0]


def test_chains_are_learnt_with_the_cold_network_held_fixed(pack: Pack, tmp_path: Path) -> None:
    from engine.training.batches import BatchMaker

    settings = TrainSettings(shares=ONLY_PORTRAITS, learn="warm", weight_decay=0.5, warm_up=1)
    trainer = Trainer(settings, [pack], tmp_path)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    side = trainer.config.image_side_px
    batch = BatchMaker(HEAD, [pack], [1.0], side, settings.augment).make(0, 0, 2)
    parts = [trainer.train_step(batch) for _ in range(8)]
    changed = {
        name
        for name, value in trainer.network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed
    assert all(name.startswith("warm_update.") for name in changed)
    assert parts[-1]["loss"] < parts[0]["loss"]


def test_an_own_warm_update_begins_as_the_cold_one(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(TrainSettings(shares=ONLY_PORTRAITS), [pack], tmp_path)
    tensors = trainer.network.state_dict()
    without = {n: t * 2 for n, t in tensors.items() if not n.startswith("warm_update.")}
    trainer.begin_from(without)
    for name, tensor in trainer.average.state_dict().items():
        if name.startswith("warm_update."):
            torch.testing.assert_close(tensor, without[name.removeprefix("warm_")])


def test_a_run_begins_from_other_weights(pack: Pack, tmp_path: Path) -> None:
    settings = TrainSettings(shares=ONLY_PORTRAITS)
    trainer = Trainer(settings, [pack], tmp_path)
    other = Trainer(replace(settings, seed=2), [pack], tmp_path / "other")
    tensors = other.network.state_dict()
    heads = ("traits.", "eyes.")
    without = {name: value for name, value in tensors.items() if not name.startswith(heads)}
    untrained = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.begin_from(without)
    for network in (trainer.network, trainer.average):
        for name, value in network.state_dict().items():
            expected = untrained if name.startswith(heads) else tensors
            assert torch.equal(value, expected[name]), name
    with pytest.raises(AssetError, match=r"do not fit nano: z_uv\.mix\.weight"):
        trainer.begin_from({k: v for k, v in tensors.items() if k != "z_uv.mix.weight"})


def test_a_run_begins_between_two_weights(pack: Pack, tmp_path: Path) -> None:
    settings = TrainSettings(shares=ONLY_PORTRAITS)
    trainer, *others = (
        Trainer(replace(settings, seed=seed), [pack], tmp_path / str(seed)) for seed in (1, 2, 3)
    )
    before, after = (
        {k: v.clone() for k, v in other.network.state_dict().items()} for other in others
    )
    trainer.begin_from(after, before, 0.75)
    for name, value in trainer.average.state_dict().items():
        expected = 0.25 * before[name] + 0.75 * after[name]
        if value.is_floating_point():
            torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
        else:
            assert torch.equal(value, after[name])
    with pytest.raises(AssetError, match=r"cannot be mixed: only one has z_uv\.mix\.weight"):
        trainer.begin_from(after, {k: v for k, v in before.items() if k != "z_uv.mix.weight"})


def test_a_mixture_with_a_smaller_network_is_with_what_it_grew_to(
    pack: Pack, tmp_path: Path
) -> None:
    nano = Trainer(TrainSettings(shares=ONLY_PORTRAITS), [pack], tmp_path / "nano")
    small = nano.network.state_dict()
    wide = TrainSettings(network="base", shares=ONLY_PORTRAITS)
    begun, mixed = (Trainer(wide, [pack], tmp_path / name) for name in ("begun", "mixed"))
    begun.begin_from(small)
    after = {k: v + 1 for k, v in begun.average.state_dict().items()}
    mixed.begin_from(after, small, 0.25)
    for name, value in begun.average.state_dict().items():
        found = mixed.average.state_dict()[name]
        if value.is_floating_point():
            torch.testing.assert_close(found, value + 0.25, rtol=1e-4, atol=1e-4)


def test_a_damaged_checkpoint_is_named(pack: Pack, tmp_path: Path) -> None:
    torch.save({"step": 3, "network": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(AssetError, match=r"checkpoint\.pt: not a checkpoint of nano"):
        Trainer(TrainSettings(shares=ONLY_PORTRAITS), [pack], tmp_path)


def test_a_stream_without_a_pack_is_an_error(pack: Pack) -> None:
    assert pack_shares([pack], StreamShares(a=0.5, b=0.0, c=0.5)) == [0.5]
    with pytest.raises(AssetError, match="no training pack of the streams a"):
        pack_shares([pack], StreamShares(a=1.0, b=0.0, c=0.0))
