"""Left and right of a head model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import HeadModel


def mirror_of_vertices(head: HeadModel) -> NDArray[np.int64]:
    """Return the permutation (V,) that pairs every vertex with its reflection in x = 0.

    Raises ValueError if the head is not symmetric.
    """
    from scipy.spatial import KDTree

    reflected = head.neutral * np.array([-1.0, 1.0, 1.0], np.float32)
    _, index = KDTree(head.neutral).query(reflected)
    permutation = np.asarray(index, np.int64)
    if not np.array_equal(permutation[permutation], np.arange(len(permutation))):
        raise ValueError(f"head {head.name}: vertices do not pair up under reflection")
    return permutation
