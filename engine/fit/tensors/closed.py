"""Lids and lips that meet, on tensors; follows contact.py."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.fit.contact import NEGLIGIBLE, Contact
from engine.fit.residuals import NEAREST_DEPTH_M


class SeenGaps(NamedTuple):
    """As Gaps."""

    vector_px: Tensor  # (3, 2)
    sigma_px: Tensor  # (3,)


class Closed:
    """The charge for what is left of gaps that are seen closed.

    contact   of the same head
    jaw_open  index of jawOpen among the shapes
    """

    def __init__(self, contact: Contact, jaw_open: int, device: torch.device) -> None:
        self._settings = contact.settings

        def on_device(array: object) -> Tensor:
            return torch.as_tensor(np.array(array, np.float64), device=device)

        # Upper edges count negative: a sum over the corners of both rims is the gap.
        signed = contact.weight * np.array([-1.0, 1.0])[:, None, None, None]
        self._signed = on_device(signed)
        self._basis, self._jaw = on_device(contact.basis), on_device(contact.jaw)
        self._overlap = on_device(contact.overlap_m)
        self._y = on_device([0.0, 1.0, 0.0])
        self._is_jaw = on_device(np.arange(contact.basis.shape[2]) == jaw_open)

    def add(
        self,
        gaps: SeenGaps,
        camera_from_head: Tensor,
        focal_px: Tensor,
        rims: Tensor,
        jaw_joint: Tensor,
        jaw_turn: Tensor,
        by_jaw: Tensor,
        expression: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return what is added to Hessian (E, E) and gradient (E,) of the expression.

        rims      (90, 3) of the person's neutral; jaw_joint (3,)
        jaw_turn  (3, 3), by_jaw (3, 3) its derivative by jawOpen
        """
        charge = self._charge(gaps, camera_from_head, focal_px)
        gap, rows = self._gaps(rims, jaw_joint, jaw_turn, by_jaw, expression)
        beyond = gap + self._overlap.repeat_interleave(5)
        weight = charge.repeat_interleave(5) * (beyond > 0.0)
        return (rows * weight[:, None]).T @ rows, (weight * beyond) @ rows

    def _charge(self, gaps: SeenGaps, camera_from_head: Tensor, focal_px: Tensor) -> Tensor:
        down, settings = camera_from_head[:2, 1], self._settings
        length = (down @ down).sqrt().clamp_min(1e-6)
        px_per_m = focal_px / camera_from_head[2, 3].clamp_min(NEAREST_DEPTH_M) * length
        gap_m = gaps.vector_px @ down / length / px_per_m
        sigma_m = settings.contact_share * gaps.sigma_px / px_per_m
        open_m = (gap_m + self._overlap).clamp_min(0.0)
        surely = torch.exp(-0.5 * (open_m / sigma_m) ** 2)
        charge = surely / (settings.contact_sigma_m**2 + sigma_m**2)
        return charge * (charge >= NEGLIGIBLE).any()

    def _gaps(
        self,
        rims: Tensor,
        jaw_joint: Tensor,
        jaw_turn: Tensor,
        by_jaw: Tensor,
        expression: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the vertical gaps (15,), m, and their derivatives (15, E)."""
        shaped = rims + self._basis @ expression
        lever = shaped - jaw_joint
        turn = jaw_turn[1] - self._y
        height = shaped[:, 1] + self._jaw * (lever @ turn)
        by_shape = self._basis[:, 1] + self._jaw[:, None] * torch.einsum(
            "c,vce->ve", turn, self._basis
        )
        turning = self._jaw * (lever @ by_jaw[1])
        by_shape = by_shape + turning[:, None] * self._is_jaw
        gap = (self._signed * height.reshape(self._signed.shape)).sum(dim=(0, 3))
        slopes = self._signed[..., None] * by_shape.reshape(*self._signed.shape, -1)
        return gap.flatten(), slopes.sum(dim=(0, 3)).flatten(0, 1)
