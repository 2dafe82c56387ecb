"""The network of the irises: where it looks, what it moves, and that it can learn to find one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.fit.heads import landmarks, open_head
from engine.network.aligner import FlowMap, Readout
from engine.network.eyes import EyeHead, Irises

SIDE, TEXELS = 192, 32
HEAD = open_head.load()


def settled() -> EyeHead:
    torch.manual_seed(0)
    eyes = EyeHead(TEXELS)
    eyes.settle(HEAD)
    return eyes


def frontal(shift: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """A face whose texels lie on the image as on the UV map, but for its eyeballs."""
    line = (torch.arange(TEXELS) + 0.5) * (SIDE / TEXELS)
    y, x = torch.meshgrid(line, line, indexing="ij")
    position = torch.stack([x + shift[0], y + shift[1]])[None]
    for island, corners in zip(settled().eyeballs, ((33, 133), (263, 362)), strict=True):
        middle = _on_map(position, corners)
        inside = island > 0
        centre = position[0][:, inside].mean(1)
        position[0][:, inside] += (middle - centre)[:, None]
    return position


def _on_map(position: Tensor, marks: tuple[int, int]) -> Tensor:
    uv = torch.from_numpy(HEAD.uv.astype(np.float32))
    points = Readout(uv)(FlowMap(position, torch.ones_like(position[:, :1])))[0][0].numpy()
    return torch.from_numpy(landmarks(HEAD, points)[list(marks)].mean(0)).float()


def test_every_eyeball_vertex_and_no_other_moves_with_its_iris() -> None:
    eyes, position = settled(), frontal()
    sigma = torch.full_like(position[:, :1], 2.0)
    now = torch.stack([_on_map(position, (468, 468)), _on_map(position, (473, 473))])[None]
    shift = torch.tensor([[[3.0, -1.0], [-2.0, 0.5]]])
    irises = Irises(now + shift, torch.tensor([[0.0, 1.0]]))
    moved, sure = eyes.corrected(position, sigma, irises)
    readout = Readout(torch.from_numpy(HEAD.uv.astype(np.float32)))
    before, old_sigma = readout(FlowMap(position, sigma))
    after, new_sigma = readout(FlowMap(moved, sure))
    step = (after - before)[0].numpy()
    for eye, name in enumerate(("eyeball_right", "eyeball_left")):
        ball = HEAD.region == HEAD.region_names.index(name)
        np.testing.assert_allclose(
            step[ball], np.broadcast_to(shift[0, eye], (ball.sum(), 2)), atol=1e-3
        )
        np.testing.assert_allclose(new_sigma[0, ball], np.exp(eye), rtol=1e-4)
    skin = np.isin(
        HEAD.region, [HEAD.region_names.index(n) for n in ("eyes", "face", "mouth", "nose")]
    )
    np.testing.assert_allclose(step[skin], 0.0, atol=1e-4)
    np.testing.assert_allclose(new_sigma[0, skin], old_sigma[0, skin])


def test_a_mirrored_picture_has_mirrored_irises() -> None:
    eyes, position = settled(), frontal()
    torch.nn.init.normal_(eyes.answer.weight, std=0.2)
    across = torch.tensor([-1.0, 1.0])  # landmarks are symmetric but for a tenth of a texel
    for uv in (eyes.corners_uv, eyes.iris_uv):
        uv[1] = uv[0] * across + torch.tensor([1.0, 0.0])
    image = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    found = eyes(image, position)
    turned = position.flip(3) * across[:, None, None]
    turned[:, 0] += SIDE
    mirrored = eyes(image.flip(3), turned)
    expected = found.centre.flip(1) * across + torch.tensor([float(SIDE), 0.0])
    torch.testing.assert_close(mirrored.centre, expected, atol=0.02, rtol=0)
    torch.testing.assert_close(mirrored.log_sigma, found.log_sigma.flip(1), atol=0.02, rtol=0)


@pytest.mark.parametrize("moved", [(0.0, 0.0), (7.0, -4.0)])
def test_it_learns_to_find_a_dark_disc(moved: tuple[float, float]) -> None:
    eyes, position = settled(), frontal(moved)
    optimiser = torch.optim.Adam(eyes.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(2)
    middles = torch.stack([_on_map(position, (33, 133)), _on_map(position, (263, 362))])
    line = torch.arange(SIDE) + 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")

    def drawn(count: int) -> tuple[Tensor, Tensor]:
        away = (torch.rand(count, 2, 2, generator=generator) - 0.5) * torch.tensor([16.0, 6.0])
        centre = middles + away
        square = (x - centre[..., 0, None, None]) ** 2 + (y - centre[..., 1, None, None]) ** 2
        image = 0.8 - 0.7 * (square < 25.0).any(1, keepdim=True).float()
        return image.expand(-1, 3, -1, -1), centre

    for _ in range(60):
        image, centre = drawn(8)
        found = eyes(image, position.expand(8, -1, -1, -1))
        loss = (found.centre - centre).norm(dim=-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    image, centre = drawn(16)
    with torch.no_grad():
        found = eyes(image, position.expand(16, -1, -1, -1))
    error = (found.centre - centre).norm(dim=-1)
    still = (middles - centre).norm(dim=-1)
    assert float(error.mean()) < 0.35 * float(still.mean())
