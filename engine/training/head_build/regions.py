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


def region_of_vertices(data: Path, mesh: HeadMesh, neutral: Array, neck: Array) -> np.ndarray:
    """Return the index (V,) into REGION_NAMES; on the skin, by which targets move a vertex.

    neutral  (V, 3) metres, origin between the eyes;  neck  (V,) skinning weight of the neck
    """
    targets = data / "mpfb2" / "targets"
    units = data / "faceunits01" / "targets" / "faceunits"
    x, y, z = neutral.T
    region = np.zeros(len(neutral), dtype=np.uint8)

    def assign(name: str, where: np.ndarray) -> None:
        region[where] = REGION_NAMES.index(name)

    assign("scalp", (y < -0.055) | (z > 0.045))
    assign("neck", (neck > 0.5) | ((y > 0.11) & (z > -0.01)))
    for side, name in (("l", "Left"), ("r", "Right")):
        assign("ears", _moved(mesh, targets / "ears" / f"{side}-ear-scale-incr.target.gz", 5e-4))
        assign("eyes", _moved(mesh, units / f"eyeSquint{name}.target", 7e-4) & (y < 0.016))
    assign("nose", (np.abs(x) < 0.021) & (y > 0.0) & (y < 0.055) & _moved(
        mesh, targets / "nose" / "nose-volume-incr.target.gz", 2e-4))
    assign("mouth", _moved(mesh, units / "mouthPucker.target", 2.5e-3) & (y > 0.053))
    for part, name in PART_REGION.items():
        assign(name, mesh.part == mesh.part_names.index(part))
    return region
