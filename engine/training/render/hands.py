"""A hand in front of the face: palm, four jointed fingers, a thumb."""

from __future__ import annotations

import numpy as np

from engine.geometry import rotation_from_vector
from engine.training.render.scene import Prop
from engine.training.render.tubes import Piece, joined, tube
from engine.types import Array

FINGER_LENGTHS_M, FINGER_RADII_M = (0.066, 0.078, 0.073, 0.057), (0.0085, 0.0088, 0.0084, 0.0074)
JOINTS = np.array([0.0, 0.46, 0.76, 1.0])  # where the bones of a finger meet, share of its length


def random_hand(rng: np.random.Generator, vertices: Array, skin: Array) -> Prop:
    """Put a hand over or beside the face of posed vertices (V, 3); skin (3,) linear."""
    pieces = _hand(rng)
    placing = rng.random()
    front = float(vertices[:, 2].min())
    if placing < 0.4:  # under the chin or over the mouth
        place, tilt = [rng.normal(0, 0.03), rng.uniform(0.06, 0.13)], rng.normal(0, 0.5)
    elif placing < 0.75:  # at a cheek or temple
        side = rng.choice([-1.0, 1.0])
        place, tilt = [side * rng.uniform(0.05, 0.1), rng.uniform(-0.02, 0.1)], side * 0.3
    else:  # across
        side = rng.choice([-1.0, 1.0])
        place, tilt = [side * 0.06, rng.uniform(-0.03, 0.09)], side * -rng.uniform(1.0, 1.7)
    away = front + (0.05 if abs(place[0]) > 0.06 else 0.0) - rng.uniform(0.015, 0.04)
    turn = rotation_from_vector(np.array([0.0, 0.0, tilt + rng.normal(0.0, 0.25)]))
    lean = rotation_from_vector(rng.normal(0.0, [0.25, 0.35, 0.0]))
    mirror = np.array([rng.choice([-1.0, 1.0]), 1.0, 1.0])
    size = rng.uniform(0.85, 1.1)
    placed: list[Piece] = []
    colours: list[Array] = []
    tone = skin * rng.uniform(0.8, 1.15)
    for number, (points, triangles) in enumerate(pieces):
        moved = (size * points * mirror) @ (turn @ lean).T + np.array([*place, away])
        placed.append((moved, triangles[:, ::-1] if mirror[0] < 0 else triangles))
        redness = np.clip(-points[:, 1:2] / 0.12, 0.0, 1.0) * (number > 0) * 0.35
        mottled = tone * np.exp(rng.normal(0.0, 0.05, (len(points), 1)))
        colours.append(mottled * (1.0 - redness * np.array([[0.0, 0.35, 0.3]])))
    hand = joined(placed, np.ones(4), 0.12, "hand")
    shades = np.concatenate(colours)
    return Prop(
        hand.vertices, hand.triangles, np.c_[shades, np.ones(len(shades))], hand.gloss, "hand"
    )


def _hand(rng: np.random.Generator) -> list[Piece]:
    """Return palm, fingers and thumb; fingers towards -y, the face behind at +z, metres."""
    steps = np.linspace(-1, 1, 13)
    outline = np.sqrt(np.maximum(1.0 - np.abs(steps) ** 3.5, 0.02))
    width = 0.041 * outline * (1.0 - 0.14 * steps)
    palm, triangles = tube(np.c_[0 * steps, 0.047 * steps, 0 * steps], width, 14)
    palm = palm * [1.0, 1.0, 0.34]
    pieces: list[Piece] = [(palm, triangles)]
    wrist = np.linspace(0.03, 0.16, 5)[:, None] * [0.0, 1.0, 0.0]
    forearm, triangles = tube(wrist, 0.028, 12)
    pieces.append((forearm * [1.0, 1.0, 0.75], triangles))
    curl, spread = rng.uniform(0.0, 0.9), rng.uniform(0.3, 1.6)
    for finger in range(4):
        slot = finger - 1.5
        root = np.array([0.0195 * slot, -0.036 + 0.004 * slot**2, 0.0])
        aim = rotation_from_vector(np.array([0.0, 0.0, 0.09 * spread * slot]))
        bends = np.cumsum(np.clip(curl + rng.normal(0.0, 0.2, 3), -0.1, 1.2) * [0.5, 0.9, 0.6])
        pieces.append(_finger(root, aim, FINGER_LENGTHS_M[finger], FINGER_RADII_M[finger], bends))
    aim = rotation_from_vector(np.array([0.0, 0.0, -rng.uniform(0.5, 1.2)]))
    bends = np.array([0.1, 0.25, 0.2]) + rng.normal(0.0, 0.15, 3)
    pieces.append(_finger(np.array([-0.034, 0.014, 0.002]), aim, 0.066, 0.0105, bends))
    return pieces


def _finger(root: Array, aim: Array, length: float, radius: float, bends: Array) -> Piece:
    """Return a finger of three bones; bends (3,) rad towards the face, aim (3, 3) of the first."""
    bones = np.diff(JOINTS)[:, None] * length
    directions = np.stack([0 * bends, -np.cos(bends), np.sin(bends)], axis=1)
    corners = np.concatenate([np.zeros((1, 3)), np.cumsum(bones * directions, axis=0)])
    s = np.linspace(0.0, 1.0, 13)
    path = np.stack([np.interp(s, JOINTS, corners[:, axis]) for axis in range(3)], axis=1)
    knuckles = 0.05 * np.exp(-(((s[:, None] - JOINTS[1:3]) / 0.05) ** 2)).sum(axis=1)
    thickness = radius * (1.06 - 0.2 * s + knuckles) * np.sqrt(1.03 - s**9)
    return tube(root + path @ aim.T, thickness, 9)
