"""Joints and skinning weights: FLAME's tree, rooted at the skull instead of the neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.source import Array, BaseMesh

JOINT_NAMES = ("neck", "jaw", "left_eye", "right_eye")
# Share of the neck joint's rotation that each of MakeHuman's three neck bones takes.
NECK_SHARE = {"neck01": 1.0, "neck02": 0.8, "neck03": 0.4}
NECK_JOINT_VERTICES = (226, 17824)  # MakeHuman's joint between neck02 and neck03

NEARLY_BEST = 1.03  # of the least sum of squares


@dataclass(frozen=True, eq=False)
class JawHinge:
    """How jawOpen divides into a rotation and a rest.

    angle_rad  rotation of the jaw joint about +x at jawOpen = 1
    weights    (V,) share of the jaw joint in each vertex
    residual   (V, 3) metres, added before skinning, so that both together give the target
    """

    angle_rad: float
    weights: Array
    residual: Array


def joints(base: BaseMesh, shape: Array) -> Array:
    """Return the joints (4, 3), in JOINT_NAMES order, of a whole-body shape (19158, 3), metres.

    They are means of vertices, so identity moves them linearly. The eyeballs are rings of equal
    vertex count around a sphere: their mean is its centre within 0.01 mm.
    """
    return np.stack(
        [
            shape[list(NECK_JOINT_VERTICES)].mean(axis=0),
            base.joint("joint-mouth", shape),
            shape[base.group_vertices("helper-l-eye")].mean(axis=0),
            shape[base.group_vertices("helper-r-eye")].mean(axis=0),
        ]
    )


def rotation_about_x(angle_rad: float) -> Array:
    """Return the rotation (3, 3) about +x; a positive angle takes a jaw's front (-z) down (+y)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _hinge_weights(offset: Array, target: Array, angle_rad: float) -> Array:
    turned = offset @ rotation_about_x(angle_rad).T - offset
    length = np.maximum(np.sum(turned**2, axis=1), 1e-12)
    return np.clip(np.sum(target * turned, axis=1) / length, 0.0, 1.0)


def fit_jaw(shape: Array, joint: Array, target: Array) -> JawHinge:
    """Find the jaw angle and weights that explain a jawOpen target best.

    shape, target  (V, 3) metres;  joint  (3,) metres
    The angle is searched in steps of 0.1 degrees; of those nearly as good as the best the smallest
    is taken, so that chin and teeth follow it almost rigidly. A vertex' weight is its
    least-squares share, none below 0.2 % so that the far side of the skull does not carry noise.
    """
    offset = shape - joint

    def left_over(angle: float) -> float:
        turned = offset @ rotation_about_x(angle).T - offset
        return float(
            np.sum((target - _hinge_weights(offset, target, angle)[:, None] * turned) ** 2)
        )

    angles = np.radians(np.arange(15.0, 35.0, 0.1))
    squared = np.array([left_over(angle) for angle in angles])
    angle = float(angles[np.flatnonzero(squared <= NEARLY_BEST * squared.min())[0]])
    weights = _hinge_weights(offset, target, angle)
    weights[(weights < 0.002) | (np.linalg.norm(target, axis=1) < 1e-5)] = 0.0
    rotation = rotation_about_x(angle)
    rest = target - weights[:, None] * (offset @ rotation.T - offset)
    return JawHinge(angle, weights, before_jaw(rest, weights, angle))


def before_jaw(displacement: Array, weights: Array, angle_rad: float) -> Array:
    """Return what to add before skinning to see `displacement` (V, 3) when the jaw has turned."""
    blend = weights[:, None, None] * (rotation_about_x(angle_rad) - np.eye(3)) + np.eye(3)
    return np.linalg.solve(blend, displacement[:, :, None])[:, :, 0]


def head_bones(parents: dict[str, str]) -> set[str]:
    """Return the bones that move with the skull: `head` and all below it."""
    found = {"head"}
    while more := {bone for bone, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def skin_weights(
    bones: dict[str, Array], parents: dict[str, str], mesh: HeadMesh, jaw: Array
) -> Array:
    """Return weights (V, 5): skull, neck, jaw, left eye, right eye; rows sum to 1.

    What MakeHuman gives to spine and shoulders turns with the neck joint.
    """
    skull_bones = head_bones(parents)
    weights = np.zeros((len(mesh.source_vertex), 5))
    for bone, dense in bones.items():
        if bone not in skull_bones:
            weights[:, 1] += NECK_SHARE.get(bone, 1.0) * dense[mesh.source_vertex]
    weights[:, 1] = np.clip(weights[:, 1], 0.0, 1.0)
    weights[:, 2] = np.minimum(jaw, 1.0 - weights[:, 1])
    for column, part in ((3, "helper-l-eye"), (4, "helper-r-eye")):
        ball = mesh.of_part(part)
        weights[ball] = 0.0
        weights[ball, column] = 1.0
    weights[:, 0] = 1.0 - weights[:, 1:].sum(axis=1)
    return weights
