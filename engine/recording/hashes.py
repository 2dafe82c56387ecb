"""Checksums of a take's streams."""

from __future__ import annotations

from pathlib import Path

from engine.recording.film import FILM_FILE
from engine.recording.frame_times import FRAMES_FILE
from engine.recording.take import TRACKING_FILE, Asset
from engine.resources import sha256

STREAMS = (FILM_FILE, FRAMES_FILE, TRACKING_FILE)


def stream_hashes(folder: Path) -> tuple[Asset, ...]:
    """Return name and checksum of every stream that is there."""
    return tuple(
        Asset(name, sha256(folder / name)) for name in STREAMS if (folder / name).is_file()
    )
