"""Warm starts for training: the memory of one view, moved into the other and made wrong.

In video the face has moved and changed since the last frame; here the second view moves by a known
amount, and a smooth random field stands for what else happened.
Source: method.md section 4 (live).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.network.aligner import Memory


@dataclass(frozen=True)
class WarmSettings:
    """How wrong a memory is. At 192 px; other crops in proportion."""

    shift_sd_px: float = 2.0  # of the whole face
    bend_sd_px: float = 0.8  # of a smooth field over it
    spread_sd: float = 0.6  # of the logarithm of both, from sample to sample
    sigma_sd: float = 0.15  # of log sigma
    forgetting: float = 0.1  # share of samples whose hidden state is lost
    jump: float = 0.3  # share of samples of which a part moves by itself: a blink, a word
    jump_sd_px: float = 5.0  # of that part
    calm: float = 0.4  # share of samples that nothing happens to
    steps: int = 5  # warm steps in a row that are learnt together


_JUMP_TEXELS = (1.0, 5.0)  # of a UV map 32 texels wide: radius of a part that moves by itself
_BEND_KNOTS = 6  # of the smooth field along either side of the UV map


def carried(memory: Memory, second_from_first: Tensor) -> Memory:
    """Move a memory by an affine map (B, 2, 3) between the pixels of two crops."""
    turn, shift = second_from_first[:, :, :2], second_from_first[:, :, 2]
    position = torch.einsum("bij,bjhw->bihw", turn, memory.position) + shift[:, :, None, None]
    log_scale = 0.5 * torch.linalg.det(turn.float()).abs().log()
    return Memory(position, memory.log_sigma + log_scale[:, None, None, None], memory.hidden)


def disturbed(
    memory: Memory, settings: WarmSettings, side_px: int, generator: torch.Generator
) -> Memory:
    """Add what happens between two frames to the memory of the first.

    generator  on the CPU, so that a seed means the same on every device
    """
    batch, _, height, width = memory.position.shape

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator).to(memory.position)

    share = torch.exp(settings.spread_sd * normal(batch, 1, 1, 1)) * (side_px / 192)
    bend = F.interpolate(
        normal(batch, 2, _BEND_KNOTS, _BEND_KNOTS), (height, width), mode="bicubic"
    )
    shift = settings.shift_sd_px * normal(batch, 2, 1, 1)
    log_sigma = settings.sigma_sd * normal(batch, 1, 1, 1)
    kept = torch.rand(batch, 1, 1, 1, generator=generator) >= settings.forgetting
    jump = settings.jump_sd_px * (side_px / 192) * normal(batch, 2, 1, 1)
    jump = jump * _somewhere(batch, height, width, settings.jump, generator).to(jump)
    busy = torch.rand(batch, 1, 1, 1, generator=generator) >= settings.calm
    moved = share * (shift + settings.bend_sd_px * bend) + jump
    return Memory(
        memory.position + busy.to(moved) * moved,
        memory.log_sigma + busy.to(log_sigma) * log_sigma,
        memory.hidden * (kept | ~busy).to(memory.hidden),
    )


def _somewhere(
    batch: int, height: int, width: int, share: float, generator: torch.Generator
) -> Tensor:
    """Return a round bump (B, 1, H, W) of height 1 somewhere on a share of the maps, else 0."""

    def uniform() -> Tensor:
        return torch.rand(batch, 1, 1, 1, generator=generator)

    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    least, most = (texels * width / 32 for texels in _JUMP_TEXELS)
    radius = least + (most - least) * uniform()
    square = (y - height * uniform()) ** 2 + (x - width * uniform()) ** 2
    return torch.exp(-0.5 * square / radius**2) * (uniform() < share)
