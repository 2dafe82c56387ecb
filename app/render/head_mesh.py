"""What of the head does not change from frame to frame, in the form that drawing needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import HeadModel
from engine.types import Array

# Linear RGB and how much of the region is shown; the rim of the face fades into what is 0.
_MATERIALS: dict[str, tuple[float, float, float, float]] = {
    "ears": (0.56, 0.55, 0.54, 0.0),
    "scalp": (0.56, 0.55, 0.54, 0.0),
    "neck": (0.56, 0.55, 0.54, 0.0),
    "inner_mouth": (0.16, 0.05, 0.05, 0.9),
    "eyeball_left": (0.78, 0.80, 0.82, 0.9),
    "eyeball_right": (0.78, 0.80, 0.82, 0.9),
    "teeth": (0.80, 0.77, 0.70, 0.9),
    "tongue": (0.52, 0.17, 0.16, 0.9),
    "lashes": (0.03, 0.03, 0.03, 0.0),
    "eye_sockets": (0.16, 0.05, 0.05, 0.0),
}
_SKIN = (0.56, 0.55, 0.54, 1.0)
_SKIN_REGIONS = ("face", "eyes", "nose", "mouth", "ears", "scalp", "neck")
_INNER_REGIONS = ("eyes", "nose", "mouth")  # their rims lie over other parts of the face
_FRONT_REGIONS = ("face", "eyes", "nose", "mouth")
_IRIS, _PUPIL = (0.10, 0.17, 0.24), (0.01, 0.01, 0.01)
_IRIS_RAD, _PUPIL_RAD = np.deg2rad(33.0), np.deg2rad(16.0)  # seen from the centre of the eye
_FADE_ROUNDS = 10


def mask(head: HeadModel, *names: str) -> NDArray[np.bool_]:
    """Return (V,) whether a vertex is in any of the regions; names that the head lacks are none."""
    known = [head.region_names.index(name) for name in names if name in head.region_names]
    return np.isin(head.region, known)


def front(head: HeadModel) -> NDArray[np.bool_]:
    """Return (V,) the vertices of the face proper, without ears, scalp, neck and insides."""
    return mask(head, *_FRONT_REGIONS)


def materials(head: HeadModel) -> Array:
    """Return (V, 5): linear RGB, how much of the vertex is shown, how much it fades at a rim."""
    table = np.array([_MATERIALS.get(name, _SKIN) for name in head.region_names], np.float32)
    colour, shown = table[head.region, :3], table[head.region, 3]
    for side, joint in (("left", 2), ("right", 3)):
        off_axis = _angle_off_axis(head.neutral - head.joint_neutral[joint])
        eye = mask(head, f"eyeball_{side}")
        colour[eye & (off_axis < _IRIS_RAD)] = _IRIS
        colour[eye & (off_axis < _PUPIL_RAD)] = _PUPIL
    skin = mask(head, *_SKIN_REGIONS)
    edges = undirected_edges(head.triangles)
    edges = edges[skin[edges].all(axis=1)]
    shown = np.where(skin, _spread_least(shown, edges), shown)
    rim = _spread_least(skin & ~mask(head, *_INNER_REGIONS), edges)
    return np.column_stack([colour, shown, rim]).astype(np.float32)


def region_colours(head: HeadModel) -> NDArray[np.uint8]:
    """Return (V, 3) linear colours, those of the vertices' regions."""
    return np.round(255 * region_table(head)).astype(np.uint8)[head.region]


def region_table(head: HeadModel) -> Array:
    """Return (R, 3) linear colours in [0, 1], equally light, neighbours in the list far apart."""
    # Steps of the golden angle: any few in a row are far apart.
    hue = np.deg2rad(137.5 * np.arange(len(head.region_names)) + 20.0)
    angles = hue[:, None] + np.deg2rad([0.0, -120.0, -240.0])
    return 0.30 + 0.26 * np.cos(angles)


