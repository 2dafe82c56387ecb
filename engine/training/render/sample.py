"""Draws whole scenes at random: the stream of fully synthetic training pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.fit.closure import Closure
from engine.fit.heads.open_head import OpenHead
from engine.training.render.body import posed
from engine.training.render.camera_effects import CameraEffects, apply_effects, random_effects
from engine.training.render.expressions import fitted, random_expression, random_gaze
from engine.training.render.light import Lamp
from engine.training.render.looks import random_look
from engine.training.render.props import random_props
from engine.training.render.renderer import HeadRenderer
from engine.training.render.scene import Rendered, Scene
from engine.training.render.shape import Performance
from engine.training.render.surroundings import (
    Skies,
    frontal_light,
    random_background,
    random_lighting,
)
from engine.training.render.view import random_neck, random_rotation, random_view
from engine.types import Array

HELD_OUT_EVERY = 6  # every sixth skin is kept for test pictures
LUMINANCE = np.array([0.3, 0.59, 0.11])
SEALED = 0.85  # share of faces whose lips touch unless something parts them
MIDDLE_SKIN = 0.34  # linear luminance to which an automatic exposure brings a face


@dataclass(frozen=True, eq=False)
class Sample:
    """One training picture: the scene, what the camera made of it, and its labels."""

    scene: Scene
    effects: CameraEffects
    rendered: Rendered
    image: NDArray[np.uint8]  # (S, S, 3) sRGB, after the camera's effects but before JPEG


class Sampler:
    """Draws and renders samples; sample `index` of a seed is always the same."""

    def __init__(self, renderer: HeadRenderer, data: Path, seed: int, held_out: bool) -> None:
        """Prepare a stream.

        data      folder with hdri/
        held_out  use the skins that training never sees, for test pictures; eyes look less far
        """
        self._renderer, self._seed, self._wide = renderer, seed, not held_out
        self._closure = Closure(renderer.head)
        self._skies = Skies(data / "hdri")
        skins = renderer.wardrobe.names("skin")
        self._skins = tuple(
            name for i, name in enumerate(skins) if (i % HELD_OUT_EVERY == 3) == held_out
        )

    def sample(self, index: int) -> Sample:
        """Draw, render and degrade picture `index`."""
        rng = np.random.default_rng([self._seed, index])
        scene = self.scene(rng)
        rendered = self._renderer.draw(scene)
        effects = random_effects(rng, self._renderer.side_px)
        return Sample(scene, effects, rendered, apply_effects(effects, rendered.image, rng))

    def scene(self, rng: np.random.Generator) -> Scene:
        """Draw a scene; nothing in it lies behind or too close to the camera."""
        renderer, head = self._renderer, self._renderer.head
        performance, rotation = _random_performance(rng, head, self._closure, wide=self._wide)
        vertices = posed(head, performance)
        view = random_view(rng, head, vertices, rotation, renderer.side_px)
        look = random_look(rng, renderer.wardrobe, self._skins or None)
        _, mean = renderer.wardrobe.texture("skin", look.skin)
        grey = float(mean @ LUMINANCE)
        skin = (grey + look.skin_saturation * (mean - grey)) * np.array(look.skin_gain)
        environment = self._skies.random(rng)
        lighting = random_lighting(rng)
        light = frontal_light(environment, lighting.lamps, lighting.sky)
        brightness = float(light @ LUMINANCE)
        balance = (brightness / light) ** lighting.balanced  # the camera's automatic white
        lamps = tuple(Lamp(lamp.direction, lamp.colour * balance) for lamp in lighting.lamps)
        sky_gain = lighting.sky * balance
        luminance = float(skin @ LUMINANCE)
        exposure = (MIDDLE_SKIN / brightness) / max(luminance, 0.02) ** 0.5 / MIDDLE_SKIN**0.5
        background = random_background(rng, environment, sky_gain, brightness, renderer.side_px)
        return Scene(
            performance=performance,
            camera_from_head=view.camera_from_head,
            intrinsics=view.intrinsics,
            environment=environment,
            look=look,
            lamps=lamps,
            background=background,
            props=random_props(rng, head, vertices, skin, look),
            exposure=exposure * float(np.exp(rng.normal(0.1, 0.33))),
            sky_gain=(float(sky_gain[0]), float(sky_gain[1]), float(sky_gain[2])),
        )


def _random_performance(
    rng: np.random.Generator, head: OpenHead, closure: Closure, *, wide: bool
) -> tuple[Performance, Array]:
    gaze = random_gaze(rng, wide=wide)
    rotation = random_rotation(rng)
    identity = rng.normal(0.0, rng.uniform(0.8, 1.2), len(head.identity_basis))
    expression = fitted(rng, random_expression(rng, gaze), identity, closure, SEALED)
    return Performance(identity, expression, gaze, random_neck(rng, rotation)), rotation
