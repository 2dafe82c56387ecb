"""Poses an asset: the plain, slow statement of the head model, for building and checking it."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from engine.training.head_build.skinning import rotation_about_x
from engine.training.head_build.source import Array


def pose(
    asset: Mapping[str, np.ndarray],
    weights: Mapping[str, float] | None = None,
    identity: Array | None = None,
    gaze: Array | None = None,
) -> Array:
    """Return posed vertices (V, 3), metres, with a straight neck.

    weights   blendshape weights by name; jawOpen also turns the jaw joint
    identity  (K,) coefficients
    gaze      (2, 2) yaw and pitch of left and right eye, rad; yaw to +x, pitch to +y
    """
    points = asset["neutral"].astype(np.float64)
    joints = asset["joint_neutral"].astype(np.float64)
    if identity is not None:
        points += np.tensordot(identity, asset["identity_basis"].astype(np.float64), 1)
        joints += np.tensordot(identity, asset["joint_identity"], 1)
    names = [str(name) for name in asset["expression_names"]]
    for name, weight in (weights or {}).items():
        points = points + weight * asset["expression_basis"][names.index(name)].astype(np.float64)
    jaw = float(asset["jaw_open_rad"]) * (weights or {}).get("jawOpen", 0.0)
    rotations = [rotation_about_x(jaw)]
    for yaw, pitch in np.zeros((2, 2)) if gaze is None else gaze:
        about_y = cv2.Rodrigues(np.array([0.0, -yaw, 0.0]))[0]
        rotations.append(about_y @ rotation_about_x(pitch))
    moved = points.copy()
    for column, joint, rotation in zip((2, 3, 4), joints[1:], rotations, strict=True):
        share = asset["skin_weights"][:, column : column + 1]
        moved += share * ((points - joint) @ rotation.T + joint - points)
    return moved
