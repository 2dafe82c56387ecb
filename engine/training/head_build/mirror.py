"""Left-right symmetry of the mesh: the half turn of the subject's sides, x to -x."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from engine.errors import AssetError
from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.source import Array, BaseMesh, Indices

FLIP = np.array([-1.0, 1.0, 1.0])
TOLERANCE = 0.002  # metres; hm08 is symmetric to a few hundredths of a millimetre on the face


def mirror_map(base: BaseMesh, mesh: HeadMesh) -> Indices:
    """Return the index (V,) of each vertex' twin on the other side; its own on the middle line.

    Raises AssetError if the base mesh is not symmetric.
    """
    points = base.vertices[mesh.source_vertex]
    distance, nearest = KDTree(points).query(points * FLIP)
    twin = np.asarray(nearest, dtype=np.int64)
    if np.max(distance) > TOLERANCE or (twin[twin] != np.arange(len(twin))).any():
        raise AssetError(
            f"base mesh is not symmetric: {np.max(distance) * 1e3:.2f} mm between twins"
        )
    return twin


def mirrored(field: Array, twin: Indices) -> Array:
    """Return a shape or displacement (..., V, 3) with left and right exchanged."""
    return field[..., twin, :] * FLIP
