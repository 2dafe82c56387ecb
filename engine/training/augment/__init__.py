"""What webcams, rooms and croppers do to a picture, done to training images on the fly.

    windows   where a tracker cuts        scenes   what stands before the face
    settings  how often, how far          sensors  light, lens, noise, compression

Two pictures of one moment share their scene and differ in their sensor: that is what a network must
not be shaken by.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.augment.scenes import scene
from engine.training.augment.sensors import sensor
from engine.training.augment.settings import AugmentSettings
from engine.training.augment.windows import random_crop, window

__all__ = ["AugmentSettings", "degrade", "random_crop", "scene", "sensor", "window"]


def degrade(
    picture: NDArray[np.uint8], rng: np.random.Generator, settings: AugmentSettings
) -> NDArray[np.uint8]:
    """Change scene and sensor of a picture (S, S, 3) whose landmarks are not known."""
    return sensor(scene(picture, rng, settings)[0], rng, settings)
