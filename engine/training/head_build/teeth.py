"""Keeps the lower teeth inside the chin.

MakeHuman's lower row reaches so deep and wide that a smile with an open jaw, which stretches the
cheeks over it, lets its roots through on some heads. Nobody sees the roots: they are pulled in.
"""

from __future__ import annotations

from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.source import Array

NARROWER, SHALLOWER = 0.92, 0.7  # scale across, and in height below the crowns


def tucked(mesh: HeadMesh, neutral: Array) -> Array:
    """Return the neutral shape (V, 3) with a narrower and shallower lower row of teeth."""
    shape = neutral.copy()
    row = mesh.of_part("helper-lower-teeth")
    x, y = shape[row, 0], shape[row, 1]
    shape[row, 0] = NARROWER * x
    shape[row, 1] = y.min() + SHALLOWER * (y - y.min())
    return shape
