"""One person in two states each: what a step in jawOpen or in yaw jumps between.

Skin, light and camera are those of the test sequences, and held out of training like theirs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.geometry import rigid, rotation_from_vector
from engine.training.render.body import posed
from engine.training.render.renderer import HeadRenderer
from engine.training.render.sample import Sampler
from engine.training.render.scene import Scene
from engine.training.render.sequence import SIDE_PX
from engine.training.render.shape import Performance
from engine.training.render.view import View, framed
from engine.types import BLENDSHAPE_NAMES

JAW_OPEN, YAW_RAD = 0.8, float(np.deg2rad(10.0))
FACE_PX, DISTANCE_M = 180.0, 0.55
STATES = {"rest": (0.0, 0.0), "jaw": (JAW_OPEN, 0.0), "yaw": (0.0, YAW_RAD)}


def step_pictures(renderer: HeadRenderer, data: Path, seed: int) -> dict[str, NDArray[np.uint8]]:
    """Return a person's picture (S, S, 3) in every state; the same for the same seed.

    data  folder with hdri/
    """
    rng = np.random.default_rng([seed, 79])
    still = Sampler(renderer, data, seed, held_out=True).scene(rng)
    rest, place = rotation_from_vector(np.array([0.05, 0.0, 0.0])), np.array([0, 0, DISTANCE_M])
    performances = {name: _performance(still, *state) for name, state in STATES.items()}
    view = framed(
        renderer.head, posed(renderer.head, performances["rest"]), rest, place,
        FACE_PX, np.full(2, renderer.side_px / 2),
    )  # fmt: skip
    return {
        name: renderer.draw(_scene(still, person, view, STATES[name][1])).image
        for name, person in performances.items()
    }


def renderer_of(head_path: Path) -> HeadRenderer:
    """Return what draws the pictures, at the size of the test sequences."""
    from engine.fit.heads import open_head

    return HeadRenderer(open_head.load(head_path), SIDE_PX)


def _performance(still: Scene, jaw_open: float, yaw_rad: float) -> Performance:
    expression = np.zeros(len(BLENDSHAPE_NAMES))
    expression[BLENDSHAPE_NAMES.index("jawOpen")] = jaw_open
    gaze = np.tile([0.0, 0.0], (2, 1))
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
