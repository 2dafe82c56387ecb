"""The tracked person's head as other programs animate it: a neutral mesh, morphs, bones.

Axes are those of glTF 2.0 and USD: right-handed, y up, the face looks along +z, metres; +x is the
subject's left. A head before the camera lies at negative z, the camera at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from engine import axes
from engine.export._series import Series
from engine.fit.heads import HeadModel, gaze_rotation
from engine.fit.sides import spread
from engine.fit.skinning import joints_of, neutral_of, vertices
from engine.recording.reader import Take
from engine.types import BLENDSHAPE_NAMES, Array

BONES = ("Head", "Neck", "LeftEye", "RightEye")  # all but the first are children of the first
_JOINT = {"Neck": 0, "LeftEye": 2, "RightEye": 3}  # rows of HeadModel's joints
_SKULL, _NECK, _JAW, _LEFT, _RIGHT = range(5)  # columns of HeadModel.skin_weights


@dataclass(frozen=True, eq=False)
class Rig:
    """V vertices, F triangles."""

    neutral: Array  # (V, 3) metres
    morphs: Array  # (52, V, 3) displacement at weight 1, in the order of BLENDSHAPE_NAMES
    triangles: NDArray[np.int32]  # (F, 3) counter-clockwise seen from outside
    uv: Array  # (V, 2) in [0, 1], v up
    skin: Array  # (V, 4) shares of BONES, rows sum to 1
    bones: Array  # (4, 3) places of BONES in the head's space, metres


@dataclass(frozen=True, eq=False)
class Motion:
    """Of the bones, over N frames. Quaternions are (x, y, z, w)."""

    place: Array  # (N, 3) of Head, metres, camera space
    head: Array  # (N, 4)
    neck: Array  # (N, 4)
    left_eye: Array  # (N, 4)
    right_eye: Array  # (N, 4)


def rig(take: Take, head: HeadModel) -> Rig:
    """Return the rig of the person as known at the end of a take."""
    identity = last_identity(take, head)
    turn = axes.system_from_ours("opengl")
    size = len(head.expression_names)
    rest = neutral_of(head, identity)
    no_gaze, no_neck = np.zeros((2, 2)), np.zeros(3)
    morphs = np.empty((len(BLENDSHAPE_NAMES), *rest.shape))
    for index in range(len(BLENDSHAPE_NAMES)):
        expression = spread(np.eye(len(BLENDSHAPE_NAMES))[index], size)
        morphs[index] = vertices(head, identity, expression, no_gaze, no_neck) - rest
    skin = head.skin_weights
    shares = np.stack(
        [skin[:, _SKULL] + skin[:, _JAW], skin[:, _NECK], skin[:, _LEFT], skin[:, _RIGHT]], axis=1
    )
    joints = joints_of(head, identity)
    places = np.zeros((len(BONES), 3))
    for bone, row in _JOINT.items():
        places[BONES.index(bone)] = joints[row]
    return Rig(
        neutral=rest @ turn.T,
        morphs=morphs @ turn.T,
        triangles=head.triangles,
        uv=head.uv,
        skin=shares / shares.sum(axis=1, keepdims=True),
        bones=places @ turn.T,
    )


def motion(series: Series) -> Motion:
    """Return how the bones move. The series must be without NaN (`bridged`)."""
    turn = axes.system_from_ours("opengl")

    def quaternions(rotations: Array) -> Array:
        found = Rotation.from_matrix(turn @ rotations @ turn.T).as_quat()
        for row in range(1, len(found)):  # the short way from frame to frame
            if found[row] @ found[row - 1] < 0:
                found[row] = -found[row]
        return found

    eyes = [
        np.stack([gaze_rotation(float(yaw), float(pitch)) for yaw, pitch in series.gaze[:, side]])
        for side in range(2)
    ]
    return Motion(
        place=series.camera_from_head[:, :3, 3] @ turn.T,
        head=quaternions(series.camera_from_head[:, :3, :3]),
        neck=quaternions(Rotation.from_rotvec(series.neck).as_matrix()),
        left_eye=quaternions(eyes[0]),
        right_eye=quaternions(eyes[1]),
    )


def last_identity(take: Take, head: HeadModel) -> Array:
    """Return the person's coefficients (K,) as known at the end; the mean head if never known."""
    known = [row for row in take.identity if len(row)]
    return known[-1].astype(np.float64) if known else np.zeros(len(head.identity_basis))
