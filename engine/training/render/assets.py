"""MakeHuman's hair, brows, lashes, teeth and tongue: meshes fitted to the head by barycentric ties.

Files come from `makehuman/` in the data folder (CC0). A .mhclo file ties every vertex of an .obj
to three vertices of the hm08 base mesh, whose numbers the head keeps as `source_vertex`.
Source: MakeHuman's proxy file format, makehumancommunity.org.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

from engine.errors import AssetError
from engine.fit.heads.open_head import OpenHead
from engine.types import Array

METRES_FROM_MAKEHUMAN = np.array([0.1, -0.1, -0.1])  # decimetres; y up, z forward
AFFINE_DONORS = ("bob02", "short03", "ponytail01")  # same reference figure as all long styles


@dataclass(frozen=True, eq=False)
class ObjMesh:
    """A textured triangle mesh. N vertices, T texture vertices, F triangles.

    vertices (N, 3) as in the file; texture_uv (T, 2) u right, v down
    triangles, texture_triangles (F, 3)
    """

    vertices: Array
    texture_uv: Array
    triangles: NDArray[np.int32]
    texture_triangles: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Proxy:
    """A mesh that follows the head: vertices = tie @ head vertices + offset * scale.

    tie (N, V) sparse; offset (N, 3) metres; scale_pairs three vertex pairs, one an axis, whose
    distance along that axis divided by scale_reference (3,) metres stretches the offset
    """

    name: str
    mesh: ObjMesh
    tie: sparse.csr_matrix
    offset: Array
    scale_pairs: NDArray[np.int64] | None
    scale_reference: Array

    def vertices(self, head_vertices: Array) -> Array:
        """Fit to the vertices (V, 3) of a head without joint rotations; returns (N, 3) metres."""
        scale = np.ones(3)
        if self.scale_pairs is not None:
            first, second = (
                head_vertices[self.scale_pairs[:, 0]],
                head_vertices[self.scale_pairs[:, 1]],
            )
            scale = np.abs(np.diagonal(first - second)) / self.scale_reference
        return self.tie @ head_vertices + self.offset * scale


def read_obj(path: Path) -> ObjMesh:
    """Read vertices, texture vertices and faces (fans of triangles) of a Wavefront file.

    Raises AssetError if the file is absent or has no faces.
    """
    if not path.is_file():
        raise AssetError(f"{path}: no such file; it belongs to the MakeHuman assets (CC0)")
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    corners: list[tuple[tuple[int, int], ...]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(value) for value in rest[:3]])
        elif word == "vt":
            uv.append([float(rest[0]), 1.0 - float(rest[1])])
        elif word == "f":
            pairs = [[*corner.split("/"), "", ""][:2] for corner in rest]
            face = [(int(v) - 1, int(t) - 1 if t else 0) for v, t in pairs]
            corners += [(face[0], face[i], face[i + 1]) for i in range(1, len(face) - 1)]
    if not corners:
        raise AssetError(f"{path}: no faces; a Wavefront .obj with faces is needed")
    index = np.array(corners, dtype=np.int32)
    return ObjMesh(np.array(vertices), np.array(uv or [[0.0, 0.0]]), index[:, :, 0], index[:, :, 1])


def _read_ties(
    path: Path,
) -> tuple[NDArray[np.int64], Array, Array, dict[str, tuple[int, int, float]]]:
    """Return references (N, 3), weights (N, 3), offsets (N, 3) and the scale lines by axis."""
    rows: list[list[float]] = []
    scales: dict[str, tuple[int, int, float]] = {}
    started = False
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] in ("x_scale", "y_scale", "z_scale"):
            scales[words[0][0]] = (int(words[1]), int(words[2]), float(words[3]))
        elif words[0] == "verts":
            started = True
        elif started and len(words) == 9:
            rows.append([float(word) for word in words])
        elif started and len(words) == 1:
            vertex = float(words[0])
            rows.append([vertex, vertex, vertex, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    if not rows or len(scales) != 3:
        raise AssetError(f"{path}: no vertex ties or scale lines; a MakeHuman .mhclo is needed")
    table = np.array(rows)
    return table[:, :3].astype(np.int64), table[:, 3:6], table[:, 6:], scales


class ProxyReader:
    """Reads proxies for one head."""

    def __init__(self, head: OpenHead, folder: Path) -> None:
        self._head, self._folder = head, folder
        self._local = np.full(int(head.source_vertex.max()) + 30000, -1, dtype=np.int64)
        self._local[head.source_vertex] = np.arange(len(head.source_vertex))

    def read(self, path: str) -> Proxy:
        """Read `path`, relative to the folder and without ending ("hair/short01").

        Vertices tied to parts that the head lacks (MakeHuman's hair helper) are carried over from
        the file's own figure by an affine map and hung on the nearest vertices of the head.
        """
        mesh = read_obj(self._folder / f"{path}.obj")
        references, weights, offsets, scales = _read_ties(self._folder / f"{path}.mhclo")
        local = self._local[references]
        pairs = self._local[np.array([scales[axis][:2] for axis in "xyz"])]
        if (local >= 0).all() and (pairs >= 0).all():
            return Proxy(
                name=path,
                mesh=mesh,
                tie=self._tie(local, weights),
                offset=offsets * METRES_FROM_MAKEHUMAN,
                scale_pairs=pairs,
                scale_reference=np.array([scales[axis][2] for axis in "xyz"]) * 0.1,
            )
        rest = np.c_[mesh.vertices, np.ones(len(mesh.vertices))] @ self._head_from_figure
        return self._hang(path, mesh, rest)

    def _tie(self, local: NDArray[np.integer], weights: Array) -> sparse.csr_matrix:
        rows = np.repeat(np.arange(len(local)), local.shape[1])
        shape = (len(local), len(self._head.neutral))
        return sparse.csr_matrix((weights.ravel(), (rows, local.ravel())), shape=shape)

    def _hang(self, name: str, mesh: ObjMesh, rest: Array) -> Proxy:
        neutral = self._head.neutral.astype(float)
        distance, nearest = KDTree(neutral).query(rest, k=6)
        weights = 1.0 / (distance + 0.005) ** 2
        tie = self._tie(
            np.asarray(nearest, dtype=np.int64), weights / weights.sum(axis=1, keepdims=True)
        )
        return Proxy(name, mesh, tie, rest - tie @ neutral, None, np.ones(3))

    @cached_property
    def _head_from_figure(self) -> Array:
        """The affine map (4, 3) from the hair files' own figure to the neutral head."""
        sources: list[Array] = []
        targets: list[Array] = []
        for donor in AFFINE_DONORS:
            mesh = read_obj(self._folder / f"hair/{donor}.obj")
            references, weights, offsets, scales = _read_ties(self._folder / f"hair/{donor}.mhclo")
            local = self._local[references]
            known = np.flatnonzero((local >= 0).all(axis=1))
            proxy = Proxy(
                name=donor,
                mesh=mesh,
                tie=self._tie(np.take(local, known, axis=0), weights[known]),
                offset=offsets[known] * METRES_FROM_MAKEHUMAN,
                scale_pairs=self._local[np.array([scales[axis][:2] for axis in "xyz"])],
                scale_reference=np.array([scales[axis][2] for axis in "xyz"]) * 0.1,
            )
            targets.append(proxy.vertices(self._head.neutral.astype(float)))
            sources.append(mesh.vertices[known])
        source = np.concatenate(sources)
        homogeneous = np.c_[source, np.ones(len(source))]
        return np.linalg.lstsq(homogeneous, np.concatenate(targets), rcond=None)[0]
