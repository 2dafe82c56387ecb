"""The 52 ARKit shapes, as displacements before skinning.

Mika Suominen's face units are the ground; where they are weak or read as another shape, MakeHuman's
own expression units are mixed in, by the recipes below. Left shapes are made and mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.lids import Eye, closed
from engine.training.head_build.mirror import mirrored
from engine.training.head_build.recipes import RECIPES, Term
from engine.training.head_build.skinning import JawHinge, before_jaw
from engine.training.head_build.source import Array, Indices, read_target
from engine.types import BLENDSHAPE_NAMES

RACES = ("african", "asian", "caucasian")


@dataclass(frozen=True, eq=False)
class Sources:
    """Where the shapes come from. V vertices of the cut mesh; displacements in metres."""

    data: Path
    mesh: HeadMesh
    neutral: Array  # (V, 3) metres
    twin: Indices  # (V,) the vertex on the other side

    def face_unit(self, name: str) -> Array:
        """Return one of Mika Suominen's face units (V, 3)."""
        path = self.data / "faceunits01" / "targets" / "faceunits" / f"{name}.target"
        return read_target(path)[self.mesh.source_vertex]

    def unit(self, name: str) -> Array:
        """Return one of MakeHuman's expression units (V, 3), the mean over its three races."""
        folder = self.data / "mpfb2" / "targets" / "expression" / "units"
        paths = [folder / race / f"{name}.target.gz" for race in RACES]
        return np.mean([read_target(path)[self.mesh.source_vertex] for path in paths], axis=0)

    def term(self, term: Term) -> Array:
        """Return one term of a recipe (V, 3)."""
        kind, _, name = term.source.partition(":")
        field = self.face_unit(name) if kind == "face" else self.unit(name)
        return term.weight * term.mask(self.neutral)[:, None] * field

    def mixed(self, name: str) -> Array:
        """Return the shape (V, 3) by the recipe of `name`; the bare face unit without one."""
        terms = RECIPES.get(name, (Term(f"face:{name}"),))
        return np.sum([self.term(term) for term in terms], axis=0)


def make_shapes(sources: Sources, left_eye: Eye) -> dict[str, Array]:
    """Return all shapes but the jaw's treatment, by ARKit name; right ones mirror left ones."""
    shapes: dict[str, Array] = {}
    for name in BLENDSHAPE_NAMES:
        if name.endswith("Right") or name in ("mouthLeft", "jawLeft"):
            continue
        shape = sources.mixed(name)
        if name == "eyeBlinkLeft":
            shape = closed(left_eye, sources.neutral, shape)
        if name.endswith("Left"):
            shapes[name.removesuffix("Left") + "Right"] = mirrored(shape, sources.twin)
        else:
            shape = 0.5 * (shape + mirrored(shape, sources.twin))
        shapes[name] = shape
    for name in ("mouth", "jaw"):
        shapes[f"{name}Left"] = sources.mixed(f"{name}Left")
        shapes[f"{name}Right"] = mirrored(shapes[f"{name}Left"], sources.twin)
    return shapes


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
