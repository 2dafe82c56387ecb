"""Things in front of the face: glasses, hands, masks, fringes, microphones, loose strands."""

from __future__ import annotations

import numpy as np

from engine.fit.heads.open_head import OpenHead
from engine.training.render.covers import random_fringe, random_mask
from engine.training.render.glasses import random_glasses
from engine.training.render.hands import random_hand
from engine.training.render.scene import Look, Prop
from engine.training.render.tubes import Piece, ball, joined, tube
from engine.types import Array

GLASSES, HAND, MASK, MICROPHONE = 0.26, 0.09, 0.04, 0.04  # shares of the pictures
FRINGE, STRANDS = 0.09, 0.08  # shares of those with hair


def random_props(
    rng: np.random.Generator, head: OpenHead, vertices: Array, skin: Array, look: Look
) -> tuple[Prop, ...]:
    """Draw occluders for a posed head (V, 3); skin (3,) is the hands' linear colour."""
    props: list[Prop] = []
    if rng.random() < GLASSES:
        props += random_glasses(rng, head, vertices)
    if rng.random() < HAND:
        props.append(random_hand(rng, vertices, skin))
    if rng.random() < MASK:
        props += random_mask(rng, head, vertices)
    if rng.random() < MICROPHONE:
        props.append(_microphone(rng, vertices))
    if look.hair is not None:
        hair = np.array(look.hair_colour)
        if rng.random() < FRINGE:
            props.append(random_fringe(rng, head, vertices, hair))
        if rng.random() < STRANDS:
            props.append(_loose_strands(rng, vertices, hair))
    return tuple(props)


def _microphone(rng: np.random.Generator, vertices: Array) -> Prop:
    """A headset's boom with foam in front of the cheek, or a stand's larger head below."""
    side = rng.choice([-1.0, 1.0])
    chin_y, front = float(np.quantile(vertices[:, 1], 0.75)), float(vertices[:, 2].min())
    if rng.random() < 0.5:
        foam = np.array([side * rng.uniform(0.02, 0.05), rng.uniform(0.055, 0.09), front - 0.012])
        start = np.array([side * 0.082, 0.02, 0.07])
        s = np.linspace(0, 1, 12)[:, None]
        boom = start * (1 - s) + foam * s + np.array([side * 0.03, 0.02, 0.0]) * 4 * s * (1 - s)
        pieces = [tube(boom, 0.002), ball(foam, rng.uniform(0.007, 0.012))]
    else:
        foam = np.array([rng.uniform(-0.06, 0.06), chin_y + rng.uniform(0.0, 0.05), front - 0.08])
        body = foam + np.linspace(0, 1, 8)[:, None] * [0.0, 0.25, -0.05]
        pieces = [tube(body, 0.012, 10), ball(foam, rng.uniform(0.025, 0.04))]
    return joined(pieces, np.append(rng.uniform(0.005, 0.08, 3), 1.0), rng.uniform(0.0, 0.4))


def _loose_strands(rng: np.random.Generator, vertices: Array, hair: Array) -> Prop:
    """A few locks that fall from the hairline over brow, eye or cheek."""
    top = float(vertices[:, 1].min())
    front = float(vertices[:, 2].min())
    colour = np.append(hair, 1.0)
    pieces: list[Piece] = []
    s = np.linspace(0, 1, 14)[:, None]
    origin_x, drift = rng.uniform(-0.06, 0.06), rng.normal(0.0, 0.02)
    for _ in range(rng.integers(2, 9)):
        start = np.array([origin_x + rng.normal(0, 0.008), top + 0.03, front + 0.05])
        fall = rng.normal([drift, 0.1, -0.054], [0.012, 0.017, 0.003])
        end = start + fall
        bow = np.array([0.0, 0.0, -0.016 + rng.normal(0, 0.003)])
        path = start * (1 - s) + end * s + bow * 4 * s * (1 - s)
        pieces.append(tube(path, rng.uniform(0.0003, 0.0011), 4))
    return joined(pieces, colour, 0.3)
