"""Where the camera stands: head pose, distance, and a crop with the face box in its middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.fit.heads.open_head import OpenHead
from engine.geometry import rigid, rotation_from_vector
from engine.types import Array

FACE_REGIONS = ("face", "eyes", "nose", "mouth")


@dataclass(frozen=True, eq=False)
class View:
    """camera_from_head (4, 4) and the intrinsics (3, 3) of a square crop, pixels."""

    camera_from_head: Array
    intrinsics: Array


def random_rotation(rng: np.random.Generator) -> Array:
    """Return camera_from_head's rotation (3, 3): mostly frontal, with a tail of profiles."""
    yaw = rng.normal(0.0, 0.38)
    if rng.random() < 0.11:
        yaw = rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.4)
    yaw = np.clip(yaw, -1.4, 1.4)
    pitch = np.clip(rng.normal(0.0, 0.21), -0.6, 0.6)
    roll = np.clip(rng.normal(0.0, 0.17), -0.7, 0.7)
    turn, nod, tilt = (
        rotation_from_vector(angle * np.eye(3)[axis])
        for axis, angle in ((1, yaw), (0, pitch), (2, roll))
    )
    return tilt @ turn @ nod


def random_neck(rng: np.random.Generator, rotation: Array) -> Array:
    """Return a neck rotation vector (3,) that keeps the shoulders more upright than the head."""
    undo = -rotation_vector(rotation) * rng.uniform(0.35, 0.75)
    bend = undo + rng.normal(0.0, 0.06, 3)
    angle = float(np.linalg.norm(bend))
    return bend * min(1.0, 0.6 / max(angle, 1e-6))


def rotation_vector(rotation: Array) -> Array:
    """Return the rotation vector (3,) of a rotation (3, 3) of less than half a turn."""
    axis = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0],
                     rotation[1, 0] - rotation[0, 1]])  # fmt: skip
    sine = 0.5 * float(np.linalg.norm(axis))
    angle = np.arctan2(sine, 0.5 * (np.trace(rotation) - 1.0))
    return axis * (0.5 * angle / sine if sine > 1e-9 else 0.5)


def towards(position: Array) -> Array:
    """Return the rotation (3, 3) that turns the optical axis to a position (3,)."""
    x, y, z = position
    turn = rotation_from_vector(np.array([0.0, np.arctan2(x, z), 0.0]))
    nod = rotation_from_vector(np.array([-np.arctan2(y, np.hypot(x, z)), 0.0, 0.0]))
    return turn @ nod


def framed(
    head: OpenHead,
    vertices: Array,
    rotation: Array,
    position: Array,
    box_px: float,
    centre_px: Array,
) -> View:
    """Choose focal length and principal point so that the face box has a size and a place.

    vertices (V, 3) head space; position (3,) of the head in camera space, metres
    box_px  side of the square around the projected front of the face; centre_px (2,) its middle
    """
    pose = rigid(rotation, position)
    face = vertices[head.in_regions(*FACE_REGIONS)] @ rotation.T + position
    flat = face[:, :2] / face[:, 2:]
    low, high = flat.min(axis=0), flat.max(axis=0)
    focal = box_px / float((high - low).max())
    principal = centre_px - focal * 0.5 * (low + high)
    intrinsics = np.array([[focal, 0, principal[0]], [0, focal, principal[1]], [0, 0, 1.0]])
    return View(pose, intrinsics)


def random_view(
    rng: np.random.Generator, head: OpenHead, vertices: Array, rotation: Array, side_px: int
) -> View:
    """Place a webcam: 0.3 to 1.2 m away, the face anywhere in a 35 to 80 degree field."""
    distance = np.exp(rng.uniform(np.log(0.3), np.log(1.2)))
    reach = np.tan(0.5 * np.deg2rad(rng.uniform(35.0, 80.0)))
    offset = distance * reach * np.array([rng.normal(0, 0.3), rng.normal(0, 0.2)])
    position = np.array([*np.clip(offset, -0.5 * distance, 0.5 * distance), distance])
    scale = side_px / 256.0
    centre = side_px / 2 + rng.uniform(-15.0, 15.0, 2) * scale
    faced = towards(position) @ rotation  # the pose is seen along the line of sight
    return framed(head, vertices, faced, position, rng.uniform(140, 190) * scale, centre)
