"""The built-in demonstration clip, played as if it came from a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.capture.video import VideoReader
from engine.resources import RESOURCES, checked
from engine.settings import setting

CLIP = RESOURCES / "demo" / "demo.mp4"


@dataclass(frozen=True)
class Settings:
    """How the clip is played."""

    loop: bool = setting(True, "Start again at the end.")
    field_of_view_deg: float = setting(
        60.0, "Assumed angle of view across the longer side.", minimum=5.0, maximum=170.0
    )


def create(settings: Settings) -> VideoReader:
    """Open the clip. Raises AssetError if it is absent or damaged."""
    return VideoReader(
        checked(CLIP),
        paced=True,
        loop=settings.loop,
        field_of_view_rad=float(np.deg2rad(settings.field_of_view_deg)),
        live=True,
    )


def find() -> list[str]:
    """Return the one demonstration."""
    return ["demo"]
