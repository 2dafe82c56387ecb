"""What the network says of the fitted vertices, on tensors, from its answer as it lies on the card.

Follows _image_space.to_image, lens.undistorted, Solver.measured, Contact.measured and
traits.guess_of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.fit.sides import shares, spread
from engine.fit.solver import Solver
from engine.fit.traits import SUREST
from engine.types import BLENDSHAPE_NAMES, Camera

_LENS_ROUNDS = 5  # of cv2.undistortPoints


class Placed(NamedTuple):
    """Where a crop lies in the image."""

    linear: Tensor  # (2, 2)
    shift: Tensor  # (2,)
    scale: Tensor  # () image px per crop px


class Measuring:
    """Reads one solver's measurement and guess off the answers of a network.

    camera  whose lens bends what is seen

    The network answers for every vertex of the solver's head, in their order.
    """

    def __init__(self, solver: Solver, camera: Camera, device: torch.device) -> None:
        def on_device(array: object) -> Tensor:
            return torch.as_tensor(np.array(array, np.float64), device=device)

        def rows(array: object) -> Tensor:
            return torch.as_tensor(np.array(array, np.int64), device=device)

        self._settings, contact = solver.settings, solver.contact
        self._vertex, self._face = rows(solver.chosen.vertex), rows(solver.face)
        self._information = on_device(solver.chosen.information)
        self._rims, self._rim_weight = rows(contact.vertex), on_device(contact.weight)
        size, whole = len(solver.head.expression_names), np.eye(len(BLENDSHAPE_NAMES))
        self._spread = on_device(np.array([spread(row, size) for row in whole]))
        self._shares = on_device(shares(size))
        self._lens = on_device(camera.distortion) if np.any(camera.distortion) else None
        self._focal = on_device(camera.intrinsics[[0, 1], [0, 1]])
        self._centre = on_device(camera.intrinsics[:2, 2])

    def __call__(self, answer: Mapping[str, Tensor], placed: Placed) -> dict[str, Tensor]:
        """Return the parts of frame.given_shapes that say what is seen now.

        answer  by the names of engine.network.point_aligner.PointAnswer
        """
        points = answer["points"][0].double() @ placed.linear.T + placed.shift
        points = self._undistorted(points)
        sigma = answer["sigma"][0].double() * placed.scale
        return self._measured(points, sigma) | self._gaps(points, sigma) | self._guess(answer)

    def _measured(self, points: Tensor, sigma: Tensor) -> dict[str, Tensor]:
        floor = self._settings.sigma_floor_share * _size(points.index_select(0, self._face))
        at, sure = points.index_select(0, self._vertex), sigma.index_select(0, self._vertex)
        good = at.isfinite().all(dim=1) & sure.isfinite()
        return {
            "points": torch.where(good[:, None], at, torch.zeros_like(at)),
            "sigma": torch.where(good, torch.maximum(sure, floor), torch.ones_like(sure)),
            "information": torch.where(good, self._information, torch.zeros_like(sure)),
        }

    def _gaps(self, points: Tensor, sigma: Tensor) -> dict[str, Tensor]:
        corners = self._rim_weight.shape  # (2, 3, 5, 3)
        at = points.index_select(0, self._rims).reshape(*corners, 2)
        sure = sigma.index_select(0, self._rims).reshape(corners)
        rims = (self._rim_weight[..., None] * at).sum(dim=3)
        spread = (self._rim_weight * sure).sum(dim=3)
        vector = (rims[1] - rims[0])[:, 1:4].mean(dim=1)
        wide = torch.hypot(spread[0], spread[1])[:, 1:4].mean(dim=1)
        known = rims.isfinite().all(dim=3).all(dim=2).all(dim=0) & wide.isfinite()
        unknown = torch.full_like(wide, torch.inf)
        return {
            "gap_px": torch.where(known[:, None], vector, torch.zeros_like(vector)),
            "gap_sigma_px": torch.where(known, wide.clamp_min(1e-3), unknown),
        }

    def _guess(self, answer: Mapping[str, Tensor]) -> dict[str, Tensor]:
        weight = self._settings.expression_prior_weight
        if not answer["expression"].numel() or weight <= 0.0:
            return {}
        sigma = answer["expression_sigma"][0].double().clamp_min(SUREST)
        return {
            "guess_mean": answer["expression"][0].double() @ self._spread,
            "guess_information": (weight / sigma**2) @ self._spread * self._shares,
        }

    def _undistorted(self, points: Tensor) -> Tensor:
        """Return points (V, 2) as an ideal pinhole would have seen them; as cv2.undistortPoints."""
        if self._lens is None:
            return points
        k1, k2, p1, p2, k3 = self._lens.unbind()
        bent = (points - self._centre) / self._focal
        x, y = bent.unbind(dim=1)
        for _ in range(_LENS_ROUNDS):
            r2 = x * x + y * y
            radial = 1.0 + ((k3 * r2 + k2) * r2 + k1) * r2
            aside = 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x)
            down = p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y
            x, y = (bent[:, 0] - aside) / radial, (bent[:, 1] - down) / radial
        return torch.stack([x, y], dim=1) * self._focal + self._centre


def _size(points: Tensor) -> Tensor:
    """Return the square root of the area of the box around points (N, 2); as face_size_px."""
    good = points.isfinite().all(dim=1, keepdim=True)
    low = torch.where(good, points, torch.full_like(points, torch.inf)).amin(dim=0)
    high = torch.where(good, points, torch.full_like(points, -torch.inf)).amax(dim=0)
    return (high - low).clamp_min(0.0).prod().clamp_min(1.0).sqrt()
