"""Reads ICT-FaceKit from the data folder, in this program's axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from engine.errors import AssetError
from engine.types import Array

OUR_AXES = np.array([1.0, -1.0, -1.0])  # theirs: y up, z towards the viewer
EYE_LANDMARKS = {"right": slice(36, 42), "left": slice(42, 48)}  # of the Multi-PIE 68
LIP_BORDER, LIP_CONTACT = slice(48, 60), slice(60, 68)


@dataclass(frozen=True, eq=False)
class IctFace:
    """The model with W vertices; metres, origin midway between the eyeballs.

    neutral (W, 3); triangles (F, 3); identity (100, W, 3); expression (53, W, 3)
    part_of_triangle (F,) into part_names; landmarks (68,) Multi-PIE vertices
    """

    neutral: Array
    triangles: NDArray[np.int64]
    identity: Array
    expression: Array
    expression_names: tuple[str, ...]
    part_of_triangle: NDArray[np.int8]
    part_names: tuple[str, ...]
    landmarks: NDArray[np.int64]

    def triangles_of(self, *parts: str) -> NDArray[np.int64]:
        """Return the triangles of the named parts ("M_Face", ...)."""
        wanted = [self.part_names.index(part) for part in parts]
        return self.triangles[np.isin(self.part_of_triangle, wanted)]

    def vertices_of(self, *parts: str) -> NDArray[np.int64]:
        """Return the vertices of the named parts."""
        return np.unique(self.triangles_of(*parts))

    def shape(self, name: str) -> Array:
        """Return one expression's displacements (W, 3), metres."""
        return self.expression[self.expression_names.index(name)].astype(float)

    def loop(self, landmarks: slice) -> NDArray[np.int64]:
        """Return the closed chain of edges that runs through landmarks of the skin, in order."""
        corners = self.triangles_of("M_Face")
        edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
        edges = np.unique(np.sort(edges, axis=1), axis=0)
        length = np.linalg.norm(self.neutral[edges[:, 0]] - self.neutral[edges[:, 1]], axis=1)
        graph = coo_matrix((length, edges.T), shape=(len(self.neutral),) * 2).tocsr()
        stops = self.landmarks[landmarks]
        chain: list[int] = []
        for start, end in zip(stops, np.roll(stops, -1), strict=True):
            before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)[1]
            path = [int(end)]
            while path[-1] != start:
                path.append(int(before[path[-1]]))
            chain += path[:0:-1]
        return np.array(chain)


def sphere(points: Array) -> tuple[Array, float]:
    """Return centre (3,) and radius of the sphere nearest to points (N, 3), by least squares.

    Vertices lie densest around the pupil, so that their mean is not the centre.
    """
    system = np.c_[2.0 * points, np.ones(len(points))].astype(float)
    solution = np.linalg.lstsq(system, (points.astype(float) ** 2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    return centre, float(np.sqrt(solution[3] + centre @ centre))


def read_ict(path: Path) -> IctFace:
    """Read `ict_facekit.npz`. Raises AssetError if it is absent or another file."""
    if not path.is_file():
        raise AssetError(f"{path}: no such file; set FLOWFACE_DATA to the folder with ict/")
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {key: file[key] for key in file.files}
        names = tuple(str(name) for name in data["part_names"])
        neutral = data["neutral"] * OUR_AXES
        balls = [names.index(f"M_Sclera{side}") for side in ("Left", "Right")]
        eyes = [np.unique(data["triangles"][data["part_of_triangle"] == ball]) for ball in balls]
        centre = np.mean([sphere(neutral[eye])[0] for eye in eyes], axis=0)
        return IctFace(
            neutral=neutral - centre,
            triangles=data["triangles"].astype(np.int64),
            identity=data["identity"] * OUR_AXES.astype(np.float32),
            expression=data["expression"] * OUR_AXES.astype(np.float32),
            expression_names=tuple(str(name) for name in data["expression_names"]),
            part_of_triangle=data["part_of_triangle"],
            part_names=names,
            landmarks=data["indices_landmark_verts"].astype(np.int64),
        )
    except (KeyError, ValueError) as error:
        raise AssetError(f"{path}: not the ICT-FaceKit arrays ({error})") from error
