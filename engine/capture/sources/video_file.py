"""A video file: mp4, mpg, gif, mkv, webm and what else FFmpeg reads; or a folder of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.capture.video import VideoReader
from engine.settings import setting


@dataclass(frozen=True)
class Settings:
    """Which file, and how fast."""

    path: str = setting("", "The video file, or a folder of numbered pictures.")
    rate: float | None = setting(
        None, "Pictures a second of a folder; a file states its own.", minimum=0.1, maximum=1000.0
    )
    paced: bool = setting(True, "Play at the recorded speed; otherwise as fast as possible.")
    loop: bool = setting(False, "Start again at the end.")
    first: int = setting(0, "Begin with this picture, counted from 0.", minimum=0)
    max_frames: int | None = setting(None, "End after so many frames.", minimum=1)
    field_of_view_deg: float = setting(
        60.0, "Assumed angle of view across the longer side.", minimum=5.0, maximum=170.0
    )


def create(settings: Settings) -> VideoReader:
    """Open the file. Raises SourceError if it is absent or no video."""
    return VideoReader(
        Path(settings.path),
        paced=settings.paced,
        loop=settings.loop,
        max_frames=settings.max_frames,
        first=settings.first,
        rate=settings.rate,
        field_of_view_rad=float(np.deg2rad(settings.field_of_view_deg)),
        live=settings.paced,
    )


def find() -> list[str]:
    """Return nothing: files are named, not found."""
    return []
