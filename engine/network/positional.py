"""UV positional encoding: trainable textures, one description of every point of the surface."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_TEXTURE_CHANNELS = 32


class UVEncoding(nn.Module):
    """Four trainable textures of falling size, brought to one size and mixed texel by texel.

    returns  (1, channels, uv_side, uv_side); does not depend on the image

    Source: method.md section 2.2.
    """

    def __init__(self, uv_side: int, channels: int) -> None:
        super().__init__()
        self.uv_side = uv_side
        self.textures = nn.ParameterList(
            nn.Parameter(torch.randn(1, _TEXTURE_CHANNELS, uv_side >> i, uv_side >> i) * 0.5)
            for i in range(4)
        )
        self.mix = nn.Conv2d(4 * _TEXTURE_CHANNELS, channels, 1)

    def forward(self) -> Tensor:  # noqa: D102
        size = (self.uv_side, self.uv_side)
        maps = [F.interpolate(t, size=size, mode="bilinear") for t in self.textures]
        return self.mix(torch.cat(maps, dim=1))


def texel_centres(uv_side: int, image_side_px: int) -> Tensor:
    """Return v, the UV coordinate of every texel scaled to the crop, (1, 2, D, D) crop px.

    The flow is measured from here: position = v + F.
    """
    line = (torch.arange(uv_side) + 0.5) * (image_side_px / uv_side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y])[None]
