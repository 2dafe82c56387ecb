"""Wavefront OBJ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.types import Array


def obj_text(points: Array, triangles: NDArray[np.int32], uv: Array | None = None) -> str:
    """Return a mesh as text: points (V, 3), triangles (F, 3), texture coordinates (V, 2)."""
    lines = [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in points]
    if uv is not None:
        lines += [f"vt {u:.6f} {v:.6f}" for u, v in uv]
    faces = triangles + 1
    mark = "f {0}/{0} {1}/{1} {2}/{2}" if uv is not None else "f {0} {1} {2}"
    lines += [mark.format(a, b, c) for a, b, c in faces]
    return "\n".join(lines) + "\n"
