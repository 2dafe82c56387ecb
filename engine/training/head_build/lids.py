"""Lids: where their margins are, how far apart, and a smooth field that moves them.

A model that is linear in identity and expression closes every eye by the same amount, so a blink
made for the mean leaves wide eyes open. Two measures: the blink takes the upper lid past the lower
one, in front of it, and identity keeps only a part of its spread in opening.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from engine.training.head_build.cut import HeadMesh, border_edges, loops
from engine.training.head_build.source import Array, Indices

OVERLAP = 0.0023  # metres that the upper margin passes the lower one at the middle of a closed eye
IN_FRONT = 0.0014  # metres that it lies before the lower one there
CLEAR = 0.0006  # metres that closed lids stay off the eyeball
REACH = 0.021  # metres around the eye's centre that a correction may spread
STIFFNESS = 40.0  # 1/metres: how fast a correction fades with distance on the lids
KEPT_OPENING = 0.6  # share of identity's spread in opening that is kept


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye's lid margins, from the nose outwards, and the vertices around them.

    upper, lower  vertex indices of the margins without the corners
    around        vertices of skin and socket that a correction may move
    spread        sparse (around, margins) operator: margin displacements -> all displacements
    """

    upper: Indices
    lower: Indices
    ball: Indices
    around: Indices
    spread: Array
    lashes: Indices
    lash_root: Indices

    @property
    def margin(self) -> Indices:
        """Upper and lower margin, in the order that `spread` takes."""
        return np.concatenate([self.upper, self.lower])

    def field(self, displacement: Array, count: int) -> Array:
        """Spread margin displacements (M, 3) to a field (count, 3); lashes follow their roots."""
        whole = np.zeros((count, 3))
        whole[self.around] = self.spread @ displacement
        whole[self.lashes] = whole[self.lash_root]
        return whole


def _margins(mesh: HeadMesh, neutral: Array, pocket: str) -> tuple[Indices, Indices]:
    inside = mesh.part == mesh.part_names.index(pocket)
    loop = loops(border_edges(mesh.triangles[inside[mesh.triangles].any(axis=1)]))[0]
    across = np.abs(neutral[loop, 0])
    inner, outer = int(across.argmin()), int(across.argmax())
    loop = np.roll(loop, -inner)
    turn = (outer - inner) % len(loop)
    one, other = loop[1:turn], loop[turn + 1 :][::-1]
    upper_first = neutral[one, 1].mean() < neutral[other, 1].mean()
    return (one, other) if upper_first else (other, one)


