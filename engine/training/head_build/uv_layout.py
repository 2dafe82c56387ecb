"""The face-centred UV layout: a disc of skin with wide-open eyes and mouth, islands in the corners.

What is read bilinearly from a map should be a smooth function on it, so the front of the face is
laid out nearly as a camera sees it. Steps:

1. Pose: eyes wide, jaw open, so that lids and lips lie apart.
2. Spread: each vertex moves to where an azimuthal picture of the head has it, with a little relief.
3. Flatten: the spread surface, sockets and mouth cavity included, becomes a disc by a convex
   combination map, which cannot fold (Tutte) and returns a flat surface unchanged.
4. Magnify: smooth one-to-one warps of the disc enlarge eyes and mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from engine.training.head_build.cut import HeadMesh, border_edges, loops
from engine.training.head_build.source import HEAD_SCALE, Array, Indices
from engine.training.head_build.uv_islands import place_islands

# All lengths on the map are in texels of the coarsest one, 32 x 32, the one that a CPU can afford.
TEXELS = 32.0
RIM_RADIUS = 15.2
MIDDLE = np.array([16.0, 16.0])
POCKETS = ("socket-left", "socket-right", "mouth-cavity")
# The strip left out up the back of the head: behind this, this near to the middle, metres.
BACK_Z, STRIP_X = 0.07 * HEAD_SCALE, 0.003 * HEAD_SCALE


@dataclass(frozen=True)
class Bulge:
    """A smooth warp about a point of the map.

    gain   enlargement at the centre is 1 + gain; below 2.2 the warp stays one-to-one
    reach  standard deviations along x and y, texels
    """

    gain: float
    reach: tuple[float, float]

    def magnify(self, position: Array, centre: Array) -> Array:
        """Return positions (N, 2) moved away from the centre (2,), texels."""
        offset = position - centre
        bell = np.exp(-0.5 * np.sum((offset / np.array(self.reach)) ** 2, axis=1))
        return position + self.gain * bell[:, None] * offset


@dataclass(frozen=True)
class Layout:
    """The free numbers of the layout, found by random search on the read-out error (uv_floor).

    Angles are about `pole`, from straight ahead; up to `seen_rad` the picture is what a distant
    camera sees; from `unrolled_rad` on, its radius grows by `unroll` metres per radian from
    `far` metres.
    """

    pole: tuple[float, float, float] = (0.0, 0.02354, 0.0642)
    seen_rad: float = 0.6238
    unrolled_rad: float = 1.4591
    unroll: float = 0.0401
    far: float = 0.1036
    relief: float = 0.2198  # share of its depth that the picture keeps
    jaw_open: float = 0.3076  # weights of the pose
    eye_wide: float = 0.8719
    swell: float = 0.2785  # how much larger the middle of the disc becomes, below 0.5
    drop: float = 0.5296  # texels by which the middle of the disc moves down
    nose: Bulge = Bulge(0.2599, (3.0581, 2.9234))
    nose_from_eyes: float = 0.0923  # its centre, on the way from the eyes to the mouth
    eye: Bulge = Bulge(0.9376, (3.0776, 2.2713))
    eye_apart: float = 0.473  # texels by which the eyes' warps lie outside the openings
    mouth: Bulge = Bulge(0.3402, (3.51, 2.9927))


def skin_triangles(mesh: HeadMesh, neutral: Array) -> Indices:
    """Return the triangles (F', 3) of skin and neck without the strip at the back."""
    inside = np.isin(mesh.part, [mesh.part_names.index(name) for name in ("skin", "neck")])
    x, _, z = neutral.T
    strip = inside & (z > BACK_Z) & (np.abs(x) < STRIP_X)
    keep = inside[mesh.triangles].all(axis=1) & ~strip[mesh.triangles].any(axis=1)
    return mesh.triangles[keep]


def pocket_triangles(mesh: HeadMesh, name: str) -> Indices:
    """Return the triangles (F', 3) of one of POCKETS; its rim belongs to the skin."""
    pocket = mesh.part == mesh.part_names.index(name)
    return mesh.triangles[pocket[mesh.triangles].any(axis=1)]


def spread(points: Array, layout: Layout) -> Array:
    """Return the azimuthal picture (N, 3) of points (N, 3): x and y on it, and relief, metres."""
    offset = points - np.array(layout.pole)
    distance = np.linalg.norm(offset, axis=1)
    angle = np.arccos(np.clip(-offset[:, 2] / distance, -1.0, 1.0))
    seen = np.hypot(offset[:, 0], offset[:, 1])
    beyond = (angle - layout.seen_rad) / (layout.unrolled_rad - layout.seen_rad)
    blend = np.clip(beyond, 0.0, 1.0)
    blend = blend * blend * (3.0 - 2.0 * blend)
    unrolled = layout.far + layout.unroll * (angle - layout.unrolled_rad)
    radius = (1.0 - blend) * seen + blend * unrolled
    direction = offset[:, :2] / np.maximum(seen, 1e-9)[:, None]
    return np.column_stack([radius[:, None] * direction, layout.relief * distance])


def mean_value_weights(points: Array, triangles: Indices) -> sp.csr_matrix:
    """Return positive weights (V, V) with which a vertex of a flat surface averages its neighbours.

    Source: Floater, Mean value coordinates (2003).
    """
    rows: list[Indices] = []
    columns: list[Indices] = []
    values: list[Array] = []
    for turn in range(3):
        i, j, k = (triangles[:, (turn + step) % 3] for step in range(3))
        to_j, to_k = points[j] - points[i], points[k] - points[i]
        length_j, length_k = (np.linalg.norm(one, axis=1) for one in (to_j, to_k))
        cosine = np.sum(to_j * to_k, axis=1) / np.maximum(length_j * length_k, 1e-15)
        half = np.tan(0.5 * np.arccos(np.clip(cosine, -0.999, 0.999)))
        rows += [i, i]
        columns += [j, k]
        values += [half / np.maximum(length_j, 1e-6), half / np.maximum(length_k, 1e-6)]
    count = len(points)
    flat = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(flat, shape=(count, count))


def convex_combination_map(points: Array, triangles: Indices, held: Array) -> Array:
    """Return positions (V, 2) of the vertices of `triangles`; NaN elsewhere.

    held  (V, 2) pinned positions, NaN where a vertex is free
    """
    weights = mean_value_weights(points, triangles)
    laplacian = (sp.diags(np.asarray(weights.sum(axis=1)).ravel()) - weights).tocsr()
    used = np.unique(triangles)
    free, fixed = used[np.isnan(held[used, 0])], used[~np.isnan(held[used, 0])]
    system = laplacian[free]
    position = held.copy()
    position[free] = spl.splu(system[:, free].tocsc()).solve(-(system[:, fixed] @ held[fixed]))
    return position


def pin_rim(rim: Indices, points: Array) -> Array:
    """Return positions (R, 2), texels, of the rim on a circle: throat below, crown on top."""
    edge = points[rim]
    middle = np.abs(edge[:, 0]) < 0.012
    throat = int(np.argmin(np.where(middle & (edge[:, 1] > 0.1), edge[:, 2], np.inf)))
    crown = int(np.argmin(np.where(middle, edge[:, 1], np.inf)))
    order = np.roll(np.arange(len(rim)), -throat)
    turn = (crown - throat) % len(rim)
    closed = np.append(order, order[0])
    angle = np.zeros(len(rim))
    for arc, start in ((closed[: turn + 1], 0.0), (closed[turn:], np.pi)):
        step = np.linalg.norm(np.diff(edge[arc], axis=0), axis=1)
        along = np.append(0.0, np.cumsum(step)) / step.sum()
        angle[arc[:-1]] = start + np.pi * along[:-1]
    sign = np.sign(edge[order[turn // 2], 0])
    return MIDDLE + RIM_RADIUS * np.stack([sign * np.sin(angle), np.cos(angle)], axis=1)


def flatten(mesh: HeadMesh, neutral: Array, posed: Array, layout: Layout) -> Array:
    """Lay skin and pockets out on the disc; positions (V, 2), texels, NaN for the other parts.

    neutral, posed  (V, 3) metres; posed has eyes and mouth open
    """
    skin = skin_triangles(mesh, neutral)
    triangles = np.concatenate([skin, *[pocket_triangles(mesh, name) for name in POCKETS]])
    rim = loops(border_edges(skin))[0]
    held = np.full((len(neutral), 2), np.nan)
    held[rim] = pin_rim(rim, neutral)
    return convex_combination_map(spread(posed, layout), triangles, held)


def magnify(mesh: HeadMesh, position: Array, layout: Layout) -> Array:
    """Enlarge the middle of the disc, then nose, eyes and mouth; positions (V, 2), texels."""
    offset = (position - MIDDLE) / RIM_RADIUS
    square = np.sum(offset**2, axis=1, keepdims=True)
    position = MIDDLE + RIM_RADIUS * offset * (1.0 + layout.swell - layout.swell * square)
    square = np.sum(((position - MIDDLE) / RIM_RADIUS) ** 2, axis=1)
    position[:, 1] += layout.drop * np.maximum(1.0 - square, 0.0)
    left, right, mouth = (
        position[loops(border_edges(pocket_triangles(mesh, name)))[0]].mean(axis=0)
        for name in POCKETS
    )
    eyes = 0.5 * (left + right)
    outward = np.array([layout.eye_apart, 0.0])
    position = layout.nose.magnify(position, eyes + layout.nose_from_eyes * (mouth - eyes))
    position = layout.eye.magnify(position, right - outward)
    position = layout.eye.magnify(position, left + outward)
    return layout.mouth.magnify(position, mouth)


def lay_out(mesh: HeadMesh, neutral: Array, posed: Array, layout: Layout) -> Array:
    """Return the UV coordinates (V, 2) in [0, 1] of every vertex."""
    skin = magnify(mesh, flatten(mesh, neutral, posed, layout), layout)
    return place_islands(mesh, neutral, skin) / TEXELS
