"""A take, played again as if it came from its camera: pictures, and what was found in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.capture.video import VideoReader
from engine.errors import SourceError, TakeError
from engine.recording.film import FILM_FILE
from engine.recording.frame_times import read_frame_times
from engine.recording.reader import Take, read_take
from engine.settings import setting
from engine.types import Camera, Frame


@dataclass(frozen=True)
class Settings:
    """Which take, and how it is played."""

    path: str = setting("", "Folder of the take.")
    loop: bool = setting(False, "Start again at the end.")
    paced: bool = setting(True, "As fast as it was recorded; else as fast as possible.")


class TakeSource:
    """A Source (engine.capture.sources) of the frames that have a result.

    folder  of a finished take with a film
    Raises TakeError if it has none, or is damaged.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.recorded: Take = read_take(folder)
        index, _ = read_frame_times(folder, whole=True)
        self.name = folder.name
        info = self.recorded.info
        self._reader = VideoReader(
            folder / FILM_FILE,
            paced=settings.paced,
            loop=settings.loop,
            field_of_view_rad=float(np.deg2rad(60.0)),
            live=False,  # nothing is lost: receivers get every value that was recorded
        )
        self._indices, self._tracked = index.tolist(), set(self.recorded.frame_index.tolist())
        if info.camera.intrinsics:
            self.camera = Camera(
                np.array(info.camera.intrinsics).reshape(3, 3),
                np.array(info.camera.distortion),
                (info.width_px, info.height_px),
                info.camera.name,
                info.camera.calibrated,
            )
        else:
            self.camera = self._reader.camera

    @property
    def live(self) -> bool:
        """Whether a frame that is not taken in time is lost: never."""
        return False

    @property
    def frame_rate(self) -> float:
        """Nominal frames a second."""
        return self.recorded.info.frame_rate

    def take(self) -> Frame | None:
        """Wait for the next frame; None at the end."""
        while (frame := self._reader.take()) is not None:
            index = self._indices[frame.index % len(self._indices)]
            if index in self._tracked:
                return Frame(frame.image, index, frame.captured_ns)
        return None

    def close(self) -> None:
        """Ask for the end."""
        self._reader.close()


def create(settings: Settings) -> TakeSource:
    """Open a take. Raises SourceError if it is none, not finished, or has no film."""
    folder = Path(settings.path)
    try:
        return TakeSource(folder, settings)
    except TakeError as error:
        raise SourceError(str(error)) from error


def find() -> list[str]:
    """Return nothing: takes are listed by engine.recording.library."""
    return []
