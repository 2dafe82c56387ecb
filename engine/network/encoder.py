"""Image encoders: crop -> features at stride 8 (light) or 4 (MiT), each with 128 channels.

SegFormer's hierarchical transformer MiT-b0..b5 (Xie et al. 2021, section 3 and table 6) and a light
convolutional one of inverted residuals (MobileNetV3, Howard et al. 2019) with a top-down path.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import ConfigError
from engine.network.config import NetworkConfig
from engine.network.depthwise import Depthwise


class Features(NamedTuple):
    """What an encoder gives: `coarse` for matching, `fine` for the light update (or None)."""

    coarse: Tensor  # (B, channels, h, w)
    fine: Tensor | None  # (B, fine_channels, H/4, W/4)
    pooled: Tensor  # (B, pooled_width) of the deepest features, for what concerns the whole face


def make_encoder(config: NetworkConfig) -> LightEncoder | MixTransformer:
    """Return the encoder that a configuration names."""
    if config.encoder == "light":
        return LightEncoder(config.channels, config.fine_channels, config.width)
    if config.encoder in MIT_SIZES:
        return MixTransformer(config.encoder, config.channels)
    allowed = ", ".join(["light", *MIT_SIZES])
    raise ConfigError(f"network: unknown encoder {config.encoder!r}; allowed are {allowed}")


# --- light ---------------------------------------------------------------------------------------


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, squeeze and excite, project; a residual where the shape allows.

    Squeezing is left out at high resolution, where its passes over memory cost more than it gives.
    """

    def __init__(
        self, source: int, out: int, stride: int, expand: int, kernel: int, squeeze: bool = False
    ) -> None:
        super().__init__()
        wide = source * expand
        self.expand = nn.Sequential(
            nn.Conv2d(source, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.Hardswish()
        )
        self.filter = nn.Sequential(
            Depthwise(wide, kernel, stride, bias=False),
            nn.BatchNorm2d(wide),
            nn.Hardswish(),
        )
        self.excite = None
        if squeeze:
            few = max(8, wide // 8)
            self.excite = nn.Sequential(
                nn.Conv2d(wide, few, 1), nn.ReLU(), nn.Conv2d(few, wide, 1), nn.Hardsigmoid()
            )
        self.project = nn.Sequential(nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out))
        self.residual = stride == 1 and source == out

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y = self.filter(self.expand(x))
        if self.excite is not None:
            y = y * self.excite(y.mean((2, 3), keepdim=True))
        y = self.project(y)
        return x + y if self.residual else y


class LightEncoder(nn.Module):
    """Strides 4, 8, 16, 32, fused top-down; about 1 M parameters at width 1, four times that at 2.

    image    (B, 3, S, S) sRGB 0..1
    returns  coarse (B, channels, S/8, S/8), fine (B, fine_channels, S/4, S/4)
    """

    def __init__(self, channels: int, fine_channels: int, width: int = 1) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = (width * c for c in (16, 32, 48, 96, 160))
        # Dense convolutions first: at high resolution a wide expansion costs more than it gives.
        self.stem = nn.Sequential(
            nn.Conv2d(3, c2, 3, 2, 1, bias=False),
            nn.BatchNorm2d(c2),
            nn.ReLU(),
            nn.Conv2d(c2, c4, 3, 2, 1, bias=False),
            nn.BatchNorm2d(c4),
            nn.ReLU(),
        )
        self.stride4 = InvertedResidual(c4, c4, 1, 2, 3)
        self.stride8 = nn.Sequential(
            InvertedResidual(c4, c8, 2, 2, 5),
            InvertedResidual(c8, c8, 1, 3, 5),
            InvertedResidual(c8, c8, 1, 3, 5),
        )
        self.stride16 = nn.Sequential(
            InvertedResidual(c8, c16, 2, 3, 5, squeeze=True),
            InvertedResidual(c16, c16, 1, 3, 5, squeeze=True),
            InvertedResidual(c16, c16, 1, 3, 5, squeeze=True),
        )
        self.stride32 = nn.Sequential(
            InvertedResidual(c16, c32, 2, 4, 5, squeeze=True),
            InvertedResidual(c32, c32, 1, 3, 5, squeeze=True),
        )
        self.pooled_width = c16 + c32
        middle = c16
        self.lateral32 = nn.Conv2d(c32, middle, 1)
        self.lateral16 = nn.Conv2d(c16, middle, 1)
        self.lateral8 = nn.Conv2d(c8, middle, 1)
        self.smooth16 = _separable(middle, middle)
        self.smooth8 = _separable(middle, channels)
        self.to_coarse = nn.Conv2d(channels, channels, 1)
        self.fine = None
        if fine_channels:
            self.fine = nn.Sequential(
                nn.Conv2d(c4 + c4, c4, 1, bias=False),
                nn.BatchNorm2d(c4),
                nn.Hardswish(),
                Depthwise(c4, 3, bias=False),
                nn.BatchNorm2d(c4),
                nn.Hardswish(),
                nn.Conv2d(c4, fine_channels, 1),
            )
            self.down_to_fine = nn.Conv2d(channels, c4, 1)

    def forward(self, image: Tensor) -> Features:  # noqa: D102
        x4 = self.stride4(self.stem(image * 4.0 - 2.0))
        x8 = self.stride8(x4)
        x16 = self.stride16(x8)
        x32 = self.stride32(x16)
        top = self.lateral16(x16) + _double(self.lateral32(x32))
        top = self.lateral8(x8) + _double(self.smooth16(top))
        top = self.smooth8(top)
        fine = None
        if self.fine is not None:
            fine = self.fine(torch.cat([x4, _double(self.down_to_fine(top))], dim=1))
        pooled = torch.cat([x16.mean((2, 3)), x32.mean((2, 3))], dim=1)
        return Features(self.to_coarse(top), fine, pooled)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _separable(source: int, out: int) -> nn.Module:
    return nn.Sequential(
        Depthwise(source, 5, bias=False),
        nn.BatchNorm2d(source),
        nn.Conv2d(source, out, 1, bias=False),
        nn.BatchNorm2d(out),
        nn.Hardswish(),
    )


# --- MiT -----------------------------------------------------------------------------------------

# widths of the four stages, blocks in each; SegFormer table 6
MIT_SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "mit_b0": ((32, 64, 160, 256), (2, 2, 2, 2)),
    "mit_b1": ((64, 128, 320, 512), (2, 2, 2, 2)),
    "mit_b2": ((64, 128, 320, 512), (3, 4, 6, 3)),
    "mit_b3": ((64, 128, 320, 512), (3, 4, 18, 3)),
    "mit_b4": ((64, 128, 320, 512), (3, 8, 27, 3)),
    "mit_b5": ((64, 128, 320, 512), (3, 6, 40, 3)),
}
_HEADS = (1, 2, 5, 8)
_REDUCTIONS = (8, 4, 2, 1)  # keys and values are read at this much lower resolution
_MLP_RATIO = 4


