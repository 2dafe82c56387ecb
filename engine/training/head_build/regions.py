"""Names the region of every vertex."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.source import Array, read_target

REGION_NAMES = (
    "face",
    "eyes",
    "nose",
    "mouth",
    "ears",
    "scalp",
    "neck",
    "inner_mouth",
    "eyeball_left",
    "eyeball_right",
    "teeth",
    "tongue",
    "lashes",
    "eye_sockets",
)
PART_REGION = {
    "neck": "neck",
    "mouth-cavity": "inner_mouth",
    "socket-left": "eye_sockets",
    "socket-right": "eye_sockets",
    "helper-l-eye": "eyeball_left",
    "helper-r-eye": "eyeball_right",
    "helper-upper-teeth": "teeth",
    "helper-lower-teeth": "teeth",
    "helper-tongue": "tongue",
    "helper-l-eyelashes-1": "lashes",
    "helper-l-eyelashes-2": "lashes",
    "helper-r-eyelashes-1": "lashes",
    "helper-r-eyelashes-2": "lashes",
}


def _moved(mesh: HeadMesh, path: Path, more_than: float) -> np.ndarray:
    displacement = read_target(path)[mesh.source_vertex]
    return np.linalg.norm(displacement, axis=1) > more_than


def _ellipse(points: Array, centre: tuple[float, float], half: tuple[float, float]) -> np.ndarray:
    """Tell which points lie in an upright elliptic cylinder along z, metres."""
    return np.sum(((points[:, :2] - np.array(centre)) / np.array(half)) ** 2, axis=1) < 1.0


def region_of_vertices(data: Path, mesh: HeadMesh, neutral: Array, neck: Array) -> np.ndarray:
    """Return the index (V,) into REGION_NAMES; on the skin by place and by targets.

    neutral  (V, 3) metres, origin between the eyes;  neck  (V,) skinning weight of the neck
    """
    targets = data / "mpfb2" / "targets"
    x, y, z = neutral.T
    region = np.zeros(len(neutral), dtype=np.uint8)

    def assign(name: str, where: np.ndarray) -> None:
        region[where] = REGION_NAMES.index(name)

    assign("scalp", (y < -0.06) | (z > 0.05))
    assign("neck", (neck > 0.5) | ((y > 0.118) & (z > -0.01)))
    for side, middle in (("l", 0.031), ("r", -0.031)):
        assign("ears", _moved(mesh, targets / "ears" / f"{side}-ear-scale-incr.target.gz", 3e-3))
        assign("eyes", _ellipse(neutral, (middle, -0.001), (0.027, 0.018)) & (z < 0.02))
    nose = _moved(mesh, targets / "nose" / "nose-volume-incr.target.gz", 2e-4)
    assign("nose", nose & (np.abs(x) < 0.024) & (y > 0.0) & (y < 0.058))
    assign("mouth", _ellipse(neutral, (0.0, 0.0725), (0.038, 0.019)) & (z < 0.0))
    for part, name in PART_REGION.items():
        assign(name, mesh.part == mesh.part_names.index(part))
    return region
