"""A memory moved between crops, in training and in use, against moving it texel by texel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.network import warm
from engine.network.aligner import Memory
from engine.training.warm_start import WarmSettings, carried, disturbed
from engine.types import AlignmentMemory, Crop

SIDE = 192


def crop(angle: float, scale: float, x: float, y: float) -> Crop:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return Crop(np.array([[c, -s, x], [s, c, y], [0.0, 0.0, 1.0]]), SIDE)


def memory(seed: int, batch: int = 1) -> Memory:
    torch.manual_seed(seed)
    return Memory(
        torch.rand(batch, 2, 8, 8) * SIDE, torch.randn(batch, 1, 8, 8), torch.randn(batch, 4, 8, 8)
    )


def test_a_carried_memory_stays_where_it_is_in_the_image() -> None:
    first, second = crop(0.2, 1.5, 40.0, 30.0), crop(-0.1, 0.75, 60.0, 10.0)
    found = memory(0)
    kept = AlignmentMemory(first, *(tensor[0].numpy() for tensor in found))
    position, log_sigma, hidden = warm.carried(kept, second)
    for row, column in ((0, 0), (3, 6), (7, 1)):
        old = np.array([*found.position[0, :, row, column].numpy(), 1.0])
        new = np.array([*position[0, :, row, column], 1.0])
        in_image = first.image_from_crop @ old
        np.testing.assert_allclose(second.image_from_crop @ new, in_image, atol=1e-3)
    # a pixel of the second crop is half as large, so sigma is twice as many of them
    np.testing.assert_allclose(np.exp(log_sigma), 2.0 * found.log_sigma.exp().numpy(), rtol=1e-5)
    np.testing.assert_array_equal(hidden, found.hidden.numpy())

    move = np.linalg.inv(second.image_from_crop) @ first.image_from_crop
    trained = carried(found, torch.from_numpy(move[None, :2].astype(np.float32)))
    np.testing.assert_allclose(trained.position, position, atol=1e-3)
    np.testing.assert_allclose(trained.log_sigma, log_sigma, atol=1e-5)


def test_disturbances_have_their_size_and_follow_the_seed() -> None:
    found = memory(1, batch=4000)
    settings = WarmSettings(spread_sd=0.0, bend_sd_px=0.0, jump=0.0, calm=0.0)

    def moved(seed: int, how: WarmSettings) -> Memory:
        return disturbed(found, how, 384, torch.Generator().manual_seed(seed))

    shift = moved(3, settings).position - found.position
    assert float(shift[:, :, 0, 0].std()) == pytest.approx(2 * settings.shift_sd_px, rel=0.03)
    assert float(shift.std((2, 3)).max()) < 1e-4  # the whole face alike
    assert torch.equal(moved(3, settings).position, moved(3, settings).position)
    assert not torch.equal(moved(3, settings).position, moved(4, settings).position)
    lost = moved(3, settings).hidden.abs().amax((1, 2, 3)) == 0
    assert float(lost.float().mean()) == pytest.approx(settings.forgetting, abs=0.02)
    still = WarmSettings(shift_sd_px=0.0, jump=0.0, calm=0.0)
    bent = moved(3, still).position - found.position
    assert float(bent.std((2, 3)).mean()) > 0.5


def test_some_samples_stay_calm_and_in_some_a_part_jumps() -> None:
    found = Memory(torch.zeros(1500, 2, 64, 64), torch.zeros(1, 1), torch.ones(1500, 1, 1, 1))
    quiet = WarmSettings(shift_sd_px=0.0, bend_sd_px=0.0, sigma_sd=0.0, calm=0.25, jump=0.5)
    moved = disturbed(found, quiet, SIDE, torch.Generator().manual_seed(5))
    calm = (moved.hidden == 1).all((1, 2, 3)) & (moved.position == found.position).all((1, 2, 3))
    # neither chosen to be busy, nor busy without anything happening
    least = quiet.calm + (1 - quiet.calm) * (1 - quiet.forgetting) * (1 - quiet.jump)
    assert float(calm.float().mean()) == pytest.approx(least, abs=0.03)
    jumps = (moved.position - found.position).norm(dim=1)[~calm].amax((1, 2))
    jumps = jumps[jumps > 0]
    # the height of a bump is Rayleigh distributed
    assert float(jumps.median()) == pytest.approx(1.177 * quiet.jump_sd_px, rel=0.08)


def test_a_chain_is_its_steps_one_after_the_other() -> None:
    """Against the network asked sample by sample, with every memory moved by hand."""
    from engine.fit.heads import open_head
    from engine.network.aligner import Aligner
    from engine.network.config import configuration
    from engine.training.chains import chain_loss
    from engine.training.loss import AlignmentLoss, LossSettings
    from tests.training.chain_batch import batch_of_two

    torch.manual_seed(3)
    network = Aligner(configuration("nano")).eval()
    torch.nn.init.normal_(network.warm_update.head[-1].weight, std=0.05)
    loss = AlignmentLoss(open_head.load(), LossSettings())
    batch, settings = batch_of_two(), WarmSettings(calm=1.0, steps=3)
    with torch.no_grad():
        view = network.look(batch.image)
        start = network.begin(view).part(slice(0, 2))
        total, _ = chain_loss(
            network, view, start, batch, loss, settings, torch.Generator().manual_seed(0)
        )
        expected = []
        memory, to_second = start, batch.second_from_first
        whole = torch.cat([to_second, torch.tensor([[[0.0, 0.0, 1.0]]]).expand(2, 1, 3)], dim=1)
        back = torch.linalg.inv(whole)[:, :2]
        for move, seen in ((to_second, slice(2, 4)), (back, slice(0, 2)), (to_second, slice(2, 4))):
            estimate = network(batch.image[seen], carried(memory, move))
            memory = estimate.memory
            expected.append(float(loss(estimate.steps[-1:], batch.part(seen))[0]))
    assert float(total) == pytest.approx(float(np.mean(expected)), rel=1e-4)
    assert max(expected) - min(expected) > 1e-3  # steps differ, so their order is tested


def test_a_warm_step_uses_its_own_block() -> None:
    from engine.network.aligner import Aligner
    from engine.network.config import configuration

    torch.manual_seed(0)
    network, image = Aligner(configuration("nano")).eval(), torch.rand(1, 3, SIDE, SIDE)
    with torch.no_grad():
        cold = network(image)
        for parameter in network.warm_update.parameters():
            parameter.zero_()
        torch.testing.assert_close(network(image).steps[-1].position, cold.steps[-1].position)
        warm_step = network(image, cold.memory)
        start = network.resume(network.look(image), cold.memory)
        torch.testing.assert_close(warm_step.memory.position, start.position)
