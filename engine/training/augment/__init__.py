"""What webcams, rooms and croppers do to a picture, done to training images on the fly.

    windows   where a tracker cuts        scenes   what stands before the face
    settings  how often, how far          sensors  light, lens, noise, compression

Two pictures of one moment share their scene and differ in their sensor: that is what a network must
not be shaken by.
"""

from __future__ import annotations

from engine.training.augment.scenes import scene
from engine.training.augment.sensors import sensor
from engine.training.augment.settings import AugmentSettings
from engine.training.augment.windows import random_crop, window

__all__ = ["AugmentSettings", "random_crop", "scene", "sensor", "window"]
