"""Glasses that sit on the nose and hook behind the ears of a posed head."""

from __future__ import annotations

import numpy as np

from engine.fit.heads.open_head import OpenHead
from engine.training.render.scene import Prop
from engine.training.render.tubes import Piece, joined, tube
from engine.types import Array

RIM_POINTS = 41
FRONT_OF_EYE_M = 0.023  # from the eyeball's centre to the lenses


def random_glasses(rng: np.random.Generator, head: OpenHead, vertices: Array) -> list[Prop]:
    """Return frame and lenses for posed vertices (V, 3); the lenses are rarely dark."""
    left, right = (
        vertices[head.in_regions(f"eyeball_{side}")].mean(axis=0) for side in ("left", "right")
    )
    ears = vertices[head.in_regions("ears")]
    middle, drop = 0.5 * (left + right), rng.uniform(0.0, 0.006)
    front = min(left[2], right[2]) - FRONT_OF_EYE_M - rng.uniform(0.0, 0.004)
    oval = _random_oval(rng)
    half_width, half_height = np.abs(oval).max(axis=0)
    wire = rng.uniform(0.0006, 0.0024)
    frame: list[Piece] = []
    lenses: list[Piece] = []
    inner = np.inf
    for eye, side in ((left, 1.0), (right, -1.0)):
        offset = max(abs(eye[0] - middle[0]), half_width + 0.006)
        inner = min(inner, offset - half_width)
        rim = np.c_[oval, np.full(RIM_POINTS, front)]
        rim[:, :2] += [middle[0] + side * offset, eye[1] + drop]
        rim[:, 2] += 0.25 * np.maximum(np.abs(rim[:, 0] - middle[0]) - 0.02, 0.0)
        frame += [tube(rim, wire), _temple(rim, ears[side * ears[:, 0] > 0], side, wire)]
        lenses.append(_lens(rim))
    s = np.linspace(-1, 1, 7)
    bow = 1 - s**2
    bridge = [middle[0] + s * inner, middle[1] + drop - 0.3 * half_height - 0.003 * bow,
              front - 0.002 * bow]  # fmt: skip
    frame.append(tube(np.stack(bridge, axis=1), wire))
    colour = rng.uniform(0.0, 0.08, 3) if rng.random() < 0.7 else rng.uniform(0.05, 0.7, 3)
    tint = rng.uniform(0.3, 0.8) if rng.random() < 0.12 else rng.uniform(0.04, 0.12)
    return [
        joined(frame, np.append(colour, 1.0), rng.uniform(0.1, 0.8), "glasses"),
        joined(
            lenses, np.append(rng.uniform(0.0, 0.05, 3), tint), rng.uniform(0.5, 1.0), "glasses"
        ),
    ]


def _random_oval(rng: np.random.Generator) -> Array:
    """Return a closed superellipse (RIM_POINTS, 2), metres: round to nearly square."""
    half = rng.uniform([0.022, 0.013], [0.029, 0.024])
    power = 2.0 / rng.uniform(2.0, 5.0)
    angle = np.linspace(0, 2 * np.pi, RIM_POINTS)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.sign(circle) * np.abs(circle) ** power * half


def _temple(rim: Array, ear: Array, side: float, wire: float) -> Piece:
    hinge = rim[np.argmax(side * rim[:, 0])]
    hook = ear[np.argmin(ear[:, 1])] + np.array([side * 0.001, 0.004, 0.0])
    halfway = 0.5 * (hinge + hook) + np.array([side * 0.003, 0.0, 0.0])
    return tube(np.stack([hinge, halfway, hook, hook + np.array([0.0, 0.004, 0.012])]), wire)


def _lens(rim: Array) -> Piece:
    outer = np.arange(1, len(rim))
    fan = np.stack([0 * outer, outer, outer + 1], axis=1).astype(np.int32)
    return np.vstack([rim.mean(axis=0), rim]), fan