def named_regions(head: HeadModel, whole: bool) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the regions that are drawn, in words, with their colours in sRGB.

    whole  the whole head, not the face alone
    """
    # IEC 61966-2-1, above its toe, where all these colours are.
    encoded = np.round(255 * (1.055 * region_table(head) ** (1 / 2.4) - 0.055)).astype(int)
    return [
        (name.replace("_", " ").capitalize(), (int(r), int(g), int(b)))
        for name, (r, g, b) in zip(head.region_names, encoded, strict=True)
        if name != "lashes" and (whole or _MATERIALS.get(name, _SKIN)[3] > 0.0)
    ]


def _spread_least(values: NDArray, edges: NDArray[np.int32]) -> Array:
    """Let small values (V,) bleed into larger ones beside them; none grows."""
    start, end = np.concatenate([edges, edges[:, ::-1]]).T
    degree = np.maximum(np.bincount(start, minlength=len(values)), 1)
    result = values.astype(np.float64)
    for _ in range(_FADE_ROUNDS):
        around = np.bincount(start, result[end], len(values)) / degree
        result = np.minimum(result, 0.5 * (result + around))
    return result


def _angle_off_axis(offset: Array) -> Array:
    return np.arccos(np.clip(-offset[:, 2] / np.linalg.norm(offset, axis=1), -1.0, 1.0))


def drawing_order(head: HeadModel, shown: Array) -> tuple[NDArray[np.int32], int]:
    """Put triangles of which nothing is shown last; leave lashes out, flat cards that need hair.

    A triangle that shows nothing must not be drawn at all: it would hide what lies behind it.

    shown    (V,) how much of every vertex is shown
    returns  (F, 3) triangles, and how many of them show something
    """
    triangles = head.triangles[~mask(head, "lashes")[head.triangles].any(axis=1)]
    seen = (shown[triangles] > 0.0).any(axis=1)
    return triangles[np.argsort(~seen, kind="stable")], int(seen.sum())


def undirected_edges(triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return (E, 2) every edge once, the smaller vertex first."""
    edges = np.concatenate([triangles[:, [1, 2]], triangles[:, [2, 0]], triangles[:, [0, 1]]])
    count = int(triangles.max(initial=0)) + 1
    numbers = np.unique(edges.min(axis=1).astype(np.int64) * count + edges.max(axis=1))
    return np.stack(np.divmod(numbers, count), axis=1).astype(np.int32)


def corners(vertices: Array, triangles: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return (F, 3, 3) barycentric coordinates of every corner, for drawing edges in a shader.

    An edge inside a quad gets 255 at all three corners, so that a shader never sees it near.
    Coordinate k belongs to corner k and vanishes on the edge opposite to it.
    """
    result = np.tile(np.eye(3, dtype=np.uint8) * 255, (len(triangles), 1, 1))
    triangle, opposite = np.array(quad_diagonals(vertices, triangles), int).reshape(-1, 2).T
    result[triangle, :, opposite] = 255
    return result


def quad_diagonals(vertices: Array, triangles: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Pair triangles back into the quads that they were cut from.

    vertices  (V, 3) metres
    returns   (triangle, corner opposite to the diagonal) for both triangles of every quad found

    The best-shaped quads are taken first: those whose angles are nearest to right ones.
    """
    pairs = _neighbours(triangles)
    if not len(pairs):
        return []
    off = triangles[pairs[..., 0], pairs[..., 1]]
    on = triangles[pairs[:, :1, 0], (pairs[:, :1, 1] + [[1, 2]]) % 3]
    outline = np.stack([off[:, 0], on[:, 0], off[:, 1], on[:, 1]], axis=1)
    worst = _worst_cosine(vertices[outline])
    taken = bytearray(len(triangles))  # four times as fast here as an array
    found: list[tuple[int, int]] = []
    for (first, at_first), (second, at_second) in pairs[np.argsort(worst, kind="stable")].tolist():
        if not (taken[first] or taken[second]):
            taken[first] = taken[second] = True
            found += [(first, at_first), (second, at_second)]
    return found


def _neighbours(triangles: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return (E, 2, 2) triangles that share an edge, each with its corner off that edge."""
    start, end = triangles.ravel().astype(np.int64), np.roll(triangles, -1, axis=1).ravel()
    count = int(triangles.max(initial=0)) + 1
    key, back = start * count + end, end * count + start
    order = np.argsort(key, kind="stable")
    place = np.minimum(np.searchsorted(key[order], back), len(key) - 1)
    other = order[place]
    side = np.flatnonzero((start < end) & (key[other] == back))
    both = np.stack([side, other[side]], axis=1)
    return np.stack([both // 3, (both + 2) % 3], axis=-1)  # side 0 lies opposite to corner 2


def _worst_cosine(outline: Array) -> Array:
    ahead = np.roll(outline, -1, axis=1) - outline
    back = np.roll(outline, 1, axis=1) - outline
    lengths = np.linalg.norm(ahead, axis=-1) * np.linalg.norm(back, axis=-1)
    return np.abs((ahead * back).sum(-1) / np.maximum(lengths, 1e-12)).max(axis=1)


def vertex_normals(vertices: Array, triangles: NDArray[np.int32]) -> Array:
    """Return (V, 3) unit normals: the area-weighted mean of the triangles around a vertex."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    facet = np.cross(b - a, c - a)
    at = triangles.ravel()
    total = np.stack(
        [np.bincount(at, np.repeat(facet[:, k], 3), len(vertices)) for k in range(3)], axis=1
    )
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
