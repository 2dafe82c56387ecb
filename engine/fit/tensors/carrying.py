"""The last frame's fit carried along the flow, on tensors; follows motion.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.fit.motion import Shares
from engine.fit.settings import MotionSettings
from engine.fit.tensors.rows import Seen


class Moved(NamedTuple):
    """As Handed: what the last frame hands on."""

    places: Tensor  # (N, 2)
    spread: Tensor  # (N,) px^2
    shift: Tensor  # (N, 2) by the flow
    sigma: Tensor  # (N,) of that; inf where nothing is known
    seen: Seen


class Carrying:
    """Carries the fitted vertices of one solver."""

    def __init__(self, shares: Shares, settings: MotionSettings, device: torch.device) -> None:
        self._settings = settings

        def masks(groups: Sequence[NDArray[np.intp]]) -> Tensor:
            found = np.zeros((len(groups), len(shares.usual)))
            for row, group in zip(found, groups, strict=True):
                row[group] = 1.0
            return torch.as_tensor(found, device=device)

        self._usual = torch.as_tensor(np.array(shares.usual, np.float64), device=device)
        self._lids, self._parts = masks(shares.lids), masks(shares.parts)

    def __call__(self, moved: Moved, now: Seen) -> tuple[Seen, Tensor]:
        """Return where the vertices should be, and the share of the flow that is refuted, ()."""
        settings, before = self._settings, moved.seen
        both = (before.information > 0) & (now.information > 0)
        usual = settings.step_sigma_share**2 * (before.sigma**2 + now.sigma**2) / 2
        step = now.points - before.points
        apart = ((step - moved.shift) ** 2).sum(dim=1)
        told = moved.sigma.isfinite()
        compared = both & told
        nothing = torch.zeros_like(usual)
        excess = torch.where(compared, (apart - settings.free * usual).clamp_min(0.0), nothing)
        by_flow = 1.0 / (moved.sigma**2 + excess)
        refuted = torch.where(told, excess / (excess + usual), torch.ones_like(usual))
        by_step = torch.where(both, settings.steps * refuted / usual, nothing)
        total = by_flow + by_step
        known = total > 0
        total = torch.where(known, total, torch.ones_like(total))
        shift = (by_flow[:, None] * moved.shift + by_step[:, None] * step) / total[:, None]
        counted = compared.to(usual.dtype)
        believed = torch.where(known, self._shares(now), nothing)
        believed = believed * self._kept(refuted, counted)
        carried = Seen(
            moved.places + shift,
            (moved.spread + 1.0 / total + settings.renew * excess).sqrt(),
            settings.weight * settings.alike_frames * believed,
        )
        return carried, torch.where(compared.any(), _mean(refuted, counted), 1.0)

    def _shares(self, now: Seen) -> Tensor:
        """Return what a vertex counts (N,): less at an eye that the network only guesses."""
        seen = self._lids @ (now.information / now.sigma**2)
        worth = seen / seen.amax().clamp_min(1e-12)
        return self._usual * (1.0 - (1.0 - worth) @ self._lids)

    def _kept(self, refuted: Tensor, counted: Tensor) -> Tensor:
        """Return the share (N,) that is left of vertices whose part's flow is refuted."""
        begins, ends = self._settings.part_refuted
        kept = torch.ones_like(refuted)
        for part in self._parts:
            share = (ends - _mean(refuted, counted * part)) / (ends - begins)
            told = (counted * part).any()
            share = torch.where(told, share.clamp(0.0, 1.0), torch.ones_like(share))
            kept = kept * (1.0 - (1.0 - share) * part)
        return kept


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    return (values * counted).sum() / counted.sum().clamp_min(1.0)
