"""The head's own triangles as drawn: split at texture seams, sorted into parts, masked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads.open_head import OpenHead
from engine.types import Array

PARTS = ("skin", "left_eye", "right_eye", "teeth", "tongue")


@dataclass(frozen=True, eq=False)
class HeadMesh:
    """Drawn vertices N of a head with V vertices.

    vertex_of (N,) head vertex of each drawn vertex; uv (N, 2) in the skin texture
    triangles  drawn triangles by part, (F_part, 3) into N
    """

    vertex_of: NDArray[np.int64]
    uv: Array
    triangles: dict[str, NDArray[np.int32]]


def head_mesh(head: OpenHead) -> HeadMesh:
    """Pair every vertex with each of its texture vertices and sort triangles into PARTS.

    Lash triangles are left out: lashes are drawn as strands.
    """
    pairs = np.stack([head.triangles.ravel(), head.texture_triangles.ravel()], axis=1)
    unique, corner = np.unique(pairs, axis=0, return_inverse=True)
    triangles = corner.reshape(-1, 3).astype(np.int32)
    regions = {
        "left_eye": "eyeball_left",
        "right_eye": "eyeball_right",
        "teeth": "teeth",
        "tongue": "tongue",
    }
    parts: dict[str, NDArray[np.int32]] = {}
    taken = head.in_regions("lashes")[head.triangles].all(axis=1)
    for part, region in regions.items():
        inside = head.in_regions(region)[head.triangles].all(axis=1)
        parts[part] = triangles[inside]
        taken |= inside
    parts["skin"] = triangles[~taken]
    return HeadMesh(unique[:, 0].astype(np.int64), head.texture_uv[unique[:, 1]], parts)


def surface_masks(head: OpenHead, redness: Array | None) -> Array:
    """Return masks (V, 4) in [0, 1]: lips, upper lids, beard, inside of the mouth.

    redness (V,) of the mean skin texture, which paints the lips; without it no lips are masked
    """
    x, y, z = head.neutral.T.astype(float)
    mouth_part = head.in_regions("mouth", "face")
    lips = np.zeros(len(x))
    lip_y = float(y[head.in_regions("mouth")].mean())
    if redness is not None:
        near = mouth_part & (np.abs(x) < 0.034) & (np.abs(y - lip_y) < 0.022)
        base = float(np.median(redness[near]))
        lips = np.where(near, _ramp(redness, base + 0.02, base + 0.08), 0.0)
    centres = head.joint_neutral[2:].astype(float)
    to_eye = np.min([np.hypot(x - c[0], y - c[1] + 0.004) for c in centres], axis=0)
    skin = ~head.in_regions("eyeball_left", "eyeball_right", "eye_sockets", "inner_mouth")
    lids = skin * _ramp(-to_eye, -0.024, -0.012) * _ramp(-y, -0.002, 0.003) * (z < 0.02)
    jaw_line = _ramp(y, 0.028, 0.045) * _ramp(-z, -0.07, -0.03)
    cheek = _ramp(y - 0.45 * np.maximum(0.055 - np.abs(x), 0.0), 0.022, 0.042)
    under = _ramp(-y, -0.145, -0.125)
    beard = jaw_line * cheek * under * (1.0 - np.minimum(lips * 3.0, 1.0))
    beard *= ~head.in_regions("ears", "neck", "inner_mouth", "nose")
    inside = head.in_regions("inner_mouth", "teeth", "tongue").astype(float)
    return np.stack([lips, lids, beard, inside], axis=1)


def cheek_and_scalp(head: OpenHead) -> Array:
    """Return masks (V, 2) in [0, 1]: where blood shows in the face; where hair grows."""
    x, y, z = head.neutral.T.astype(float)
    cheek = np.exp(-(((np.abs(x) - 0.045) / 0.016) ** 2) - ((y - 0.035) / 0.016) ** 2)
    nose = np.exp(-((x / 0.012) ** 2) - ((y - 0.035) / 0.015) ** 2) * (z < -0.02)
    above_nape = _ramp(-y, -0.055, -0.025)  # lower down the skin of the neck would darken
    front = (
        above_nape
        * head.in_regions("scalp")
        * _ramp(z - 0.6 * np.minimum(y + 0.06, 0.0), 0.03, 0.06)
    )
    return np.stack([np.maximum(cheek, 0.7 * nose) * (z < 0.03), front], axis=1)


def _ramp(value: Array, start: float, end: float) -> Array:
    t = np.clip((value - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
