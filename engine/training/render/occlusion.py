"""How much of the sky every vertex sees: ambient occlusion from depth maps all around."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.training.render.device import (
    Mesh,
    StaticVertices,
    load_program,
    orthographic,
    set_uniform,
)
from engine.types import Array

DIRECTIONS, SIDE_PX, HALF_EXTENT_M, BIAS_M = 64, 256, 0.20, 0.0015


def openness(
    context: moderngl.Context, vertices: Array, normals: Array, triangles: NDArray[np.int32]
) -> Array:
    """Return (V,) in [0, 1]: the cosine-weighted share of directions that leave unhindered.

    vertices, normals (V, 3) metres; triangles (F, 3) all that can stand in the way
    """
    program = load_program(context, "surface", "depth")
    mesh = Mesh(context, triangles, StaticVertices.plain(np.zeros((len(vertices), 2))))
    mesh.write(vertices, normals)
    depth_texture = context.depth_texture((SIDE_PX, SIDE_PX))
    target = context.framebuffer(depth_attachment=depth_texture)
    set_uniform(program, "camera_from_head", np.eye(4))
    set_uniform(program, "cut_out", False)
    centre = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
    context.enable(moderngl.DEPTH_TEST)
    seen, total = np.zeros(len(vertices)), np.zeros(len(vertices))
    for direction in _spread(DIRECTIONS):
        view = orthographic(direction, centre, HALF_EXTENT_M)
        set_uniform(program, "clip_from_camera", view)
        target.use()
        target.clear(depth=1.0)
        mesh.draw(program)
        depth = np.frombuffer(depth_texture.read(alignment=1), "f4").reshape(SIDE_PX, SIDE_PX)
        ndc = (vertices + BIAS_M * normals) @ view[:3, :3].T + view[:3, 3]
        column, row = (
            np.clip((ndc[:, i] * 0.5 + 0.5) * SIDE_PX, 0, SIDE_PX - 1).astype(int) for i in (0, 1)
        )
        free = ndc[:, 2] * 0.5 + 0.5 <= depth[row, column] + BIAS_M / HALF_EXTENT_M
        cosine = np.maximum(normals @ direction, 0.0)
        seen += cosine * free
        total += cosine
    mesh.release()
    target.release()
    depth_texture.release()
    return seen / np.maximum(total, 1e-6)


def _spread(count: int) -> Array:
    """Return unit directions (count, 3) spread evenly (Fibonacci sphere)."""
    i = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * i / count), np.pi * (1 + 5**0.5) * i
    return np.stack(
        [np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], axis=1
    )
