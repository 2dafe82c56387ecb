"""A take, played again as if it came from its camera: pictures, and what was found in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import clock
from engine.capture.video import VideoReader
from engine.errors import SourceError, TakeError
from engine.recording.film import FILM_FILE
from engine.recording.frame_times import read_frame_times
from engine.recording.loudspeaker import Loudspeaker
from engine.recording.reader import Take, read_take
from engine.settings import setting
from engine.types import Camera, Frame


@dataclass(frozen=True)
class Settings:
    """Which take, and how it is played."""

    path: str = setting("", "Folder of the take.")
    loop: bool = setting(False, "Start again at the end.")
    paced: bool = setting(True, "As fast as it was recorded; else as fast as possible.")
    hold: bool = setting(False, "Wait at the end, for somebody who winds back.")
    sound: bool = setting(False, "Let its sound be heard.")


class TakeSource:
    """A Source (engine.capture.sources) of the frames that have a result.

    folder  of a finished take with a film
    Raises TakeError if it has none, or is damaged.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.recorded: Take = read_take(folder)
        index, captured_ns = read_frame_times(folder, whole=True)
        self.name = folder.name
        info = self.recorded.info
        self._reader = VideoReader(
            folder / FILM_FILE,
            paced=settings.paced,
            loop=settings.loop,
            field_of_view_rad=float(np.deg2rad(60.0)),
            live=False,  # nothing is lost: receivers get every value that was recorded
        )
        self.player, self._last = self._reader.player, -1
        self.player.hold = settings.hold
        self._sound: Loudspeaker | None = None
        if settings.sound and info.sound is not None:
            self._sound = Loudspeaker(folder / FILM_FILE, self.player)
        self._indices, self._tracked = index, set(self.recorded.frame_index.tolist())
        self._shown_s = (captured_ns - captured_ns[0]) / clock.NS_PER_S
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
            index = self._index_at(self._reader.position_s)
            back, self._last = index < self._last, index
            if index in self._tracked:
                return Frame(frame.image, index, frame.captured_ns, frame.passage)
            if not self.player.playing:
                self.player.step(-1 if back else 1)  # there is nothing to be shown of this one
        if self._sound is not None:
            self._sound.close()
        return None

    def _index_at(self, position_s: float) -> int:
        after = int(np.searchsorted(self._shown_s, position_s))
        near = range(max(after - 1, 0), min(after + 1, len(self._shown_s)))
        return int(self._indices[min(near, key=lambda at: abs(self._shown_s[at] - position_s))])

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
