"""Puts ICT's people and expressions into a file of the open head's format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads.open_head import FORMAT_VERSION, OpenHead
from engine.training.head_build.skinning import JOINT_NAMES, JawHinge, before_jaw, fit_jaw
from engine.training.ict.carry import Carrier
from engine.training.ict.correspondence import CHECKS, landmark_pairs
from engine.training.ict.registration import FRONT_REGIONS, Registration, register
from engine.training.ict.source import IctFace, sphere
from engine.types import BLENDSHAPE_NAMES, Array

COMPONENTS = 60
BLINK_GAIN = 1.7  # ICT's lids stop short of one another; what shuts each face is found later
JOINT_REACH_M = 0.06  # skin around a joint whose shift the joint shares


@dataclass(frozen=True)
class Quality:
    """How well the two neutral faces agree, millimetres."""

    matched: float  # share of the frontal vertices that lie on ICT's surface
    surface_median_mm: float  # of frontal vertices, before they are put onto the surface
    surface_p95_mm: float
    landmarks_median_mm: float  # landmarks that the registration did not use
    landmarks_max_mm: float


def quality(head: OpenHead, ict: IctFace, registration: Registration) -> Quality:
    """Measure a registration."""
    front = head.in_regions(*FRONT_REGIONS)
    left_over = registration.left_over[front & registration.matched] * 1e3
    ours, theirs = landmark_pairs(head, ict, CHECKS, registration.vertices)
    apart = np.linalg.norm(ours - theirs, axis=1) * 1e3
    return Quality(
        matched=float(registration.matched[front].mean()),
        surface_median_mm=float(np.median(left_over)),
        surface_p95_mm=float(np.percentile(left_over, 95)),
        landmarks_median_mm=float(np.median(apart)),
        landmarks_max_mm=float(apart.max()),
    )


def build(head: OpenHead, ict: IctFace) -> tuple[dict[str, NDArray], Quality]:
    """Return the arrays of the head file, and how good the registration is."""
    registration = register(head, ict)
    carrier = Carrier(head, ict, registration)
    joints = _joints(head, carrier, registration)
    shapes = _shapes(head, ict, carrier)
    jaw = fit_jaw(carrier.vertices, joints[JOINT_NAMES.index("jaw")], shapes["jawOpen"])
    weights = head.skin_weights.astype(float).copy()
    weights[:, 2] = np.minimum(jaw.weights, 1.0 - weights[:, 1] - weights[:, 3:].sum(axis=1))
    weights[:, 0] = 1.0 - weights[:, 1:].sum(axis=1)
    identity, moved = _people(head, ict, carrier, joints)
    arrays = {
        "format_version": np.array(FORMAT_VERSION, np.int32),
        "neutral": carrier.vertices.astype(np.float32),
        "identity_basis": identity.astype(np.float16),
        "expression_basis": _basis(head, shapes, jaw).astype(np.float16),
        "expression_names": np.array(BLENDSHAPE_NAMES),
        "joint_names": np.array(JOINT_NAMES),
        "joint_neutral": joints.astype(np.float32),
        "joint_identity": moved.astype(np.float32),
        "skin_weights": weights.astype(np.float32),
        "jaw_open_rad": np.array(jaw.angle_rad, np.float32),
        "region_names": np.array(head.region_names),
    }
    for name in ("triangles", "uv", "region", "landmark_triangles", "landmark_weights",
                 "texture_uv", "texture_triangles", "source_vertex"):  # fmt: skip
        arrays[name] = getattr(head, name)
    return arrays, quality(head, ict, registration)


def _joints(head: OpenHead, carrier: Carrier, registration: Registration) -> Array:
    """Return joints (4, 3): neck and jaw by the smooth warp, eyes in the middle of their balls."""
    joints = registration.warp(head.joint_neutral.astype(float))
    for row, ball in ((2, "eyeball_left"), (3, "eyeball_right")):
        joints[row] = sphere(carrier.vertices[head.in_regions(ball)])[0]
    return joints


def _shapes(head: OpenHead, ict: IctFace, carrier: Carrier) -> Mapping[str, Array]:
    """Return the 52 shapes (V, 3) by ARKit name, jawOpen whole; the tongue's is the open head's."""
    shapes: dict[str, Array] = {}
    for name in BLENDSHAPE_NAMES:
        theirs = name
        for side in ("Left", "Right"):
            if f"{name.removesuffix(side)}_{side[0]}" in ict.expression_names:
                theirs = f"{name.removesuffix(side)}_{side[0]}"
        if name == "tongueOut":
            shapes[name] = head.expression_basis[BLENDSHAPE_NAMES.index(name)].astype(float)
        elif name in ("browInnerUp", "cheekPuff"):
            shapes[name] = carrier.shape(ict.shape(f"{name}_L") + ict.shape(f"{name}_R"))
        else:
            shapes[name] = carrier.shape(ict.shape(theirs))
    for side in ("Left", "Right"):
        shapes[f"eyeBlink{side}"] = BLINK_GAIN * shapes[f"eyeBlink{side}"]
    return shapes


def _basis(head: OpenHead, shapes: Mapping[str, Array], jaw: JawHinge) -> Array:
    """Return (52, V, 3); jawOpen keeps what the hinge leaves, mouthClose acts on an open jaw."""
    done = dict(shapes)
    done["jawOpen"] = jaw.residual
    done["mouthClose"] = before_jaw(shapes["mouthClose"], jaw.weights, jaw.angle_rad)
    basis = np.stack([done[name] for name in BLENDSHAPE_NAMES])
    basis[:, head.in_regions("eyeball_left", "eyeball_right")] = 0.0
    return basis


def _people(head: OpenHead, ict: IctFace, carrier: Carrier, joints: Array) -> tuple[Array, Array]:
    """Return the identity basis (COMPONENTS, V, 3) and the joints' (COMPONENTS, 4, 3).

    ICT's coefficients are N(0, 1) and so are those of any rotation of them: the rotation puts
    most of the variance into the components that are kept.
    """
    fields = np.stack([carrier.person(field) for field in ict.identity])
    flat = fields.reshape(len(fields), -1)
    value, vector = np.linalg.eigh(flat @ flat.T)
    rotation = vector[:, np.argsort(value)[::-1][:COMPONENTS]].T
    rotation *= np.sign(rotation.sum(axis=1, keepdims=True))
    skin = head.in_regions("face", "ears", "scalp", "neck", "nose", "mouth")
    moved = np.empty((len(fields), 4, 3))
    for row, joint in enumerate(joints):
        ball = head.in_regions(("eyeball_left", "eyeball_right")[row - 2])
        distance = np.linalg.norm(carrier.vertices - joint, axis=1)
        near = skin & (distance < max(JOINT_REACH_M, np.sort(distance[skin])[40]))
        moved[:, row] = fields[:, ball if row >= 2 else near].mean(axis=1)
    shape = (COMPONENTS, *fields.shape[1:])
    return (rotation @ flat).reshape(shape), np.einsum("kn,njc->kjc", rotation, moved)
