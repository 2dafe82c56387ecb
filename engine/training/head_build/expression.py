"""The 52 ARKit shapes, as displacements before skinning."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.skinning import JawHinge, before_jaw
from engine.training.head_build.source import Array, read_target
from engine.types import BLENDSHAPE_NAMES


def read_shapes(data: Path, mesh: HeadMesh) -> dict[str, Array]:
    """Return Mika Suominen's face units, displacements (V, 3) in metres, by ARKit name."""
    folder = data / "faceunits01" / "targets" / "faceunits"
    return {
        name: read_target(folder / f"{name}.target")[mesh.source_vertex]
        for name in BLENDSHAPE_NAMES
    }


def expression_basis(shapes: dict[str, Array], mesh: HeadMesh, jaw: JawHinge) -> Array:
    """Return the basis (52, V, 3) in BLENDSHAPE_NAMES order.

    jawOpen keeps what the hinge leaves over; mouthClose is added while the jaw is open; the
    eyeballs turn about their joints, so no shape moves them.
    """
    done = dict(shapes)
    done["jawOpen"] = jaw.residual
    done["mouthClose"] = before_jaw(shapes["mouthClose"], jaw.weights, jaw.angle_rad)
    basis = np.stack([done[name] for name in BLENDSHAPE_NAMES])
    basis[:, mesh.of_part("helper-l-eye", "helper-r-eye")] = 0.0
    return basis
