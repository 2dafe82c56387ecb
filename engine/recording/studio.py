"""Records takes for a session: listens, remembers the pre-roll, begins and ends takes on wish.

All commands return at once; a thread of its own carries them out, since making files, closing
encoders and adding up checksums takes time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from engine import clock
from engine.errors import FlowFaceError, SourceError, TakeError
from engine.fit.heads import HeadModel
from engine.mailbox import Backlog
from engine.recording.film import Sound
from engine.recording.microphone import Level, Microphone
from engine.recording.recording import (
    STOP_TIMEOUT_S,
    Recording,
    RecordingStatus,
    Reels,
    make_folder,
)
from engine.recording.settings import RecordSettings, SoundSettings
from engine.recording.take import TakeInfo
from engine.types import Frame, TrackResult
from engine.user_data import user_data_folder
from engine.worker import Worker

_WAITING_COMMANDS = 16
_POLL_S = 0.01
_log = logging.getLogger(__name__)


class Begin(NamedTuple):
    """The wish to begin a take."""

    slate: str
    notes: str
    take: int


class End(NamedTuple):
    """The wish to end it."""

    why: str


class Leave(NamedTuple):
    """The graph is about to stop."""


class Retune(NamedTuple):
    """Bring microphone and pre-roll in line with what is wished."""


@dataclass(frozen=True)
class StudioStatus:
    """What is being recorded."""

    recording: RecordingStatus | None = None  # None between takes
    level: Level | None = None  # None without sound
    finished: Path | None = None  # the take that was completed last
    error: str | None = None  # why the last wish failed, or the take ended
    sound_error: str | None = None  # why there is no sound


@dataclass(frozen=True)
class Stage:
    """What a running session tells the studio.

    head     the model that is fitted
    about    what take.yaml shall say of source, tracker and settings
    rate     nominal frames a second
    counts   (dropped by the camera, dropped by the tracker) so far
    """

    head: Callable[[], HeadModel]
    about: Callable[[], TakeInfo]
    rate: float
    counts: Callable[[], tuple[int, int]]


class Studio:
    """One for a session; frames and results are offered by its threads.

    settings, sound  see there; later changed with `set`
    """

    def __init__(self, settings: RecordSettings, sound: SoundSettings) -> None:
        self._settings, self._sound = settings, sound
        self._stage: Stage | None = None
        self._reels: Reels | None = None
        self._recording: Recording | None = None
        self._microphone: Microphone | None = None
        self._heard_with = sound
        self._listening = False
        self._counts_before = (0, 0)
        self._finished: Path | None = None
        self._error: str | None = None
        self._sound_error: str | None = None
        self._commands: Backlog[Begin | End | Leave | Retune] = Backlog(_WAITING_COMMANDS)
        self._worker = Worker("takes", self._commands, self._obey, self._finish)

    def set(self, settings: RecordSettings, sound: SoundSettings) -> None:
        """Exchange the settings; a take in the making keeps its own."""
        if (settings, sound) != (self._settings, self._sound):
            self._settings, self._sound = settings, sound
            self._commands.put(Retune())

    def enter(self, stage: Stage) -> None:
        """Begin to remember the pre-roll of a session's graph."""
        self._stage = stage
        self._reels = Reels(stage.rate, self._settings.pre_roll_s)

    def leave(self) -> None:
        """End the take in the making, and wait for it: the graph is about to stop."""
        if self._stage is None or not self._commands.put(Leave()):
            return
        until_ns = clock.now_ns() + round(STOP_TIMEOUT_S * clock.NS_PER_S)
        while not self.idle and self._worker.alive and clock.now_ns() < until_ns:
            time.sleep(_POLL_S)

    @property
    def idle(self) -> bool:
        """Whether there is no session to record."""
        return self._stage is None

    def offer_frame(self, frame: Frame) -> None:
        """Take a picture from the capture thread; never blocks."""
        if (reels := self._reels) is not None:
            reels.pictures.put(frame)

    def offer_result(self, result: TrackResult) -> None:
        """Take a result from the tracker thread; never blocks."""
        if (reels := self._reels) is not None:
            reels.results.put(result)

    def begin(self, slate: str, notes: str = "", take: int = 1) -> None:
        """Begin a take with the next free number from `take` on; returns at once."""
        self._error = None
        self._commands.put(Begin(slate, notes, take))

    def end(self) -> None:
        """End the take; returns at once."""
        self._commands.put(End(""))

    def listen(self) -> None:
        """Open the sound device, for the meter and the pre-roll; returns at once."""
        self._listening = True
        self._commands.put(Retune())

    def hush(self) -> None:
        """Let the sound device go, unless a take needs it; returns at once."""
        self._listening = False
        self._commands.put(Retune())

    @property
    def level(self) -> Level | None:
        """Of the sound just heard; None without sound."""
        microphone = self._microphone
        return None if microphone is None else microphone.level

    def close(self, timeout_s: float) -> bool:
        """End everything; False if that hangs."""
        self._commands.close()
        return self._worker.join(timeout_s)

    def status(self) -> StudioStatus:
        """Return a snapshot."""
        recording = self._recording
        return StudioStatus(
            recording=None if recording is None else recording.status(),
            level=self.level,
            finished=self._finished,
            error=self._error,
            sound_error=self._sound_error,
        )

    def _on_full(self, why: str) -> None:
        self._commands.put(End(why))

    def _offer_sound(self, sound: Sound) -> None:
        if (reels := self._reels) is not None:
            reels.sounds.put(sound)

    def _obey(self, command: Begin | End | Leave | Retune) -> None:
        try:
            if isinstance(command, Begin):
                self._begin(command)
            elif isinstance(command, End):
                self._end(command.why)
            elif isinstance(command, Retune):
                self._retune()
            else:
                self._leave()
        except (FlowFaceError, OSError, TimeoutError) as error:
            _log.warning("%s", error)
            self._error = str(error)

    def _begin(self, wish: Begin) -> None:
        stage, reels = self._stage, self._reels
        if self._recording is not None:
            raise TakeError("a take is being recorded already")
        if stage is None or reels is None:
            raise TakeError("nothing to record: the session does not run")
        self._error = None
        self._open_microphone()
        folder, number = make_folder(takes_folder(self._settings), wish.slate, wish.take)
        info = replace(
            stage.about(),
            slate=wish.slate,
            take=number,
            notes=wish.notes,
        )
        timecode = replace(
            info.timecode,
            source=self._settings.timecode,
            rate=self._settings.timecode_rate or info.timecode.rate,
        )
        info = replace(info, timecode=timecode)
        self._counts_before = stage.counts()
        sound = None if self._microphone is None else self._microphone.format
        self._recording = Recording(
            folder,
            info,
            stage.head(),
            reels,
            sound,
            self._settings,
            self._on_full,
            self._sound.ltc_channel,
        )

    def _end(self, why: str) -> None:
        recording, stage = self._recording, self._stage
        if recording is None:
            return
        self._recording = None
        if stage is not None:
            self._reels = Reels(stage.rate, self._settings.pre_roll_s)
        camera, tracker = stage.counts() if stage is not None else self._counts_before
        recording.stop(
            dropped_by_camera=camera - self._counts_before[0],
            dropped_by_tracker=tracker - self._counts_before[1],
        )
        self._finished, self._error = recording.folder, why or None
        self._retune()

    def _retune(self) -> None:
        if self._recording is not None:
            return
        if self._microphone is not None and not (
            self._listening and self._sound.on and self._heard_with == self._sound
        ):
            self._microphone.close()
            self._microphone = None
        if self._listening:
            self._open_microphone()
        stage, reels = self._stage, self._reels
        wished_s = self._settings.pre_roll_s
        if stage is not None and reels is not None and reels.pre_roll_s != wished_s:
            self._reels = Reels(stage.rate, wished_s)

    def _open_microphone(self) -> None:
        """Open the sound device if it is not open. No device is no obstacle."""
        self._sound_error = None
        if self._microphone is not None or not self._sound.on:
            return
        try:
            self._microphone = Microphone(self._sound, self._offer_sound)
            self._heard_with = self._sound
        except SourceError as error:
            self._sound_error = str(error)
            _log.info("%s", error)

    def _leave(self) -> None:
        try:
            self._end("")
        finally:
            self._reels = self._stage = None

    def _finish(self) -> None:
        try:
            self._end("")
        finally:
            if self._microphone is not None:
                self._microphone.close()
                self._microphone = None


def takes_folder(settings: RecordSettings) -> Path:
    """Return where takes are kept."""
    return Path(settings.folder) if settings.folder else user_data_folder() / "takes"
