"""The recurrent update: from what the image says around an estimate to a better estimate.

RaftUpdate is RAFT-L's (Teed and Deng 2020, section 3.3 and appendix); LightUpdate a depthwise one
that also reads fine image features. Both have one head more than RAFT: log sigma (method.md 2.3).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.network.config import NetworkConfig
from engine.network.depthwise import Depthwise


def look_up_channels(config: NetworkConfig) -> int:
    """Return how many values `Aligner` reads from the image around each estimate."""
    side = 2 * config.correlation_radius + 1
    return config.correlation_levels * side * side + 9 * config.fine_channels


def make_update(config: NetworkConfig) -> nn.Module:
    """Return the update block that a configuration names."""
    kind = {"light": LightUpdate, "raft": RaftUpdate}[config.update]
    return kind(look_up_channels(config), config.hidden)


class LightUpdate(nn.Module):
    """A depthwise convolutional GRU; every part works at the resolution of the UV map.

    hidden, context  (B, H, D, D)
    seen             (B, L, D, D) what was looked up in the image
    flow, log_sigma  (B, 2, D, D), (B, 1, D, D), in units of the caller's choice
    returns          hidden, change of flow, change of log sigma
    """

    def __init__(self, seen: int, hidden: int) -> None:
        super().__init__()
        self.motion = nn.Sequential(nn.Conv2d(seen + 3, 96, 1), nn.ReLU(), nn.Conv2d(96, hidden, 1))
        self.mix = Depthwise(3 * hidden, 5)
        self.gates = nn.Conv2d(3 * hidden, 2 * hidden, 1)
        self.candidate = nn.Conv2d(3 * hidden, hidden, 1)
        self.head = nn.Sequential(
            Depthwise(hidden, 3),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, 3, 1),
        )

    def forward(  # noqa: D102
        self, hidden: Tensor, context: Tensor, seen: Tensor, flow: Tensor, log_sigma: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        motion = F.relu(self.motion(torch.cat([seen, flow, log_sigma], dim=1)))
        mixed = self.mix(torch.cat([hidden, motion, context], dim=1))
        update, reset = self.gates(mixed).sigmoid().chunk(2, dim=1)
        old, rest = mixed.split([hidden.shape[1], 2 * hidden.shape[1]], dim=1)
        new = self.candidate(torch.cat([reset * old, rest], dim=1)).tanh()
        hidden = (1.0 - update) * hidden + update * new
        change = self.head(hidden)
        return hidden, change[:, :2], change[:, 2:]


class SeparableGRU(nn.Module):
    """RAFT-L's ConvGRU: a 1x5 pass, then a 5x1 pass."""

    def __init__(self, hidden: int, source: int) -> None:
        super().__init__()
        both = hidden + source
        shapes = (((1, 5), (0, 2)), ((5, 1), (2, 0)))
        self.gates = nn.ModuleList(
            nn.Conv2d(both, 2 * hidden, kernel, padding=pad) for kernel, pad in shapes
        )
        self.candidates = nn.ModuleList(
            nn.Conv2d(both, hidden, kernel, padding=pad) for kernel, pad in shapes
        )

    def forward(self, hidden: Tensor, x: Tensor) -> Tensor:  # noqa: D102
        for gates, candidate in zip(self.gates, self.candidates, strict=True):
            update, reset = gates(torch.cat([hidden, x], dim=1)).sigmoid().chunk(2, dim=1)
            new = candidate(torch.cat([reset * hidden, x], dim=1)).tanh()
            hidden = (1.0 - update) * hidden + update * new
        return hidden


class RaftUpdate(nn.Module):
    """RAFT-L's update block, its flow head doubled by a head for log sigma. As LightUpdate."""

    def __init__(self, seen: int, hidden: int) -> None:
        super().__init__()
        self.seen = nn.Sequential(
            nn.Conv2d(seen, 256, 1), nn.ReLU(), nn.Conv2d(256, 192, 3, 1, 1), nn.ReLU()
        )
        self.estimate = nn.Sequential(
            nn.Conv2d(3, 128, 7, 1, 3), nn.ReLU(), nn.Conv2d(128, 64, 3, 1, 1), nn.ReLU()
        )
        self.merge = nn.Conv2d(192 + 64, 128 - 3, 3, 1, 1)
        self.gru = SeparableGRU(hidden, hidden + 128)
        self.flow_head = _head(hidden, 2)
        self.sigma_head = _head(hidden, 1)

    def forward(  # noqa: D102
        self, hidden: Tensor, context: Tensor, seen: Tensor, flow: Tensor, log_sigma: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        estimate = torch.cat([flow, log_sigma], dim=1)
        motion = F.relu(self.merge(torch.cat([self.seen(seen), self.estimate(estimate)], dim=1)))
        hidden = self.gru(hidden, torch.cat([context, motion, estimate], dim=1))
        return hidden, self.flow_head(hidden), self.sigma_head(hidden)


def _head(hidden: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(hidden, 256, 3, 1, 1), nn.ReLU(), nn.Conv2d(256, out, 3, 1, 1))
