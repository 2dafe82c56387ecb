"""Where every vertex of a fitted head lies in its portrait.

The fit leaves about half a percent of the face between landmarks and labels. That rest is spread
smoothly over the surface, so that the portrait's pixels stick to the vertices they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from engine.fit.heads.open_head import OpenHead
from engine.training.anchors import correspondences as c
from engine.types import Array

Indices = NDArray[np.int64]
MEMBRANE, PLATE, PULL = 0.02, 0.6, 1e-5  # stiffness against slope, bending and moving at all


def neighbours(triangles: NDArray[np.integer], count: int) -> sparse.csr_matrix:
    """Return the symmetric adjacency (V, V) of a triangle mesh, ones where an edge is."""
    rows = triangles[:, [0, 1, 2, 1, 2, 0]].ravel()
    columns = triangles[:, [1, 2, 0, 0, 1, 2]].ravel()
    ones = np.ones(len(rows))
    matrix = sparse.csr_matrix((ones, (rows, columns)), shape=(count, count))
    matrix.data[:] = 1.0
    return matrix


def spreading(head: OpenHead) -> Array:
    """Return (V, 478): displacements of landmarks -> smooth displacements of all vertices.

    Least squares on the landmarks plus a membrane and a thin plate on the mesh.
    Source: Sorkine et al., Laplacian Surface Editing, 2004, with uniform weights.
    """
    count = len(head.neutral)
    joined = neighbours(head.triangles, count)
    degree = np.asarray(joined.sum(1)).ravel()
    laplacian = sparse.diags(degree) - joined
    mean_of = sparse.diags(1 / np.maximum(degree, 1)) @ laplacian
    rows = np.repeat(np.arange(len(head.landmark_triangles)), 3)
    read = sparse.coo_matrix(
        (head.landmark_weights.ravel(), (rows, head.landmark_triangles.ravel())),
        shape=(len(head.landmark_triangles), count),
    ).tocsr()
    matrix = read.T @ read + MEMBRANE * laplacian + PLATE * (mean_of.T @ mean_of)
    solver = splu((matrix + PULL * sparse.identity(count)).tocsc())
    return solver.solve(read.T.toarray())


@dataclass(frozen=True, eq=False)
class Margins:
    """Vertices of lid edges and inner lips, whose pixels in an open eye or mouth are not skin.

    inner     (M,) vertices; source (M,) the outer skin vertices whose pixels they take instead
    lash      (V,) in [0, 1]: how dark the lashes make a vertex of the lid edge
    """

    inner: Indices
    source: Indices
    lash: Array


def rings(joined: sparse.csr_matrix, start: Indices, blocked: Indices, count: int) -> list[Indices]:
    """Return `count` rings of vertices around a loop, on the side away from `blocked`."""
    seen = np.zeros(len(joined.indptr) - 1, bool)
    seen[start] = seen[blocked] = True
    found, front = list[Indices](), start
    for _ in range(count):
        front = np.unique(joined[front].indices)
        front = front[~seen[front]].astype(np.int64)
        seen[front] = True
        found.append(front)
    return found


def margins(head: OpenHead) -> Margins:
    """Find the rings behind the lash lines and the lip contact, and skin further out."""
    count, neutral = len(head.neutral), head.neutral.astype(np.float64)
    joined = neighbours(head.triangles, count)
    position = {int(v): i for i, v in enumerate(head.source_vertex)}
    mirror = np.asarray(KDTree(neutral).query(neutral * [-1, 1, 1])[1], dtype=np.int64)
    lash, edge, contact, front = (
        np.array([position[v] for v in loop], dtype=np.int64)
        for loop in (c.LASH_LOOP, c.LID_EDGE_LOOP, c.LIP_CONTACT_LOOP, c.LIP_FRONT_LOOP)
    )
    darkness = np.zeros(count)
    pairs: list[tuple[Indices, Indices]] = []
    for line, behind in ((lash, edge), (mirror[lash], mirror[edge])):
        hidden = np.concatenate([line, behind, *rings(joined, behind, line, 2)])
        pairs.append((hidden, rings(joined, line, behind, 2)[-1]))
        upper = neutral[hidden, 1] < neutral[line, 1].mean() - 0.0008
        darkness[hidden] = np.where(upper, 0.8, 0.3)
    between = rings(joined, front, np.empty(0, np.int64), 1)[0]
    pairs.append((np.concatenate([contact, *rings(joined, contact, between, 1)]), front))
    return Margins(
        inner=np.concatenate([hidden for hidden, _ in pairs]),
        source=np.concatenate(
            [skin[KDTree(neutral[skin]).query(neutral[hidden])[1]] for hidden, skin in pairs]
        ),
        lash=darkness,
    )
