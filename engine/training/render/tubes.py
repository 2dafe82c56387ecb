"""Round solids for things in front of the face: swept tubes, balls, and pieces put together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.render.scene import Prop
from engine.types import Array

Piece = tuple[Array, NDArray[np.int32]]  # vertices (N, 3), triangles (F, 3)


def tube(path: Array, radius: Array | float, sides: int = 6) -> Piece:
    """Sweep a circle along a path (N, 3), metres, closed by caps; radius (N,) or one for all.

    Returns vertices ((N + 2) * sides, 3) and triangles (F, 3).
    """
    radius = np.broadcast_to(np.asarray(radius, float), (len(path),))
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    helper = np.where(np.abs(tangent[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    side = np.cross(tangent, helper)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    across = np.cross(tangent, side)
    centres = np.concatenate([path[:1], path, path[-1:]])
    radii = np.concatenate([[1e-5], radius, [1e-5]])
    first, last = [0], [len(path) - 1]
    rows = np.concatenate([first, np.arange(len(path)), last])
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = (np.cos(angle)[None, :, None] * side[rows][:, None]
            + np.sin(angle)[None, :, None] * across[rows][:, None])  # fmt: skip
    vertices = (centres[:, None] + radii[:, None, None] * ring).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(len(rows) - 1), np.arange(sides), indexing="ij")
    a, b = i * sides + j, i * sides + (j + 1) % sides
    quads = np.stack([a, b, a + sides, b, b + sides, a + sides], axis=-1)
    return vertices, quads.reshape(-1, 3).astype(np.int32)


def grid(points: Array) -> Piece:
    """Return a sheet of points (R, C, 3) as vertices (R * C, 3) and triangles, seen from -z."""
    rows, columns = points.shape[:2]
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = i * columns + j
    quads = np.stack([a, a + columns, a + 1, a + 1, a + columns, a + columns + 1], axis=-1)
    return points.reshape(-1, 3), quads.reshape(-1, 3).astype(np.int32)


def joined(pieces: list[Piece], colour: Array, gloss: float, kind: str = "thing") -> Prop:
    """Put pieces together in one colour (4,)."""
    start = np.cumsum([0] + [len(vertices) for vertices, _ in pieces[:-1]])
    vertices = np.concatenate([vertices for vertices, _ in pieces])
    triangles = np.concatenate([t + s for (_, t), s in zip(pieces, start, strict=True)])
    return Prop(vertices, triangles, np.tile(colour, (len(vertices), 1)), gloss, kind)


def ball(centre: Array, radius: float) -> Piece:
    """Return a sphere around centre (3,), metres."""
    polar = np.linspace(0.05, np.pi - 0.05, 10)
    path = centre + np.c_[0 * polar, -np.cos(polar), 0 * polar] * radius
    return tube(path, np.sin(polar) * radius, 12)
