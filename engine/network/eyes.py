"""Where each iris is: a small network of its own on a picture of each eye.

At the width of a whole face an eyeball is four texels of the UV map and a few cells of the
features, too little for gaze. Here the pixels of both eyes are read at the places that the
alignment gives, upright and equally wide, the left one mirrored so that one network serves both.
It answers with the expected place of the iris under a softmax over the patch, and how sure it is;
the texels of the eyeball move along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.network.correlation import cell_centres

if TYPE_CHECKING:
    from engine.fit.heads.open_head import OpenHead

# MediaPipe landmarks of the right and the left eye: outer and inner corner, centre of the iris.
_CORNERS, _IRISES = ((33, 133), (263, 362)), (468, 473)
_EYEBALLS = ("eyeball_right", "eyeball_left")
_HEIGHT, _WIDTH = 32, 48  # pixels of a patch
_SHARE = 0.62  # width of a patch, in root mean square radii of the aligned face
_CHANNELS = 24
_UPRIGHT = 0.5  # of the crop's own x axis in the direction of the patches: in profile it decides


class Irises(NamedTuple):
    """Right and left eye, in this order."""

    centre: Tensor  # (B, 2, 2) crop px
    log_sigma: Tensor  # (B, 2) of crop px


class EyeHead(nn.Module):
    """Finds both irises. What it must know of the head model is kept with its parameters.

    corners_uv  (2, 2, 2) outer and inner corner of the right and the left eye, in [0, 1]
    iris_uv     (2, 2) centre of each iris
    eyeballs    (2, D, D) 1 in the texels of each eyeball
    """

    def __init__(self, uv_side: int) -> None:
        super().__init__()
        self.register_buffer("corners_uv", torch.zeros(2, 2, 2))
        self.register_buffer("iris_uv", torch.zeros(2, 2))
        self.register_buffer("eyeballs", torch.zeros(2, uv_side, uv_side))
        self.corners_uv: Tensor
        self.iris_uv: Tensor
        self.eyeballs: Tensor
        self.features = nn.Sequential(
            nn.Conv2d(3, _CHANNELS, 3, 2, 1), nn.ReLU(), *(Residual(_CHANNELS) for _ in range(3))
        )
        self.heat = nn.Conv2d(_CHANNELS, 1, 1)
        self.mix, self.answer = nn.Linear(_CHANNELS + 8, 48), nn.Linear(48, 3)
        for parameter in self.answer.parameters():
            nn.init.zeros_(parameter)

    def settle(self, head: OpenHead) -> None:
        """Take from a head model where its eyes lie on the UV map."""
        corners = head.uv[head.landmark_triangles] * head.landmark_weights[..., None]
        of_landmarks = torch.from_numpy(corners.sum(1).astype("float32"))
        self.corners_uv.copy_(of_landmarks[torch.tensor(_CORNERS)])
        self.iris_uv.copy_(of_landmarks[torch.tensor(_IRISES)])
        side = int(self.eyeballs.shape[-1])
        self.eyeballs.zero_()
        for eye, name in enumerate(_EYEBALLS):
            texel = head.uv[head.region == head.region_names.index(name)] * side
            # As far as a bilinear read at a vertex reaches.
            (left, top), (right, bottom) = (
                np.floor(edge).astype(int) for edge in (texel.min(0) - 0.5, texel.max(0) + 0.5)
            )
            self.eyeballs[eye, max(top, 0) : bottom + 1, max(left, 0) : right + 1] = 1.0

    def forward(self, image: Tensor, position: Tensor) -> Irises:
        """Read an image (B, 3, S, S), sRGB 0..1, around the eyes of an estimate (B, 2, D, D)."""
        side = int(image.shape[-1])
        middle, axes, known = self._patches(position.detach())
        x, y = cell_centres(_HEIGHT, _WIDTH, image)  # (h*w,) in half axes of a patch
        across, down = axes[:, :, 0, None] * x[:, None], axes[:, :, 1, None] * y[:, None]
        place = middle[:, :, None] + across + down  # (B, 2, h*w, 2)
        grid = (place * (2.0 / side) - 1.0).view(-1, 2 * _HEIGHT, _WIDTH, 2)
        patches = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
        patches = patches.view(-1, 3, 2, _HEIGHT, _WIDTH).transpose(1, 2).flatten(0, 1)
        features = self.features(patches - patches.mean((2, 3), keepdim=True))
        share = self.heat(features).flatten(2).float().softmax(-1)  # (2B, 1, h/2 * w/2)
        seen = (features.flatten(2) * share).sum(-1)
        x, y = cell_centres(_HEIGHT // 2, _WIDTH // 2, share)
        expected = torch.stack([(share[:, 0] * x).sum(-1), (share[:, 0] * y).sum(-1)], dim=-1)
        mixed = self.mix(torch.cat([seen, expected, known.flatten(0, 1)], dim=-1))
        told = self.answer(mixed.relu()).float()
        found = (expected + 0.1 * told[:, :2]).view(-1, 2, 2)
        centre = middle + axes[:, :, 0] * found[..., :1] + axes[:, :, 1] * found[..., 1:]
        half_width = axes[:, :, 0].square().sum(-1).sqrt()
        return Irises(centre, told[:, 2].view(-1, 2) - 2.5 + half_width.log())

    def corrected(self, position: Tensor, sigma: Tensor, irises: Irises) -> tuple[Tensor, Tensor]:
        """Move the texels of the eyeballs to the irises, and give them their sigma.

        position, sigma  (B, 2, D, D), (B, 1, D, D) crop px
        """
        shift = irises.centre - _read(position, self.iris_uv)
        balls = self.eyeballs[None, :, None]  # (1, 2, 1, D, D)
        moved = (shift[..., None, None] * balls).sum(1)
        sure = (irises.log_sigma.exp()[:, :, None, None, None] * balls).sum(1)
        elsewhere = 1.0 - self.eyeballs.sum(0)
        return position + moved, sigma * elsewhere + sure

    def _patches(self, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return middle (B, 2, 2) and half axes (B, 2, 2, 2) of the patches, crop px.

        Also (B, 2, 6): corners and the present iris, in half widths of their patch.
        """
        corners = _read(position, self.corners_uv.flatten(0, 1)).view(-1, 2, 2, 2)
        middle = corners.mean(2)
        centred = position - position.mean((2, 3), keepdim=True)
        size = centred.square().mean((1, 2, 3)).sqrt()[:, None]
        across = middle[:, 1] - middle[:, 0]
        across = across + _UPRIGHT * size * across.new_tensor([1.0, 0.0])
        across = across / across.square().sum(-1, keepdim=True).sqrt()
        half = 0.5 * _SHARE * size * across
        down = torch.stack([-half[:, 1], half[:, 0]], dim=-1) * (_HEIGHT / _WIDTH)
        # Outward to inward: the left eye's patch is a mirror image.
        axes = torch.stack([torch.stack([half, down], 1), torch.stack([-half, down], 1)], 1)
        points = torch.cat([corners, _read(position, self.iris_uv)[:, :, None]], dim=2)
        away = points - middle[:, :, None]  # (B, 2, 3, 2)
        along = (away[:, :, :, None] * axes[:, :, None]).sum(-1)  # (B, 2, 3, 2)
        known = along / axes.square().sum(-1)[:, :, None]
        return middle, axes, known.flatten(2)


class Residual(nn.Module):
    """Two convolutions beside the identity, which they begin as."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return F.relu(x + self.second(self.first(x).relu()))


def _read(position: Tensor, uv: Tensor) -> Tensor:
    """Read a map (B, 2, D, D) at UV coordinates (N, 2): (B, N, 2)."""
    grid = (uv * 2.0 - 1.0)[None, :, None].expand(position.shape[0], -1, -1, -1)
    values = F.grid_sample(position, grid, padding_mode="border", align_corners=False)
    return values[..., 0].transpose(1, 2)
