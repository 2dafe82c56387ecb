"""The open head: FLAME's form built from CC0 data, shipped with the program.

docs/head_model.md says how the file is made and what it contains.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.fit.heads import JOINT_NAMES
from engine.resources import RESOURCES, checked
from engine.types import BLENDSHAPE_NAMES, Array

FORMAT_VERSION = 1
DEFAULT_PATH = RESOURCES / "heads" / "open" / "head.npz"


@dataclass(frozen=True, eq=False)
class OpenHead:
    """A HeadModel whose expression basis is the 52 ARKit shapes; plus what drawing it needs."""

    name: str
    neutral: Array
    identity_basis: Array
    expression_basis: Array
    expression_names: tuple[str, ...]
    joint_neutral: Array
    joint_identity: Array
    skin_weights: Array
    jaw_open_rad: float
    triangles: NDArray[np.int32]
    uv: Array
    region: NDArray[np.uint8]
    region_names: tuple[str, ...]
    landmark_triangles: NDArray[np.int32]
    landmark_weights: Array
    texture_uv: Array  # (T, 2) in [0, 1], v down: the layout of MakeHuman skins
    texture_triangles: NDArray[np.int32]  # (F, 3) into texture_uv
    source_vertex: NDArray[np.int32]  # (V,) vertex of the hm08 base mesh

    def in_regions(self, *names: str) -> NDArray[np.bool_]:
        """Return a mask (V,) of the vertices that belong to any of the named regions."""
        return np.isin(self.region, [self.region_names.index(name) for name in names])


def load(path: Path | None = None) -> OpenHead:
    """Read the head file.

    path  another file of the same format; the shipped one, checksum verified, if None
    Raises AssetError if it is absent, damaged, or of another version.
    """
    path = checked(DEFAULT_PATH) if path is None else path
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {key: file[key] for key in file.files}
        version = int(data["format_version"])
        if version != FORMAT_VERSION:
            raise AssetError(f"{path}: head format {version}, this program reads {FORMAT_VERSION}")
        return _head(data)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise AssetError(f"{path}: not a head file ({error})") from error


def _head(data: dict[str, NDArray]) -> OpenHead:
    def names(key: str) -> tuple[str, ...]:
        return tuple(str(name) for name in data[key])

    def floats(key: str) -> Array:
        return data[key].astype(np.float32)

    if names("expression_names") != BLENDSHAPE_NAMES or names("joint_names") != JOINT_NAMES:
        raise ValueError("expression or joint names differ from those of this program")
    return OpenHead(
        name="open",
        neutral=floats("neutral"),
        identity_basis=floats("identity_basis"),
        expression_basis=floats("expression_basis"),
        expression_names=names("expression_names"),
        joint_neutral=floats("joint_neutral"),
        joint_identity=floats("joint_identity"),
        skin_weights=floats("skin_weights"),
        jaw_open_rad=float(data["jaw_open_rad"]),
        triangles=data["triangles"].astype(np.int32),
        uv=floats("uv"),
        region=data["region"].astype(np.uint8),
        region_names=names("region_names"),
        landmark_triangles=data["landmark_triangles"].astype(np.int32),
        landmark_weights=floats("landmark_weights"),
        texture_uv=floats("texture_uv"),
        texture_triangles=data["texture_triangles"].astype(np.int32),
        source_vertex=data["source_vertex"].astype(np.int32),
    )
