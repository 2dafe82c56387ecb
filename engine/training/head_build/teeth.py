"""Keeps the lower teeth inside the chin.

MakeHuman's lower row reaches so deep and wide that a smile with an open jaw, which stretches the
cheeks over it, lets its roots through on some heads. Nobody sees the roots: they are pulled in.
"""

from __future__ import annotations

import numpy as np

from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.source import Array

NARROWER, SHALLOWER = 0.92, 0.4  # scale across, and of the depth below the crowns


def tucked(mesh: HeadMesh, neutral: Array) -> Array:
    """Return the neutral shape (V, 3) with a narrower and shallower lower row of teeth."""
    shape = neutral.copy()
    row = mesh.of_part("helper-lower-teeth")
    x, y, z = shape[row].T
    # The row rises towards the back: its own slope tells roots (below, larger y) from crowns.
    slope, level = np.polyfit(z, y, 1)
    below = np.maximum(y - (slope * z + level), 0.0)
    shape[row, 0] = NARROWER * x
    shape[row, 1] = y - (1.0 - SHALLOWER) * below
    return shape
