"""The parts of the network against obvious, slow versions of themselves, and against the paper."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import ConfigError
from engine.fit.heads import open_head
from engine.network.aligner import Aligner, FlowMap, Memory, Readout
from engine.network.config import configuration
from engine.network.correlation import cell_centres, correlate, look_up, match, pyramid, read_around

SIDE = 64


def test_matching_is_the_mean_and_spread_of_a_softmax() -> None:
    torch.manual_seed(0)
    z_uv, z_img = torch.randn(1, 6, 8, 8), torch.randn(1, 6, 4, 4)
    position, spread = match(correlate(z_uv, z_img), SIDE)
    for row, column in ((0, 0), (3, 5), (7, 2)):
        scores = [
            float(z_uv[0, :, row, column] @ z_img[0, :, y, x]) / 6**0.5
            for y in range(4)
            for x in range(4)
        ]
        share = np.exp(scores) / np.exp(scores).sum()
        cells = np.array([[(x + 0.5) * 16, (y + 0.5) * 16] for y in range(4) for x in range(4)])
        mean = share @ cells
        variance = share @ ((cells - mean) ** 2)
        np.testing.assert_allclose(position[0, :, row, column], mean, atol=1e-3)
        np.testing.assert_allclose(
            float(spread[0, 0, row, column]), np.sqrt(variance.mean()), rtol=1e-3
        )


def test_matching_keeps_its_precision_under_autocast() -> None:
    torch.manual_seed(7)
    correlation = 2.0 * torch.randn(1, 64, 24, 24).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        position, spread = match(correlation, 192)
    exact_position, exact_spread = match(correlation.double(), 192)
    assert float((position - exact_position).abs().max()) < 0.05
    assert float((spread - exact_spread).abs().max()) < 0.05


def test_matching_stays_in_single_precision_under_autocast() -> None:
    """Squares of pixels do not fit into half precision, on which a card is run."""
    torch.manual_seed(9)
    correlation = torch.randn(1, 64, 16, 16)
    expected = match(correlation, 512)
    with torch.autocast("cpu", torch.float16):
        found = match(correlation, 512)
    for ours, true in zip(found, expected, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, true, rtol=1e-6, atol=1e-5)


def bilinear(values: np.ndarray, x: float, y: float) -> float:
    """Value at cell coordinates (centres at integers), zero outside."""
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
                total += values[row, column] * (1 - abs(x - column)) * (1 - abs(y - row))
    return total


def test_look_up_reads_a_window_of_every_level() -> None:
    torch.manual_seed(1)
    correlation = torch.randn(1, 64, 8, 8)
    position = torch.rand(1, 2, 8, 8) * SIDE
    found = look_up(pyramid(correlation, 2), position, 1, SIDE)
    assert found.shape == (1, 18, 8, 8)
    row, column = 5, 3
    level0 = correlation[0, row * 8 + column].numpy()
    level1 = level0.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    x, y = position[0, :, row, column].numpy()
    expected = [
        bilinear(level, x / cell - 0.5 + dx, y / cell - 0.5 + dy)
        for level, cell in ((level0, 8), (level1, 16))
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    ]
    np.testing.assert_allclose(found[0, :, row, column], expected, atol=1e-4)


def test_features_are_read_around_the_estimate() -> None:
    torch.manual_seed(2)
    features, position = torch.randn(1, 2, 16, 16), torch.rand(1, 2, 8, 8) * SIDE
    found = read_around(features, position, 1, SIDE)
    x, y = position[0, :, 2, 6].numpy()
    expected = [
        bilinear(channel, x / 4 - 0.5 + dx, y / 4 - 0.5 + dy)
        for channel in features[0].numpy()
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    ]
    np.testing.assert_allclose(found[0, :, 2, 6], expected, atol=1e-4)


def test_cells_are_counted_on_the_device_of_the_match() -> None:
    """A captured CUDA graph cannot wait for what the processor computes."""
    for axis in cell_centres(4, 6, torch.empty(0, dtype=torch.float64, device="meta")):
        assert axis.device.type == "meta"
        assert axis.shape == (24,)
        assert axis.dtype == torch.float64


def test_readout_is_bilinear_between_texel_centres() -> None:
    torch.manual_seed(3)
    flow = FlowMap(torch.rand(1, 2, 8, 8) * SIDE, torch.rand(1, 1, 8, 8) + 0.5)
    uv = torch.tensor([[0.5, 0.5], [0.21, 0.83]])
    points, sigma = Readout(uv)(flow)
    for i, (u, v) in enumerate(uv.numpy()):
        for axis in range(2):
            expected = bilinear(flow.position[0, axis].numpy(), u * 8 - 0.5, v * 8 - 0.5)
            assert float(points[0, i, axis]) == pytest.approx(expected, abs=1e-4)
        expected = bilinear(flow.sigma[0, 0].numpy(), u * 8 - 0.5, v * 8 - 0.5)
        assert float(sigma[0, i]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("encoder", "millions"), [
    ("mit_b1", 17.3), ("mit_b2", 31.0), ("mit_b5", 88.2),
])  # fmt: skip
def test_parameter_counts_are_the_papers(encoder: str, millions: float) -> None:
    """FlowFace, table of backbones (method.md section 2): 17.3, 31.0 and 88.2 million."""
    config = replace(configuration("paper"), encoder=encoder, identity_size=0)  # no traits there
    with torch.device("meta"):
        network = Aligner(config)
    count = sum(p.numel() for p in network.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.3)


@pytest.mark.parametrize("name", ["nano", "base", "paper"])
def test_every_step_gives_positions_and_a_positive_sigma(name: str) -> None:
    torch.manual_seed(4)
    config = replace(configuration(name), image_side_px=SIDE, uv_side=16)
    if config.encoder != "light":
        config = replace(config, encoder="mit_b0")
    network = Aligner(config).eval()
    with torch.inference_mode():
        estimates = network(torch.rand(2, 3, SIDE, SIDE)).steps
    steps = config.iterations + (config.start == "matching")
    assert len(estimates) == steps
    for flow in estimates:
        assert flow.position.shape == (2, 2, 16, 16)
        assert bool((flow.sigma > 0).all())
        assert bool(flow.position.isfinite().all())


def test_a_warm_step_is_the_next_step() -> None:
    """Where there is no match to correct it, going on equals having taken one step more."""
    torch.manual_seed(6)
    config = replace(configuration("paper"), encoder="mit_b0", image_side_px=SIDE, uv_side=16)
    network = Aligner(config).eval()
    image = torch.rand(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        once = network(image, iterations=2)
        on = network(image, once.memory)
        thrice = network(image, iterations=3)
    torch.testing.assert_close(on.memory.position, thrice.memory.position)
    torch.testing.assert_close(on.memory.hidden, thrice.memory.hidden)
    assert len(on.steps) == 1
    # what was seen goes on from step to step: a lost state gives another answer
    lost = network(image, once.memory._replace(hidden=torch.zeros_like(once.memory.hidden)))
    assert not torch.allclose(on.memory.position, lost.memory.position)
    assert not torch.allclose(on.memory.position, once.memory.position)


def test_a_warm_start_weighs_memory_and_match_by_their_variances() -> None:
    """Texel by texel against the precision-weighted mean of two Gaussians."""
    torch.manual_seed(6)
    network = Aligner(replace(configuration("nano"), image_side_px=SIDE, uv_side=16)).eval()
    with torch.inference_mode():
        view = network.look(torch.rand(1, 3, SIDE, SIDE))
        found_now = network.begin(view)
        far = torch.zeros(1, 1, 16, 16)
        far[..., 8:, :] = 60.0  # further than the match's sigma: the face has moved there
        before = Memory(
            found_now.position
            + torch.tensor([0.7, -0.4])[:, None, None]
            + torch.cat([far, -far], 1),
            torch.randn(1, 1, 16, 16) * 0.5,
            torch.randn_like(found_now.hidden),
        )
        start = network.resume(view, before)
    torch.testing.assert_close(start.hidden, found_now.hidden)  # a fresh one
    moved_px = found_now.position.numpy()[0] - before.position.numpy()[0]
    for row, column in ((2, 3), (7, 15), (8, 0), (15, 9)):
        at = (row, column)
        found = math.exp(float(found_now.log_sigma[0, 0, row, column]))
        slack = math.exp(float(before.log_sigma[0, 0, row, column])) + SIDE / 192
        sure = max(slack, float(np.abs(moved_px[:, *at]).max()) - found)
        precision = 1 / sure**2 + 1 / found**2
        for axis in range(2):
            mean = before.position[0, axis, row, column] / sure**2
            mean = float(mean + found_now.position[0, axis, row, column] / found**2) / precision
            assert float(start.position[0, axis, row, column]) == pytest.approx(mean, abs=1e-3)
        log_sigma = -0.5 * math.log(precision)
        assert float(start.log_sigma[0, 0, row, column]) == pytest.approx(log_sigma, abs=1e-4)
    assert float((start.position - found_now.position)[..., 8:, :].abs().max()) < 15.0


def test_an_encoder_of_finer_stride_is_matched_at_stride_8() -> None:
    config = replace(configuration("nano"), encoder="mit_b0", fine_channels=0, image_side_px=SIDE)
    network = Aligner(config).eval()
    with torch.inference_mode():
        image = torch.rand(1, 3, SIDE, SIDE)
        view = network.look(image)
        coarse = network.encoder(image).coarse
    assert coarse.shape[-1] == SIDE // 4
    mean = coarse.reshape(1, 128, SIDE // 8, 2, SIDE // 8, 2).mean((3, 5)) + network.place
    torch.testing.assert_close(view.correlation, correlate(network.z_uv(), mean))


def test_fine_features_need_the_encoder_that_gives_them() -> None:
    with pytest.raises(ConfigError, match="fine_channels must be 0"):
        replace(configuration("nano"), encoder="mit_b0")


def test_traits_have_the_sizes_of_the_head() -> None:
    config = configuration("nano")
    head = open_head.load()
    assert config.identity_size == len(head.identity_basis)
    assert config.expression_size == len(head.expression_basis)
    network = Aligner(replace(config, image_side_px=SIDE)).eval()
    traits = network(torch.rand(2, 3, SIDE, SIDE)).traits
    assert traits is not None
    assert traits.identity.shape == traits.identity_log_sigma.shape == (2, 60)
    assert traits.expression.shape == traits.expression_log_sigma.shape == (2, 52)
    assert traits.tongue_logit.shape == (2, 1)
    untold = Aligner(replace(config, identity_size=0, image_side_px=SIDE)).eval()
    assert untold(torch.rand(1, 3, SIDE, SIDE)).traits is None


def test_an_unknown_configuration_names_the_known() -> None:
    with pytest.raises(ConfigError, match="allowed are nano, base, paper"):
        configuration("huge")
