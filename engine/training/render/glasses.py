"""Glasses that sit on the nose and hook behind the ears of a posed head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.fit.heads.open_head import OpenHead
from engine.training.render.scene import Prop
from engine.training.render.tubes import Piece, grid, joined, tube
from engine.types import Array

RIM_POINTS, LENS_RINGS = 41, 6
LENS_BULGE_M = 0.0028
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
    thick = rng.random() < 0.45
    wire = rng.uniform(0.0018, 0.0036) if thick else rng.uniform(0.0006, 0.0018)
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
    dark = rng.random() < (0.8 if thick else 0.6)
    colour = rng.uniform(0.0, 0.06, 3) if dark else rng.uniform(0.05, 0.7, 3)
    shaded = rng.random() < 0.1
    tint = rng.uniform(0.45, 0.9) if shaded else rng.uniform(0.02, 0.1)
    edges = joined(frame, np.append(colour, 1.0), rng.uniform(0.1, 0.8), "glasses")
    glass = joined(lenses, np.append(rng.uniform(0.0, 0.05, 3), tint), 0.5, "glasses")
    mirroring = 0.03 + 0.14 * rng.beta(1.0, 2.0)
    return [edges, replace(glass, gloss=mirroring, screen=_random_screen(rng))]


def _random_screen(rng: np.random.Generator) -> tuple[float, ...]:
    """Return what a lens mirrors of a display or window: place, half extent, radiance (7,)."""
    place, half = rng.normal(0.0, [0.3, 0.2]), rng.uniform([0.08, 0.06], [0.35, 0.22])
    bright = rng.uniform(1.0, 9.0) * (rng.random() < 0.5)
    return (*place, *half, *(bright * rng.uniform([0.6, 0.75, 0.8], [1.0, 1.0, 1.2])))


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
    """Return a lens inside the rim (N, 3), bulging forwards."""
    inward = np.linspace(1.0, 0.0, LENS_RINGS)[:, None, None]
    centre = rim.mean(axis=0)
    points = centre + inward * (rim - centre)
    points[..., 2] -= LENS_BULGE_M * (1.0 - inward[..., 0] ** 2)
    return grid(points)
