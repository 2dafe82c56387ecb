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
    settings = WarmSettings(spread_sd=0.0, bend_sd_px=0.0)

    def moved(seed: int, how: WarmSettings) -> Memory:
        return disturbed(found, how, 384, torch.Generator().manual_seed(seed))

    shift = moved(3, settings).position - found.position
    assert float(shift[:, :, 0, 0].std()) == pytest.approx(2 * settings.shift_sd_px, rel=0.03)
    assert float(shift.std((2, 3)).max()) < 1e-4  # the whole face alike
    assert torch.equal(moved(3, settings).position, moved(3, settings).position)
    assert not torch.equal(moved(3, settings).position, moved(4, settings).position)
    lost = moved(3, settings).hidden.abs().amax((1, 2, 3)) == 0
    assert float(lost.float().mean()) == pytest.approx(settings.forgetting, abs=0.02)
    bent = moved(3, WarmSettings(shift_sd_px=0.0)).position - found.position
    assert float(bent.std((2, 3)).mean()) > 0.5