def _decoder_width(size: str) -> int:
    return 256 if size in ("mit_b0", "mit_b1") else 768  # SegFormer section 4.1


class EfficientAttention(nn.Module):
    """Self-attention whose keys and values are read from a reduced map (SegFormer equation 2)."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.reduce = nn.Conv2d(width, width, reduction, reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(width) if reduction > 1 else None

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:  # noqa: D102
        batch, count, channels = tokens.shape
        source = tokens
        if self.reduce is not None and self.norm is not None:
            grid = tokens.transpose(1, 2).reshape(batch, channels, height, width)
            source = self.norm(self.reduce(grid).flatten(2).transpose(1, 2))

        def split(x: Tensor) -> Tensor:  # (B, n, C) -> (B, heads, n, C / heads)
            return x.unflatten(-1, (self.heads, channels // self.heads)).transpose(1, 2)

        key, value = self.key_value(source).chunk(2, dim=-1)
        mixed = F.scaled_dot_product_attention(split(self.query(tokens)), split(key), split(value))
        return self.out(mixed.transpose(1, 2).reshape(batch, count, channels))


class MixBlock(nn.Module):
    """Attention, then the feed-forward with a 3x3 depthwise convolution (Mix-FFN, equation 3)."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = EfficientAttention(width, heads, reduction)
        wide = width * _MLP_RATIO
        self.enter, self.leave = nn.Linear(width, wide), nn.Linear(wide, width)
        self.filter = Depthwise(wide, 3)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:  # noqa: D102
        tokens = tokens + self.attention(self.norm1(tokens), height, width)
        y = self.enter(self.norm2(tokens))
        grid = y.transpose(1, 2).reshape(y.shape[0], y.shape[2], height, width)
        y = F.gelu(self.filter(grid)).flatten(2).transpose(1, 2)
        return tokens + self.leave(y)


class MixStage(nn.Module):
    """Overlapping patch embedding, then blocks: one resolution of the hierarchy."""

    def __init__(self, source: int, index: int, width: int, blocks: int) -> None:
        super().__init__()
        kernel, stride = (7, 4) if index == 0 else (3, 2)
        self.embed = nn.Conv2d(source, width, kernel, stride, kernel // 2)
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            MixBlock(width, _HEADS[index], _REDUCTIONS[index]) for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.embed(x)
        height, width = x.shape[-2:]
        tokens = self.norm_in(x.flatten(2).transpose(1, 2))
        for block in self.blocks:
            tokens = block(tokens, height, width)
        tokens = self.norm_out(tokens)
        return tokens.transpose(1, 2).reshape(x.shape[0], -1, height, width)


class MixTransformer(nn.Module):
    """MiT with SegFormer's all-MLP decoder, its classifier replaced by a linear layer.

    image    (B, 3, S, S) sRGB 0..1
    returns  coarse (B, channels, S/4, S/4), no fine features
    """

    def __init__(self, size: str, channels: int) -> None:
        super().__init__()
        widths, depths = MIT_SIZES[size]
        self.pooled_width = widths[-1]
        sources, decoder = (3, *widths[:-1]), _decoder_width(size)
        self.stages = nn.ModuleList(
            MixStage(sources[i], i, widths[i], depths[i]) for i in range(len(widths))
        )
        self.decode = nn.ModuleList(nn.Conv2d(w, decoder, 1) for w in widths)
        self.fuse = nn.Sequential(
            nn.Conv2d(decoder * len(widths), decoder, 1, bias=False),
            nn.BatchNorm2d(decoder),
            nn.ReLU(),
        )
        self.classify = nn.Conv2d(decoder, channels, 1)

    def forward(self, image: Tensor) -> Features:  # noqa: D102
        x, levels = image * 4.0 - 2.0, []
        for stage, decode in zip(self.stages, self.decode, strict=True):
            x = stage(x)
            levels.append(decode(x))
        size = levels[0].shape[-2:]
        levels = [F.interpolate(y, size=size, mode="bilinear") for y in levels]
        return Features(self.classify(self.fuse(torch.cat(levels, dim=1))), None, x.mean((2, 3)))
