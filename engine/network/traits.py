"""What a crop says of the whole face: who it is, what it does, whether the tongue is out.

A small head on three things: the encoder's pooled features; the recurrent state, which holds what
was seen at every part of the surface; and where the parts lie, without the face's place and size.
Identity and expression are coefficients of the head model, each with its own standard
deviation: a prior for the fit, the role that MICA has in the paper (method.md section 4, E_MICA).
The tongue is a probability, since its vertices lie inside the mouth as long as it does not show.
It learns when the rest is trained and held fixed: few pictures would otherwise teach the encoder
their people by heart.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.network.config import NetworkConfig

_WIDTH, _MIXED = 192, 24
_CELLS = 8  # along either side of the UV map
_LOG_SIGMA_RANGE = (-4.0, 1.5)


class Traits(NamedTuple):
    """Coefficients of the head model with the logarithm of their standard deviation."""

    identity: Tensor  # (B, K)
    identity_log_sigma: Tensor  # (B, K)
    expression: Tensor  # (B, E)
    expression_log_sigma: Tensor  # (B, E)
    tongue_logit: Tensor  # (B, 1)


class TraitsHead(nn.Module):
    """Reads the last estimate of a crop.

    pooled    (B, P) of the encoder
    position  (B, 2, D, D) crop px
    hidden    (B, H, D, D)
    """

    def __init__(self, config: NetworkConfig, pooled: int) -> None:
        super().__init__()
        self.sizes = [config.identity_size] * 2 + [config.expression_size] * 2 + [1]
        self.cell = config.uv_side // _CELLS
        self.mix = nn.Conv2d(config.hidden, _MIXED, 1)
        source = pooled + (_MIXED + 2) * _CELLS**2
        self.layers = nn.Sequential(
            nn.Linear(source, _WIDTH), nn.Hardswish(), nn.Linear(_WIDTH, sum(self.sizes))
        )

    def forward(self, pooled: Tensor, position: Tensor, hidden: Tensor) -> Traits:  # noqa: D102
        centred = position - position.mean((2, 3), keepdim=True)
        size = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
        seen = torch.cat([self.mix(hidden), centred / size], dim=1)
        cells = F.avg_pool2d(seen, self.cell).flatten(1)
        identity, identity_log, expression, expression_log, tongue = self.layers(
            torch.cat([pooled, cells], dim=1)
        ).split(self.sizes, dim=1)
        return Traits(
            identity,
            identity_log.clamp(*_LOG_SIGMA_RANGE),
            expression,
            expression_log.clamp(*_LOG_SIGMA_RANGE),
            tongue,
        )
