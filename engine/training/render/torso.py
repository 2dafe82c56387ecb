"""Shoulders and a garment under the neck, so that the neck does not hang in the air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads.open_head import OpenHead
from engine.types import Array

RINGS, SIDES = 22, 48
SHOULDER_HALF_WIDTH_M, CHEST_HALF_DEPTH_M = 0.20, 0.11


@dataclass(frozen=True, eq=False)
class Torso:
    """Garment and bare skin as one grid of RINGS x SIDES vertices around the neck's axis.

    triangles (F, 3); uv (N, 2); from_neck (N,) 0 at the rim of the head .. 1 at the hem
    """

    triangles: NDArray[np.int32]
    uv: Array
    from_neck: Array

    def vertices(self, rim: Array) -> Array:
        """Return (N, 3) metres for the rim (SIDES, 3) of the unposed head's neck, in ring order."""
        t = np.linspace(0.0, 1.0, RINGS)[:, None, None]
        centre = rim.mean(axis=0)
        spread = np.clip((t - 0.05) / 0.5, 0.0, 1.0)
        spread = spread * spread * (3 - 2 * spread)
        angle = np.linspace(0.0, 2 * np.pi, SIDES, endpoint=False)
        cosine, sine = np.cos(angle), np.sin(angle)
        wide = np.sign(cosine) * np.abs(cosine) ** 0.8 * SHOULDER_HALF_WIDTH_M
        shoulder = np.stack([wide, 0 * wide, sine * CHEST_HALF_DEPTH_M + 0.01], axis=-1)
        shoulder[:, 1] = 0.02 + 0.06 * np.abs(cosine) ** 1.5 + 0.03 * np.maximum(-sine, 0.0)
        inner = (rim - centre) * (0.97 - 0.02 * t) + np.array([0.0, -0.012, 0.0])
        inner = inner + np.array([0.0, 0.035, 0.0]) * np.minimum(t / 0.15, 1.0)
        grid = inner + spread * (shoulder - inner)
        grid[..., 1] += np.maximum(t[..., 0] - 0.5, 0.0) * 0.7
        return (grid + centre).reshape(-1, 3)


def neck_rim(head: OpenHead) -> NDArray[np.int64]:
    """Return SIDES vertices of the neck's cut edge, ordered by angle from +x towards the back."""
    skin = head.triangles[(~head.in_regions("lashes", "teeth", "tongue"))[head.triangles].all(1)]
    edges = np.sort(np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(unique[count == 1])
    border = border[head.neutral[border, 1] > 0.06]
    x, _, z = (head.neutral[border] - head.neutral[border].mean(axis=0)).T
    own = np.arctan2(z, x)
    wanted = np.linspace(0.0, 2 * np.pi, SIDES, endpoint=False)
    apart = np.abs(np.angle(np.exp(1j * (own[None] - wanted[:, None]))))
    return border[apart.argmin(axis=1)].astype(np.int64)


def build_torso() -> Torso:
    """Lay out the grid; its vertices come from the neck of each head."""
    ring, side = np.meshgrid(np.arange(RINGS - 1), np.arange(SIDES), indexing="ij")
    after = (side + 1) % SIDES
    a, b = ring * SIDES + side, ring * SIDES + after
    c, d = a + SIDES, b + SIDES
    triangles = np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    )
    t = np.repeat(np.linspace(0.0, 1.0, RINGS), SIDES)
    u = np.tile(np.arange(SIDES) / SIDES * 8.0, RINGS)
    return Torso(triangles.astype(np.int32), np.stack([u, t * 6.0], axis=1), t)


def torso_colours(torso: Torso, cloth: tuple[float, float, float], collar: float) -> Array:
    """Return (N, 4): linear cloth colour; above 0.5 in the last column where cloth covers skin."""
    sine = np.sin(np.tile(np.linspace(0.0, 2 * np.pi, SIDES, endpoint=False), RINGS))
    edge = 0.06 + 0.25 * collar * (1.0 + 0.8 * np.maximum(-sine, 0.0))
    covered = 0.5 + (torso.from_neck - edge) * 4.0
    return np.c_[np.tile(cloth, (len(covered), 1)), covered]
