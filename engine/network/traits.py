"""What a crop says of the whole face: who it is, what it does, whether the tongue is out.

A small head on the encoder's pooled features. Identity and expression are coefficients of the head
model, each with its own standard deviation: a prior for the fit, the role that MICA has in the
paper (method.md section 4, E_MICA). The tongue is a probability, since its vertices lie inside the
mouth as long as it does not show.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from engine.network.config import NetworkConfig

_WIDTH = 128
_LOG_SIGMA_RANGE = (-4.0, 1.5)


class Traits(NamedTuple):
    """Coefficients of the head model with the logarithm of their standard deviation."""

    identity: Tensor  # (B, K)
    identity_log_sigma: Tensor  # (B, K)
    expression: Tensor  # (B, E)
    expression_log_sigma: Tensor  # (B, E)
    tongue_logit: Tensor  # (B, 1)


class TraitsHead(nn.Module):
    """pooled (B, P) -> Traits."""

    def __init__(self, config: NetworkConfig, source: int) -> None:
        super().__init__()
        self.sizes = [config.identity_size] * 2 + [config.expression_size] * 2 + [1]
        self.layers = nn.Sequential(
            nn.Linear(source, _WIDTH), nn.Hardswish(), nn.Linear(_WIDTH, sum(self.sizes))
        )

    def forward(self, pooled: Tensor) -> Traits:  # noqa: D102
        identity, identity_log, expression, expression_log, tongue = self.layers(pooled).split(
            self.sizes, dim=1
        )
        return Traits(
            identity,
            identity_log.clamp(*_LOG_SIGMA_RANGE),
            expression,
            expression_log.clamp(*_LOG_SIGMA_RANGE),
            tongue,
        )
