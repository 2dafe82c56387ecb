"""The alignment network: a crop in, the flow of every UV texel into the image out, with sigma.

Source: FlowFace (Taubner et al. 2024), section 3.1; method.md section 2 numbers the parts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import ConfigError
from engine.network.config import NetworkConfig
from engine.network.correlation import correlate, look_up, match, pyramid, read_around
from engine.network.encoder import make_encoder
from engine.network.eyes import EyeHead
from engine.network.positional import UVEncoding, texel_centres
from engine.network.traits import Traits, TraitsHead
from engine.network.update import make_update

_START_SIGMA_PX = 8.0  # of a zero start; the paper does not state one
_MIN_SIGMA_PX, _MAX_SIGMA_PX = 0.05, 100.0
_SLACK = 1 / 192  # of the side of a crop: what a face at rest may have moved since the last frame


class FlowMap(NamedTuple):
    """One estimate: the image position of every texel, and its standard deviation, crop px."""

    position: Tensor  # (B, 2, D, D) v + F
    sigma: Tensor  # (B, 1, D, D)


class Memory(NamedTuple):
    """Where a refinement stands: the start of the next step, or of the next frame."""

    position: Tensor  # (B, 2, D, D) v + F, crop px
    log_sigma: Tensor  # (B, 1, D, D)
    hidden: Tensor  # (B, H, D, D)

    def flow_map(self) -> FlowMap:
        """Return the estimate itself."""
        sigma = self.log_sigma.exp().clamp(_MIN_SIGMA_PX, _MAX_SIGMA_PX)
        return FlowMap(self.position, sigma)

    def part(self, samples: slice) -> Memory:
        """Return some samples of the batch."""
        return Memory(*(tensor[samples] for tensor in self))


class View(NamedTuple):
    """All that the steps read of an image."""

    correlation: Tensor  # (B, D * D, h, w)
    fine: Tensor | None  # (B, C, S/4, S/4)
    pooled: Tensor  # (B, P)

    def part(self, samples: slice) -> View:
        """Return some samples of the batch."""
        fine = None if self.fine is None else self.fine[samples]
        return View(self.correlation[samples], fine, self.pooled[samples])

    def settled(self) -> View:
        """Return the same view, whose comparison with the texels further steps do not train.

        The first step does; in training, gradients of the large volume would cost most of a step.
        """
        return View(self.correlation.detach(), self.fine, self.pooled)


class Estimate(NamedTuple):
    """What the network says of a crop."""

    steps: list[FlowMap]  # after the start (if it looks at the image) and after each step
    memory: Memory  # of the last step
    view: View  # for further steps
    traits: Traits | None


class Aligner(nn.Module):
    """image (B, 3, S, S) sRGB 0..1 -> Estimate.

    Cold, it starts as its configuration says; warm, from the memory of the frame before, moved
    into this crop (engine/network/warm.py) and corrected by the match, and one step is enough.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config)
        self.z_uv = UVEncoding(config.uv_side, config.channels)
        self.context = UVEncoding(config.uv_side, config.hidden)
        self.hidden = UVEncoding(config.uv_side, config.hidden)
        self.update = make_update(config) if config.iterations else None
        # A warm start errs in other ways than a match does: where a block is small, it learns only
        # one of them well.
        self.warm_update = make_update(config) if config.own_warm_update else None
        self.traits = (
            TraitsHead(config, self.encoder.pooled_width) if config.identity_size else None
        )
        self.eyes = EyeHead(config.uv_side) if config.eyes else None
        if config.start == "matching":
            # A crop is roughly centred on its face: where a place lies in it is worth knowing.
            side = config.image_side_px // 8
            self.place = nn.Parameter(torch.zeros(1, config.channels, side, side))
            self.start_log_sigma = LogSigma()
        self.register_buffer(
            "v", texel_centres(config.uv_side, config.image_side_px), persistent=False
        )
        self.v: Tensor

    def forward(
        self, image: Tensor, start: Memory | None = None, iterations: int | None = None
    ) -> Estimate:
        """Run cold, or warm from `start`.

        iterations  steps to take; if None as many as configured when cold, one when warm
        """
        view = self.look(image)
        if iterations is None:
            iterations = self.config.iterations if start is None else 1
        memory = self.begin(view) if start is None else self.resume(view, start)
        steps = [memory.flow_map()] if start is None and self.config.start == "matching" else []
        levels = pyramid(view.correlation, self.config.correlation_levels)
        for _ in range(iterations):
            memory = self.refine(view, memory, levels, warm=start is not None)
            steps.append(memory.flow_map())
        return Estimate(steps, memory, view, self.tell(view, memory))

    def look(self, image: Tensor) -> View:
        """Encode an image and compare it with every texel: what cold and warm have in common."""
        features = self.encoder(image)
        z_uv = self.z_uv().expand(image.shape[0], -1, -1, -1)
        correlation = correlate(z_uv, self._image_map(features.coarse))
        return View(correlation, features.fine, features.pooled)

    def begin(self, view: View) -> Memory:
        """Return the cold start F_0, S_0, h_0."""
        batch = view.correlation.shape[0]
        hidden = self.hidden().tanh().expand(batch, -1, -1, -1)
        if self.config.start == "matching":
            position, spread = match(view.correlation, self.config.image_side_px)
            return Memory(position, self.start_log_sigma(spread.log()), hidden)
        position = self.v.expand(batch, -1, -1, -1)
        log_sigma = torch.full_like(position[:, :1], _START_SIGMA_PX).log()
        return Memory(position, log_sigma, hidden)

    def resume(self, view: View, before: Memory) -> Memory:
        """Return the warm start F_0, S_0, h_0: the frame before, corrected by the match.

        Both are estimates of the same places, and count by their variances, as in a Kalman filter.
        Where they differ by more than the match's sigma, the face has moved: the memory is as
        unsure as that. So a chain of warm steps cannot drift away from the picture.

        before  memory of the frame before, in this crop
        """
        if self.config.start != "matching":
            return before
        match = self.begin(view)
        moved = torch.maximum(*(match.position - before.position).abs().chunk(2, dim=1))
        found = match.log_sigma.exp()
        slack = _SLACK * self.config.image_side_px
        sure = torch.maximum(before.log_sigma.exp() + slack, moved - found)
        gain = 1.0 / (1.0 + (found / sure) ** 2)
        position = before.position + gain * (match.position - before.position)
        return Memory(position, match.log_sigma + 0.5 * gain.log(), match.hidden)

    def refine(
        self,
        view: View,
        memory: Memory,
        levels: list[Tensor] | None = None,
        *,
        warm: bool = False,
    ) -> Memory:
        """Take one recurrent step.

        levels  the correlation pyramid of the view, if it is at hand
        warm    it is the first one after the frame before
        """
        update = self.warm_update if warm and self.warm_update is not None else self.update
        if update is None:
            raise ConfigError(f"{self.config.name}: has no steps to take")
        side = self.config.image_side_px
        if levels is None:
            levels = pyramid(view.correlation, self.config.correlation_levels)
        # As in RAFT, every step learns from its own look-up alone.
        position, log_sigma = memory.position.detach(), memory.log_sigma.detach()
        seen = look_up(levels, position, self.config.correlation_radius, side)
        if view.fine is not None:
            seen = torch.cat([seen, read_around(view.fine, position, 1, side)], dim=1)
        flow = (position - self.v) * (2.0 / side)
        context = self.context().relu().expand(position.shape[0], -1, -1, -1)
        hidden, change, log_change = update(memory.hidden, context, seen, flow, log_sigma)
        return Memory(position + change * (side / 32), log_sigma + log_change, hidden)

    def answer(self, image: Tensor, estimate: Estimate) -> FlowMap:
        """Return the last step's flow, with the eyeballs where their own network sees them."""
        flow = estimate.steps[-1]
        if self.eyes is None:
            return flow
        irises = self.eyes(image, flow.position)
        return FlowMap(*self.eyes.corrected(flow.position, flow.sigma, irises))

    def tell(self, view: View, memory: Memory) -> Traits | None:
        """Return what is seen of the whole face; None if the network has no such head."""
        if self.traits is None:
            return None
        return self.traits(view.pooled, memory.position.detach(), memory.hidden)

    def _image_map(self, coarse: Tensor) -> Tensor:
        cells, side = int(coarse.shape[-1]), self.config.uv_side  # a graph needs plain numbers
        if self.config.start == "matching":
            side = int(self.place.shape[-1])
            return (coarse if cells == side else F.avg_pool2d(coarse, cells // side)) + self.place
        if cells % side == 0:
            return F.avg_pool2d(coarse, cells // side)  # method.md 2.1
        return F.adaptive_avg_pool2d(coarse, side)


class LogSigma(nn.Module):
    """From the spread of a match to its log sigma: the wider the match, the less sure."""

    def __init__(self) -> None:
        super().__init__()
        self.gain, self.offset = nn.Parameter(torch.tensor(0.5)), nn.Parameter(torch.zeros(()))

    def forward(self, log_spread: Tensor) -> Tensor:  # noqa: D102
        return self.gain * log_spread + self.offset


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
