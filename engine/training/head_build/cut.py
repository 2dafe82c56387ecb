"""Cuts head, neck, eyes, teeth, tongue and lashes out of the hm08 figure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from engine.training.head_build.source import HEAD_SCALE, Array, BaseMesh, Indices

# The cutting plane of the neck in the base shape: y + TILT * z = OFFSET, metres, head axes.
NECK_TILT = 0.3
NECK_OFFSET, SHOULDER_X = -0.59 * HEAD_SCALE, 0.13 * HEAD_SCALE

PARTS = (
    "helper-l-eye",
    "helper-r-eye",
    "helper-upper-teeth",
    "helper-lower-teeth",
    "helper-tongue",
    "helper-l-eyelashes-1",
    "helper-l-eyelashes-2",
    "helper-r-eyelashes-1",
    "helper-r-eyelashes-2",
)


@dataclass(frozen=True, eq=False)
class HeadMesh:
    """The cut mesh. V vertices, F triangles.

    source_vertex  (V,) index in the hm08 base mesh
    triangles      (F, 3) outward-facing
    texture_uv, texture_triangles  hm08's own layout, compacted
    part           (V,) index into part_names: the skin's sheets and the helper groups
    """

    source_vertex: Indices
    triangles: Indices
    texture_uv: Array
    texture_triangles: Indices
    part: Indices
    part_names: tuple[str, ...]

    def of_part(self, *names: str) -> Indices:
        """Return the vertices of the named parts."""
        return np.flatnonzero(np.isin(self.part, [self.part_names.index(n) for n in names]))


def _edges(quad: Indices) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in zip(quad, np.roll(quad, -1), strict=True)]


def _sheets(base: BaseMesh, faces: Indices) -> list[Indices]:
    """Group quads that are joined without crossing a seam of the texture layout."""
    owners: dict[tuple[int, int], list[tuple[int, tuple[int, int]]]] = defaultdict(list)
    for face in faces:
        for (a, b), (s, t) in zip(
            _edges(base.quads[face]), _edges(base.texture_quads[face]), strict=True
        ):
            key, texture = ((a, b), (s, t)) if a < b else ((b, a), (t, s))
            owners[key].append((int(face), texture))
    parent = {int(face): int(face) for face in faces}

    def root(face: int) -> int:
        while parent[face] != face:
            parent[face] = parent[parent[face]]
            face = parent[face]
        return face

    for pair in owners.values():
        if len(pair) == 2 and pair[0][1] == pair[1][1]:
            parent[root(pair[0][0])] = root(pair[1][0])
    members: dict[int, list[int]] = defaultdict(list)
    for face in parent:
        members[root(face)].append(face)
    return sorted((np.array(m) for m in members.values()), key=len, reverse=True)


def _sheet_name(base: BaseMesh, sheet: Indices) -> str:
    """Name a sheet of the skin by where it lies; the eye sockets are the ones off the middle."""
    points = base.vertices[np.unique(base.quads[sheet])]
    centre = points.mean(axis=0)
    if len(sheet) > 2000:
        return "skin"
    if abs(centre[0]) > 0.02:
        return "socket-left" if centre[0] > 0 else "socket-right"
    return "mouth-cavity" if centre[2] < -0.07 else "neck"


def cut_head(base: BaseMesh) -> HeadMesh:
    """Keep the skin above the neck plane and the helper parts, as triangles.

    A vertex shared by two sheets (lids, lips) belongs to the skin. Vertices are ordered by their
    index in the base mesh.
    """
    group = np.array(base.group)
    x, y, z = base.vertices.T
    above = (y + NECK_TILT * z < NECK_OFFSET) & (np.abs(x) < SHOULDER_X)
    skin = np.flatnonzero((group == "body") & above[base.quads].all(axis=1))
    sheets = [(_sheet_name(base, sheet), sheet) for sheet in _sheets(base, skin)]
    sheets += [(name, np.flatnonzero(group == name)) for name in PARTS]
    order = ("skin", "neck", "mouth-cavity", "socket-left", "socket-right", *PARTS)
    sheets.sort(key=lambda pair: order.index(pair[0]))

    faces = np.sort(np.concatenate([sheet for _, sheet in sheets]))
    source = np.unique(base.quads[faces])
    local = np.full(len(base.vertices), -1, dtype=np.int64)
    local[source] = np.arange(len(source))
    part = np.full(len(source), -1, dtype=np.int64)
    for name, sheet in reversed(sheets):
        part[local[np.unique(base.quads[sheet])]] = order.index(name)

    texture, corners = np.unique(base.texture_quads[faces], return_inverse=True)
    return HeadMesh(
        source_vertex=source,
        triangles=_triangles(local[base.quads[faces]]),
        texture_uv=base.texture_uv[texture],
        texture_triangles=_triangles(corners.reshape(-1, 4)),
        part=part,
        part_names=order,
    )


def _triangles(quads: Indices) -> Indices:
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)


def border_edges(triangles: Indices) -> list[tuple[int, int]]:
    """Return the directed edges that only one triangle has."""
    directed = [(int(t[i]), int(t[(i + 1) % 3])) for t in triangles for i in range(3)]
    count = Counter((min(e), max(e)) for e in directed)
    return [e for e in directed if count[(min(e), max(e))] == 1]


def loops(edges: list[tuple[int, int]]) -> list[Indices]:
    """Chain directed border edges into closed loops, the longest first."""
    following = dict(edges)
    found: list[Indices] = []
    while following:
        start, at = next(iter(following.items()))
        del following[start]
        chain = [start]
        while at != start:
            chain.append(at)
            at = following.pop(at)
        found.append(np.array(chain))
    return sorted(found, key=len, reverse=True)


def flat_neck(base: BaseMesh, mesh: HeadMesh) -> Array:
    """Return the base shape (V, 3) with the cut edge of the neck moved onto its own best plane."""
    shape = base.vertices[mesh.source_vertex].copy()
    keep = np.isin(mesh.part, [mesh.part_names.index(n) for n in PARTS], invert=True)
    skin = mesh.triangles[keep[mesh.triangles].all(axis=1)]
    rim = loops(border_edges(skin))[0]
    centred = shape[rim] - shape[rim].mean(axis=0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][2]
    shape[rim] -= (centred @ normal)[:, None] * normal
    return shape
