"""Similarity of every UV texel with every place of the image: matching, pyramid, look-up.

Source: RAFT (Teed and Deng 2020, section 3.2); method.md section 2.3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def correlate(z_uv: Tensor, z_img: Tensor) -> Tensor:
    """Return the scaled dot product of every texel with every image cell.

    z_uv     (B, C, D, D)
    z_img    (B, C, h, w)
    returns  (B, D * D, h, w)
    """
    batch, channels, height, width = z_img.shape
    product = z_uv.flatten(2).transpose(1, 2) @ z_img.flatten(2)  # (B, D*D, h*w)
    return (product * channels**-0.5).view(batch, -1, height, width)


def match(correlation: Tensor, image_side_px: int) -> tuple[Tensor, Tensor]:
    """Return the expected position under a softmax over the image, and its spread.

    correlation  (B, D * D, h, w)
    returns      (B, 2, D, D) crop px; (B, 1, D, D) standard deviation of the match, crop px
    """
    batch, texels, height, width = correlation.shape
    uv_side, half = int(texels**0.5), image_side_px / 2
    share = correlation.flatten(2).float().softmax(dim=-1)  # (B, D*D, h*w)
    # Counted from the middle in half sides, and in single precision: half precision would round
    # positions to a fraction of a pixel, and squares of pixels would not fit into it at all.
    x, y = cell_centres(height, width, share)
    moments = torch.stack([x, y, x * x + y * y], dim=-1)  # (h*w, 3)
    with torch.autocast(correlation.device.type, enabled=False):
        mean = share @ moments  # (B, D*D, 3)
    variance = mean[..., 2] - mean[..., 0] ** 2 - mean[..., 1] ** 2
    spread = (0.5 * half**2 * variance).clamp(min=1.0).sqrt()
    position = half + half * mean[..., :2].transpose(1, 2).reshape(batch, 2, uv_side, uv_side)
    return position, spread.view(batch, 1, uv_side, uv_side)


def cell_centres(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and y of every cell (h * w), -1 and 1 at the borders of the image."""
    # Made where they are needed: a captured CUDA graph cannot wait for a copy from the CPU.
    y, x = (
        (torch.arange(count, dtype=like.dtype, device=like.device) + 0.5) * (2.0 / count) - 1.0
        for count in (height, width)
    )
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    return grid_x.reshape(-1), grid_y.reshape(-1)


def pyramid(correlation: Tensor, levels: int) -> list[Tensor]:
    """Average over the image axes by 1, 2, 4, ...: a list of (B * D * D, 1, h_l, w_l)."""
    level = correlation.flatten(0, 1)[:, None]
    result = [level]
    for _ in range(levels - 1):
        level = F.avg_pool2d(level, 2)
        result.append(level)
    return result


def look_up(levels: list[Tensor], position: Tensor, radius: int, image_side_px: int) -> Tensor:
    """Read every level in a square window around the current estimate.

    levels    from `pyramid`
    position  (B, 2, D, D) crop px
    returns   (B, levels * (2 radius + 1)^2, D, D)
    """
    batch, _, height, width = position.shape
    centre = position.permute(0, 2, 3, 1).reshape(-1, 1, 2) * (2.0 / image_side_px) - 1.0
    found: list[Tensor] = []
    for level in levels:
        grid = _around(centre, radius, 2.0 / level.shape[-1])[:, None]  # (B*D*D, 1, n*n, 2)
        values = F.grid_sample(level, grid, align_corners=False)  # (B*D*D, 1, 1, n*n)
        found.append(values.view(batch, height, width, -1))
    return torch.cat(found, dim=-1).permute(0, 3, 1, 2)


def read_around(features: Tensor, position: Tensor, radius: int, image_side_px: int) -> Tensor:
    """Read image features in a square window of feature cells around the current estimate.

    features  (B, C, h, w)
    position  (B, 2, D, D) crop px
    returns   (B, C * (2 radius + 1)^2, D, D)
    """
    batch = features.shape[0]
    height, width = position.shape[-2:]
    centre = position.flatten(2).transpose(1, 2)[:, :, None] * (2.0 / image_side_px) - 1.0
    grid = _around(centre, radius, 2.0 / features.shape[-1])  # (B, D*D, n*n, 2)
    values = F.grid_sample(features, grid, align_corners=False)  # (B, C, D*D, n*n)
    return values.permute(0, 1, 3, 2).reshape(batch, -1, height, width)


def _around(centre: Tensor, radius: int, cell: float) -> Tensor:
    """Return the places of a square window of cells around each centre, row by row.

    centre   (..., 1, 2) x, y as grid_sample counts them
    cell     side of a cell in the same unit
    returns  (..., n * n, 2)

    x and y are added apart: runtimes are slow where the innermost axis has but two elements.
    """
    line = torch.arange(-radius, radius + 1, dtype=centre.dtype, device=centre.device) * cell
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([centre[..., 0] + x.reshape(-1), centre[..., 1] + y.reshape(-1)], dim=-1)
