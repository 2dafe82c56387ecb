"""One person in several states: what a step in jawOpen or in yaw jumps between, or any shape.

Skin, light and camera are those of the test sequences, and held out of training like theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.geometry import rigid, rotation_from_vector
from engine.training.render.body import posed
from engine.training.render.expressions import plausible
from engine.training.render.renderer import HeadRenderer
from engine.training.render.sample import Sampler
from engine.training.render.scene import Scene
from engine.training.render.sequence import SIDE_PX
from engine.training.render.shape import Performance
from engine.training.render.view import View, framed
from engine.types import BLENDSHAPE_NAMES, Array

JAW_OPEN, YAW_RAD = 0.8, float(np.deg2rad(10.0))
FACE_PX, DISTANCE_M = 180.0, 0.55
_SHOWN = 0.85  # of an eye's vertices; its sockets and the nose hide a few
STATES = {"rest": (0.0, 0.0), "jaw": (JAW_OPEN, 0.0), "yaw": (0.0, YAW_RAD)}


def step_pictures(renderer: HeadRenderer, data: Path, seed: int) -> dict[str, NDArray[np.uint8]]:
    """Return a person's picture (S, S, 3) in every state; the same for the same seed.

    data  folder with hdri/
    """
    expressions = np.zeros((len(STATES), len(BLENDSHAPE_NAMES)))
    expressions[:, BLENDSHAPE_NAMES.index("jawOpen")] = [jaw for jaw, _ in STATES.values()]
    turns = [turn for _, turn in STATES.values()]
    return dict(zip(STATES, _pictures(renderer, data, seed, expressions, turns), strict=True))


def expression_pictures(
    renderer: HeadRenderer, data: Path, seed: int, expressions: Array
) -> list[NDArray[np.uint8]]:
    """Return the person of `step_pictures`, at rest, with each of N expressions (N, 52)."""
    return list(_pictures(renderer, data, seed, expressions, [0.0] * len(expressions)))


def look_pictures(
    renderer: HeadRenderer, data: Path, seed: int, gazes: Array
) -> list[NDArray[np.uint8]]:
    """Return the person of `step_pictures`, at rest, with each of N gazes (N, 2, 2).

    Lids follow the eyes.
    """
    rest = np.zeros(len(BLENDSHAPE_NAMES))
    expressions = np.stack([plausible(rest, gaze) for gaze in gazes])
    return list(_pictures(renderer, data, seed, expressions, [0.0] * len(gazes), gazes))


def uncovered(renderer: HeadRenderer, data: Path, seed: int) -> bool:
    """Whether both eyes of the person of `step_pictures` can be seen: hair covers some."""
    still, view = _sitting(renderer, data, seed)
    rest = _performance(still, np.zeros(len(BLENDSHAPE_NAMES)), 0.0)
    seen, head = renderer.draw(_scene(still, rest, view, 0.0)).visible, renderer.head
    eyes = head.region == head.region_names.index("eyes")
    sides = (eyes & (head.neutral[:, 0] > 0.0), eyes & (head.neutral[:, 0] < 0.0))
    return all(float(seen[side].mean()) >= _SHOWN for side in sides)


def _pictures(
    renderer: HeadRenderer,
    data: Path,
    seed: int,
    expressions: Array,
    yaws_rad: list[float],
    gazes: Array | None = None,
) -> Iterator[NDArray[np.uint8]]:
    still, view = _sitting(renderer, data, seed)
    gazes = np.zeros((len(expressions), 2, 2)) if gazes is None else gazes
    for expression, yaw_rad, gaze in zip(expressions, yaws_rad, gazes, strict=True):
        person = _performance(still, expression, yaw_rad, gaze)
        yield renderer.draw(_scene(still, person, view, yaw_rad)).image


def _sitting(renderer: HeadRenderer, data: Path, seed: int) -> tuple[Scene, View]:
    """Return a person with light and room, and the view of them at rest."""
    rng = np.random.default_rng([seed, 79])
    still = Sampler(renderer, data, seed, held_out=True).scene(rng)
    pose, place = rotation_from_vector(np.array([0.05, 0.0, 0.0])), np.array([0, 0, DISTANCE_M])
    rest = _performance(still, np.zeros(len(BLENDSHAPE_NAMES)), 0.0)
    view = framed(
        renderer.head, posed(renderer.head, rest), pose, place,
        FACE_PX, np.full(2, renderer.side_px / 2),
    )  # fmt: skip
    return still, view


def renderer_of(head_path: Path) -> HeadRenderer:
    """Return what draws the pictures, at the size of the test sequences."""
    from engine.fit.heads import open_head

    return HeadRenderer(open_head.load(head_path), SIDE_PX)


def _performance(
    still: Scene, expression: Array, yaw_rad: float, gaze: Array | None = None
) -> Performance:
    gaze = np.zeros((2, 2)) if gaze is None else gaze
    # The neck undoes three quarters of a turn: shoulders move little.
    return Performance(
        still.performance.identity, expression, gaze, np.array([0.0, -0.75 * yaw_rad, 0.0])
    )


def _scene(still: Scene, person: Performance, view: View, yaw_rad: float) -> Scene:
    pose = view.camera_from_head
    turned = pose[:3, :3] @ rotation_from_vector(np.array([0.0, yaw_rad, 0.0]))
    return Scene(
        performance=person,
        camera_from_head=rigid(turned, pose[:3, 3]),
        intrinsics=view.intrinsics,
        environment=still.environment,
        look=still.look,
        lamps=still.lamps,
        background=still.background,
        exposure=still.exposure,
        sky_gain=still.sky_gain,
    )
