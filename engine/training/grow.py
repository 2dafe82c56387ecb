"""A larger network begins as a smaller one of its family: what that has learnt carries over.

Every channel of the light encoder becomes `width` equal ones, whose sum counts as much as the one
did: the wider encoder sees what the narrow one saw. Equal channels would learn alike for ever, so
what reads them divides its weight between them at random. Textures and maps are brought to the new
size; what has another shape altogether starts untrained.
Source: Net2WiderNet (Chen, Goodfellow and Shlens 2016, section 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import AssetError

_UNEVEN = 0.25  # how differently equal channels are read, of an even share
_MAPS = ("place", "textures")  # spatial: resampled


def grown(tensors: Mapping[str, Tensor], network: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """Return what of a smaller network's parameters a larger one begins with, in its shapes."""
    generator = torch.Generator().manual_seed(seed)
    result: dict[str, Tensor] = {}
    for name, target in network.state_dict().items():
        if name not in tensors:
            continue
        source = tensors[name].float()
        if source.shape == target.shape:
            result[name] = tensors[name]
        elif any(part in _MAPS for part in name.split(".")):
            size = target.shape[-2:]
            if source.shape[1] == target.shape[1]:
                result[name] = F.interpolate(source, size=size, mode="bilinear")
        elif _divides(source, target):
            result[name] = _widened(source, target.shape, generator)
    return result


def mixed(
    before: Mapping[str, Tensor], after: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Return parameters `share` of the way from the ones to the others; counters of the latter.

    Raises AssetError if they are not of one network.
    """
    if odd := before.keys() ^ after.keys():
        raise AssetError(f"weights of two networks cannot be mixed: only one has {min(odd)}")
    return {
        name: torch.lerp(before[name].to(new), new, share) if new.is_floating_point() else new
        for name, new in after.items()
    }


def _divides(source: Tensor, target: Tensor) -> bool:
    same_kind = source.dim() == target.dim() and source.shape[2:] == target.shape[2:]
    channels = zip(source.shape[:2], target.shape[:2], strict=False)
    return same_kind and all(new % old == 0 for old, new in channels)


def _widened(source: Tensor, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Repeat the channels that come out; divide those that come in between equal ones."""
    wide = source.repeat_interleave(shape[0] // source.shape[0], dim=0)
    if source.dim() < 2 or shape[1] == source.shape[1]:
        return wide
    times = shape[1] // source.shape[1]
    wide = wide.repeat_interleave(times, dim=1) / times
    noise = torch.randn(wide.shape, generator=generator).unflatten(1, (-1, times))
    uneven = 1.0 + _UNEVEN * (noise - noise.mean(2, keepdim=True))
    return wide * uneven.flatten(1, 2)