def _spread_operator(triangles: Indices, points: Array, around: Indices, margin: Indices) -> Array:
    """Return the screened harmonic extension (A, M) from the margin to the vertices around."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    length = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    count = len(points)
    weight = 1.0 / np.maximum(length, 1e-5)
    graph = sp.coo_matrix((weight, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    graph = (graph + graph.T).tocsr()
    degree = np.asarray(graph.sum(axis=1)).ravel()
    size = np.zeros(count)
    np.add.at(size, pairs.ravel(), np.repeat(length, 2))
    laplacian = (sp.diags(degree + STIFFNESS**2 * 0.25 * size) - graph).tocsr()
    free = np.setdiff1d(around, margin)
    inside = laplacian[free][:, free].tocsc()
    solved = spl.splu(inside).solve(-laplacian[free][:, margin].toarray())
    operator = np.zeros((len(around), len(margin)))
    operator[np.searchsorted(around, free)] = solved
    operator[np.searchsorted(around, margin), np.arange(len(margin))] = 1.0
    return operator


def find_eye(mesh: HeadMesh, neutral: Array, side: str) -> Eye:
    """Find one eye; side is "left" or "right"."""
    letter = side[0]
    upper, lower = _margins(mesh, neutral, f"socket-{side}")
    ball = mesh.of_part(f"helper-{letter}-eye")
    soft = mesh.of_part("skin", f"socket-{side}")
    near = np.linalg.norm(neutral[soft] - neutral[np.concatenate([upper, lower])].mean(0), axis=1)
    around = np.sort(soft[near < REACH])
    is_soft = np.zeros(len(neutral), dtype=bool)
    is_soft[soft] = True
    triangles = mesh.triangles[is_soft[mesh.triangles].all(axis=1)]
    margin = np.concatenate([upper, lower])
    lashes = mesh.of_part(f"helper-{letter}-eyelashes-1", f"helper-{letter}-eyelashes-2")
    gap = np.linalg.norm(neutral[lashes, None] - neutral[None, margin], axis=2)
    return Eye(
        upper=upper,
        lower=lower,
        ball=ball,
        around=around,
        spread=_spread_operator(triangles, neutral, around, margin),
        lashes=lashes,
        lash_root=margin[gap.argmin(axis=1)],
    )


def opening(eye: Eye, points: Array) -> Array:
    """Return how far (U,), metres, the upper margin lies above the lower one at the same x."""
    lower = points[eye.lower]
    order = np.argsort(lower[:, 0])
    line = np.interp(points[eye.upper, 0], lower[order, 0], lower[order, 1])
    return line - points[eye.upper, 1]


def closed(eye: Eye, neutral: Array, blink: Array) -> Array:
    """Return `blink` (V, 3) corrected so that the upper lid shuts past the lower one."""
    points = neutral + blink
    lower = points[eye.lower][np.argsort(points[eye.lower, 0])]
    width = np.ptp(lower[:, 0])
    middle = lower[:, 0].mean()
    profile = np.clip(1.0 - ((points[eye.upper, 0] - middle) / (0.56 * width)) ** 4, 0.0, 1.0)
    target = points[eye.upper].copy()
    target[:, 1] = np.interp(target[:, 0], lower[:, 0], lower[:, 1]) + OVERLAP * profile
    target[:, 2] = np.interp(target[:, 0], lower[:, 0], lower[:, 2]) - IN_FRONT * profile
    wanted = np.concatenate([target - points[eye.upper], np.zeros((len(eye.lower), 3))])
    corrected = blink + eye.field(wanted, len(neutral))
    return corrected + _off_the_ball(eye, neutral, neutral + corrected)


def _off_the_ball(eye: Eye, neutral: Array, points: Array) -> Array:
    """Return what pushes lid vertices that lie in front of the eyeball out of it."""
    centre = neutral[eye.ball].mean(axis=0)
    radius = np.linalg.norm(neutral[eye.ball] - centre, axis=1).mean()
    outside = np.linalg.norm(neutral[eye.around] - centre, axis=1) > radius
    lid = eye.around[outside | np.isin(eye.around, eye.margin)]
    offset = points[lid] - centre
    distance = np.linalg.norm(offset, axis=1)
    lack = np.clip(radius + CLEAR - distance, 0.0, None) * (offset[:, 2] < 0.0)
    push = np.zeros_like(points)
    push[lid] = lack[:, None] * offset / distance[:, None]
    return push


def steady_opening(eye: Eye, basis: Array) -> Array:
    """Return an identity basis (K, V, 3) that keeps KEPT_OPENING of how far lids part."""
    steadied = basis.copy()
    at_upper, at_lower = (np.linspace(0.0, 1.0, len(arc)) for arc in (eye.upper, eye.lower))
    half = 0.5 * (1.0 - KEPT_OPENING)
    for component in steadied:
        wanted = np.zeros((len(eye.margin), 3))
        for axis in (1, 2):
            upper, lower = component[eye.upper, axis], component[eye.lower, axis]
            opposite = np.interp(at_upper, at_lower, lower), np.interp(at_lower, at_upper, upper)
            wanted[:, axis] = half * (np.concatenate(opposite) - np.concatenate([upper, lower]))
        component += eye.field(wanted, basis.shape[1])
    return steadied
