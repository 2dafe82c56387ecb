"""Cloth and hair that lie on a face: masks and fringes."""

from __future__ import annotations

import numpy as np

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.training.render.scene import Prop
from engine.training.render.shell import shell_of
from engine.training.render.tubes import Piece, grid, joined, tube
from engine.types import Array

BRIDGE, TIP, UNDER_NOSE, CHIN, BROWS = 6, 4, 2, 152, (105, 334)  # MediaPipe's numbers
SURGICAL = ((0.35, 0.6, 0.75), (0.75, 0.78, 0.8), (0.02, 0.02, 0.025), (0.3, 0.55, 0.5))


def random_mask(rng: np.random.Generator, head: OpenHead, vertices: Array) -> list[Prop]:
    """Return a surgical or cloth mask with its ear loops over posed vertices (V, 3)."""
    at = landmarks(head, vertices)
    surface = shell_of(vertices[head.in_regions("face", "nose", "mouth")], 5, 1.6)
    surgical, worn_low = rng.random() < 0.6, rng.random() < 0.12
    bridge, tip, chin = at[BRIDGE, 1], at[TIP, 1], at[CHIN, 1]
    top = at[UNDER_NOSE, 1] + 0.003 if worn_low else bridge + rng.uniform(0.2, 0.6) * (tip - bridge)
    u, v = np.meshgrid(np.linspace(-1, 1, 33), np.linspace(0, 1, 25))
    edge = u**2
    upper = top + edge * rng.uniform(0.3, 0.8) * max(tip - top, 0.004)
    lower = chin - 0.002 - edge * rng.uniform(0.15, 0.45) * (chin - tip)
    height = upper + v * (lower - upper)
    pleats = 0.0012 * np.abs(np.sin(3.5 * np.pi * v)) if surgical else 0.0
    azimuth = u * rng.uniform(0.95, 1.2)
    points = surface.at(azimuth, height, 0.003 + pleats + 0.002 * (1 - edge))
    vertices_of_cloth, triangles = grid(points)
    colour = np.array(SURGICAL[rng.integers(4)]) if surgical else rng.uniform(0.01, 0.7, 3)
    shade = np.ones(u.shape)
    if not surgical and rng.random() < 0.5:  # printed cloth
        waves = rng.uniform(4, 26, 2)
        shade = 1.0 - rng.uniform(0.2, 0.6) * (np.sin(waves[0] * u) * np.sin(waves[1] * v) > 0)
    colours = np.concatenate([shade.reshape(-1, 1) * colour, np.ones((u.size, 1))], axis=1)
    cloth = Prop(vertices_of_cloth, triangles, colours, rng.uniform(0.0, 0.15), "mask")
    loops: list[Piece] = []
    ears = vertices[head.in_regions("ears")]
    for side, column in ((1.0, -1), (-1.0, 0)):
        ear = ears[side * ears[:, 0] > 0]
        hook = ear[np.argmax(ear[:, 2])] + np.array([side * 0.002, -0.01, -0.008])
        for row in (1, -2):
            halfway = 0.5 * (points[row, column] + hook) + np.array([side * 0.004, 0.0, 0.0])
            loops.append(tube(np.stack([points[row, column], halfway, hook]), 0.0011))
    return [cloth, joined(loops, np.append(np.clip(1.3 * colour, 0.05, 0.8), 1.0), 0.0, "mask")]


def random_fringe(rng: np.random.Generator, head: OpenHead, vertices: Array, hair: Array) -> Prop:
    """Return locks that hang from above the forehead (V, 3) over or to the brows; hair (3,)."""
    at = landmarks(head, vertices)
    surface = shell_of(vertices[head.in_regions("face", "nose", "scalp", "eyes")], 5, 1.5)
    brow = float(at[list(BROWS), 1].mean())
    start, end = brow - rng.uniform(0.045, 0.06), brow + rng.uniform(-0.012, 0.014)
    reach, centre = rng.uniform(0.5, 0.95), rng.normal(0.0, 0.15)
    sweep, ragged = rng.normal(0.0, 0.25), rng.uniform(0.001, 0.006)
    s = np.linspace(0, 1, 9)
    pieces: list[Piece] = []
    shades: list[Array] = []
    for azimuth in centre + reach * np.linspace(-1, 1, rng.integers(45, 95)):
        if rng.random() < 0.08:
            continue
        stop = end + rng.normal(0.0, ragged)
        lean = azimuth + rng.normal(0.0, 0.02) + sweep * s**2
        lift = 0.003 + 0.007 * np.sin(np.pi * s) + rng.uniform(0.0, 0.002)
        path = surface.at(lean, start + (stop - start) * s, lift)
        thickness = rng.uniform(0.0012, 0.0024) * np.sqrt(1.02 - s**3)
        piece = tube(path, thickness, 4)
        pieces.append(piece)
        tone = np.append(hair * np.exp(rng.normal(0.0, 0.25)), 1.0)
        shades.append(np.tile(tone, (len(piece[0]), 1)))
    fringe = joined(pieces, np.append(hair, 1.0), 0.25, "fringe")
    return Prop(fringe.vertices, fringe.triangles, np.concatenate(shades), 0.25, "fringe")
