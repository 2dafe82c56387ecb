"""Whether the tracker follows what is no face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation.datasets import face_free
from engine.geometry import assumed_camera
from engine.types import Frame, Status


def run(
    folder: Path, maker: TrackerMaker, config: TrackerConfig, limit: int | None
) -> dict[str, Any]:
    """Show every face-free picture to a tracker that has no track. None may be followed."""
    camera = assumed_camera(*face_free.SIZE_PX)
    tracker = maker(config, camera)
    followed: list[str] = []
    shown = 0
    for picture in face_free.build(folder, limit or face_free.COUNT):
        result = tracker.step(Frame(picture.image, shown, shown * 33_000_000))
        shown += 1
        if result.status is Status.TRACKING:
            followed.append(picture.name)
            tracker = maker(config, camera)  # the next picture has no past either
    return {"pictures": shown, "false_tracks": len(followed), "names": followed}
