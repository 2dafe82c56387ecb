"""The alignment network: a crop in, the flow of every UV texel into the image out, with sigma.

Source: FlowFace (Taubner et al. 2024), section 3.1; method.md section 2 numbers the parts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.network.config import NetworkConfig
from engine.network.correlation import correlate, look_up, match, pyramid, read_around
from engine.network.encoder import make_encoder
from engine.network.positional import UVEncoding, texel_centres
from engine.network.update import make_update

_START_SIGMA_PX = 8.0  # of a zero start; the paper does not state one
_MIN_SIGMA_PX, _MAX_SIGMA_PX = 0.05, 100.0


class FlowMap(NamedTuple):
    """One estimate: the image position of every texel, and its standard deviation, crop px."""

    position: Tensor  # (B, 2, D, D) v + F
    sigma: Tensor  # (B, 1, D, D)


class Aligner(nn.Module):
    """image (B, 3, S, S) sRGB 0..1 -> one FlowMap after the start and after each iteration."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config)
        self.z_uv = UVEncoding(config.uv_side, config.channels)
        self.context = UVEncoding(config.uv_side, config.hidden)
        self.hidden = UVEncoding(config.uv_side, config.hidden)
        self.update = make_update(config) if config.iterations else None
        if config.start == "matching":
            # A crop is roughly centred on its face: where a place lies in it is worth knowing.
            side = config.image_side_px // 8
            self.place = nn.Parameter(torch.zeros(1, config.channels, side, side))
            self.start_log_sigma = LogSigma()
        self.register_buffer(
            "v", texel_centres(config.uv_side, config.image_side_px), persistent=False
        )
        self.v: Tensor

    def forward(self, image: Tensor) -> list[FlowMap]:
        """Run all iterations; the last estimate is the result, the others serve the loss."""
        side, batch = self.config.image_side_px, image.shape[0]
        features = self.encoder(image)
        z_uv = self.z_uv().expand(batch, -1, -1, -1)
        correlation = correlate(z_uv, self._image_map(features.coarse))

        position, log_sigma, estimates = self._start(correlation)
        if self.update is None:
            return estimates
        levels = pyramid(correlation, self.config.correlation_levels)
        hidden = self.hidden().tanh().expand(batch, -1, -1, -1)
        context = self.context().relu().expand(batch, -1, -1, -1)

        for _ in range(self.config.iterations):
            # As in RAFT, every step learns from its own look-up alone.
            position, log_sigma = position.detach(), log_sigma.detach()
            seen = look_up(levels, position, self.config.correlation_radius, side)
            if features.fine is not None:
                fine = read_around(features.fine, position, 1, side)
                seen = torch.cat([seen, fine], dim=1)
            flow = (position - self.v) * (2.0 / side)
            hidden, change, log_change = self.update(hidden, context, seen, flow, log_sigma)
            position = position + change * (side / 32)
            log_sigma = log_sigma + log_change
            estimates.append(_flow_map(position, log_sigma))
        return estimates

    def _image_map(self, coarse: Tensor) -> Tensor:
        if self.config.start == "matching":
            return coarse + self.place
        return F.adaptive_avg_pool2d(coarse, self.config.uv_side)  # method.md 2.1

    def _start(self, correlation: Tensor) -> tuple[Tensor, Tensor, list[FlowMap]]:
        if self.config.start == "matching":
            position, spread = match(correlation, self.config.image_side_px)
            log_sigma = self.start_log_sigma(spread.log())
            return position, log_sigma, [_flow_map(position, log_sigma)]
        position = self.v.expand(correlation.shape[0], -1, -1, -1)
        log_sigma = torch.full_like(position[:, :1], _START_SIGMA_PX).log()
        return position, log_sigma, []


class LogSigma(nn.Module):
    """From the spread of a match to its log sigma: the wider the match, the less sure."""

    def __init__(self) -> None:
        super().__init__()
        self.gain, self.offset = nn.Parameter(torch.tensor(0.5)), nn.Parameter(torch.zeros(()))

    def forward(self, log_spread: Tensor) -> Tensor:  # noqa: D102
        return self.gain * log_spread + self.offset


def _flow_map(position: Tensor, log_sigma: Tensor) -> FlowMap:
    return FlowMap(position, log_sigma.exp().clamp(_MIN_SIGMA_PX, _MAX_SIGMA_PX))


class Readout(nn.Module):
    """Reads a FlowMap at every vertex by bilinear sampling (method.md 2.4).

    uv       (V, 2) in [0, 1]
    returns  mu (B, V, 2) crop px, sigma (B, V) crop px
    """

    def __init__(self, uv: Tensor) -> None:
        super().__init__()
        self.register_buffer("grid", (uv * 2.0 - 1.0)[None, :, None], persistent=False)
        self.grid: Tensor

    def forward(self, flow: FlowMap) -> tuple[Tensor, Tensor]:  # noqa: D102
        maps = torch.cat([flow.position, flow.sigma], dim=1)
        grid = self.grid.expand(maps.shape[0], -1, -1, -1)
        values = F.grid_sample(maps, grid, padding_mode="border", align_corners=False)
        values = values[..., 0].transpose(1, 2)  # (B, V, 3)
        return values[..., :2], values[..., 2]


class PointAligner(nn.Module):
    """What runs in a backend: crop in, vertex positions and sigma of the last estimate out."""

    def __init__(self, aligner: Aligner, readout: Readout) -> None:
        super().__init__()
        self.aligner, self.readout = aligner, readout
        # One factor, found on validation images, makes the predicted sigma an honest one.
        self.register_buffer("sigma_scale", torch.ones(()))
        self.sigma_scale: Tensor

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S, S, 3) uint8 -> (B, V, 2) crop px, (B, V) crop px."""
        picture = image.permute(0, 3, 1, 2).float() / 255.0
        points, sigma = self.readout(self.aligner(picture)[-1])
        return points, sigma * self.sigma_scale
