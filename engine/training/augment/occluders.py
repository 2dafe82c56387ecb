"""Things in front of a face, wherever it is: blobs, pieces of pictures, hands, telephones, mugs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.augment.canvas import Canvas, ellipse, line, polygon, turn, uneven
from engine.types import Array

# Where hands touch a face: chin, cheeks, mouth, nose, brows.
_TOUCHED = (152, 152, 50, 280, 13, 1, 105, 334)
_CHEEKS = (50, 280)


def blob(canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover an ellipse with one colour."""
    centre, axes = rng.uniform(0, canvas.side, 2), rng.uniform(0.05, 0.22, 2) * canvas.side
    alpha = canvas.empty()
    polygon(alpha, ellipse(centre, axes, rng.uniform(0, np.pi)))
    canvas.lay(alpha, rng.uniform(0, 255, 3))


def piece(canvas: Canvas, other: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Cover a tilted ellipse or rectangle with what another picture (S, S, 3) shows elsewhere."""
    side = canvas.side
    moved = np.roll(
        other[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])], rng.integers(0, side, 2), (0, 1)
    )
    centre, axes = rng.uniform(0, side, 2), rng.uniform(0.05, 0.22, 2) * side
    # four corners make a rhomb, which is a tilted rectangle cut from the same ellipse
    corners = 4 if rng.random() < 0.5 else 24
    alpha = canvas.empty()
    polygon(alpha, ellipse(centre, axes, rng.uniform(0, np.pi), corners))
    canvas.lay(alpha, moved)


def thing(canvas: Canvas, rng: np.random.Generator) -> None:
    """Cover a tilted box with round corners: a dark telephone, a mug, a bright sheet."""
    side = canvas.side
    size = rng.uniform([0.12, 0.2], [0.3, 0.5]) * side
    tilt = rng.normal(0, 0.5)
    # from the border inwards: held things rarely hide the middle of the face
    centre = side * (
        0.5 + rng.uniform(0.2, 0.55) * np.array([np.cos(a := rng.uniform(0, 7)), np.sin(a)])
    )
    corner = float(rng.uniform(0.02, 0.3) * size[0])
    half = size / 2 - corner
    box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * half
    alpha = canvas.empty()
    outline = centre + box @ turn(tilt)
    polygon(alpha, outline)
    line(alpha, outline, 2 * corner)
    shade = rng.choice([25.0, 60.0, 140.0, 235.0]) * np.exp(rng.normal(0, 0.15, 3))
    screen = np.empty_like(canvas.picture)
    screen[:] = shade.clip(0, 255).astype(np.uint8)
    if rng.random() < 0.5:  # lenses, a print, a rim
        for _ in range(3):
            spot = centre + rng.uniform(-0.8, 0.8, 2) * half @ turn(tilt)
            polygon(screen, ellipse(spot, np.full(2, 0.06 * size[0]), 0.0), rng.uniform(0, 255, 3))
    canvas.lay(alpha, screen, shade=uneven(3, 0.25, rng))


def hand(canvas: Canvas, landmarks: Array | None, rng: np.random.Generator) -> None:
    """Lay a hand of a palm, an arm and four fingers over the face, in nearly the face's colour."""
    side = canvas.side
    free, which, heading = (
        rng.uniform(0.1, 0.9, 2) * side,
        rng.integers(8),
        rng.normal(np.pi / 2, 0.9),
    )
    tip = free if landmarks is None else landmarks[_TOUCHED[which]] + rng.normal(0, 0.05, 2) * side
    outward = np.array([np.cos(heading), np.sin(heading)])
    across = np.array([-outward[1], outward[0]])
    palm = tip + outward * rng.uniform(0.22, 0.4) * side
    colour = skin_colour(canvas, landmarks, rng)
    thick = rng.uniform(0.05, 0.075) * side
    alpha, paint = canvas.empty(), np.empty_like(canvas.picture)
    paint[:] = colour.clip(0, 255).astype(np.uint8)
    arm = np.stack([palm, palm + outward * side])
    line(alpha, arm, 3.0 * thick)
    polygon(alpha, ellipse(palm, np.array([2.3, 2.0]) * thick, heading))
    spread = rng.uniform(0.6, 1.3)
    for k, length in enumerate(rng.normal([0.8, 1.0, 1.0, 0.7], 0.12)):
        root = palm + across * (k - 1.5) * 0.95 * thick
        end = palm + (tip - palm) * length + across * (k - 1.5) * spread * thick
        bend = (root + end) / 2 + across * rng.normal(0, 0.25) * thick
        finger = np.stack([root, bend, end])
        line(alpha, finger, thick)
        line(paint, finger, thick, tuple((0.62 * colour).clip(0, 255)))
        line(paint, finger, 0.68 * thick, tuple(colour.clip(0, 255)))
    soft = np.asarray(cv2.GaussianBlur(paint, (0, 0), 0.008 * side), np.uint8)
    canvas.lay(alpha, soft, shade=uneven(3, 0.15, rng))


def skin_colour(canvas: Canvas, landmarks: Array | None, rng: np.random.Generator) -> Array:
    """Return a colour (3,) near that of the cheeks, or of the middle without landmarks."""
    middle = (
        np.full(2, 0.5 * canvas.side) if landmarks is None else landmarks[list(_CHEEKS)].mean(0)
    )
    spots = np.stack([middle]) if landmarks is None else landmarks[list(_CHEEKS)]
    reach = max(2, canvas.side // 24)
    at = np.round(spots).astype(int).clip(reach, canvas.side - 1 - reach)
    patches = [canvas.picture[y - reach : y + reach, x - reach : x + reach] for x, y in at]
    brighter = max(patches, key=lambda patch: float(patch.mean()))
    return brighter.reshape(-1, 3).mean(0) * np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.04, 3))


def picture_edge(canvas: Canvas, rng: np.random.Generator) -> None:
    """End the camera's picture within the face: one side is black, or repeats its last pixel."""
    side, turns, smeared = canvas.side, int(rng.integers(4)), rng.random() < 0.3
    # the face begins at about 8 % of the window: up to 30 % of it goes missing
    width = round(side * rng.uniform(0.08, 0.33))
    picture, shown = np.rot90(canvas.picture, turns), np.rot90(canvas.shown, turns)
    picture[:width] = picture[width] if smeared else 0
    shown[:width] = 0
