"""The one place where Qt meets the engine: polls the session's slot, and passes wishes on."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.chores import Chores
from engine import config as configuration
from engine.capture.player import Player
from engine.config import Choice, Config, source_choice
from engine.errors import ConfigError, PersonError, TakeError
from engine.fit.person import PersonCalibration
from engine.history import History
from engine.people import People
from engine.profiles import set_aside
from engine.recording.microphone import Level
from engine.recording.studio import takes_folder
from engine.session import Session
from engine.status import State
from engine.trial import Trial

_DISPLAY_PERIOD_MS = 16
_STATUS_PERIOD_MS = 250
_SAVE_AFTER_MS = 400
_DRAWING_SHARE = 4  # a frame is drawn in at most a quarter of the time, the tracker needs the rest
_log = logging.getLogger(__name__)


class Bridge(QObject):
    """Polls at display rate: the session's slot keeps only the newest result for the window.

    chores, exports  slow work, short and long
    session        not yet started
    settings_path  where the user's choices are kept; None keeps them nowhere
    """

    tracked = Signal(object, object)  # Frame, TrackResult
    previewed = Signal(object)  # Frame of a camera whose tracker is still being made
    status_changed = Signal(object)  # SessionStatus
    configured = Signal(object)  # Config, whenever a part of it has been exchanged
    calibration_asked = Signal()  # by remote control

    def __init__(self, session: Session, settings_path: Path | None) -> None:
        super().__init__()
        self._session, self._settings_path = session, settings_path
        self._frames, self._status = QTimer(self), QTimer(self)
        self._least_period_ms = _DISPLAY_PERIOD_MS
        self.chores, self.exports = Chores("chores", self), Chores("exports", self)
        self._camera: Choice | None = None  # while a take is played instead
        self._frames.setInterval(_DISPLAY_PERIOD_MS)
        self._status.setInterval(_STATUS_PERIOD_MS)
        self._saving = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._unsaved: dict[str, Any] = {}
        self._told = session.config
        self._saving.timeout.connect(self._save)
        self._frames.timeout.connect(self._poll)
        self._status.timeout.connect(self._report)

    @property
    def config(self) -> Config:
        """What the session was last asked to be."""
        return self._session.config

    @property
    def profiles_folder(self) -> Path | None:
        """Where profiles are kept: beside the settings; None for the user's own place."""
        return None if self._settings_path is None else self._settings_path.parent / "profiles"

    @property
    def history(self) -> History:
        """The last minute of results: of every frame, also of those that were not shown."""
        return self._session.history

    def start(self) -> None:
        """Start the session, which builds itself on a thread of the engine."""
        self._session.start()
        self._frames.start()
        self._status.start()
        self._report()

    def change(self, **parts: Any) -> None:
        """Exchange parts of the configuration, and keep them for the next start.

        parts  fields of Config
        """
        self._session.apply(replace(self._session.config, **parts))
        self._tell()
        self._report()
        played = "source" in parts and parts["source"].kind == "take"  # a step may lead there
        self._unsaved |= {name: parts[name] for name in parts if not (played and name == "source")}
        if parts.keys() == {"shapes"}:
            self._saving.start()  # a slider moves faster than a file is written
        else:
            self._save()

    def _save(self) -> None:
        self._saving.stop()
        parts, self._unsaved = self._unsaved, {}
        if self._settings_path is None or not parts:
            return
        try:
            # Only what was changed here is kept, not what the command line asked for.
            kept = self._kept(self._settings_path)
            configuration.save(replace(kept, **parts), self._settings_path)
        except OSError as error:
            _log.warning("settings not saved: %s", error)

    def _kept(self, path: Path) -> Config:
        if not path.is_file():
            return configuration.default()
        try:
            return configuration.load(path)
        except ConfigError as error:
            _log.warning("%s; the file is kept as %s", error, set_aside(path))
            return configuration.default()

    @property
    def running(self) -> bool:
        """Whether it is to track: false once the user has stopped it, or a video has ended."""
        return self._session.status().state.active

    def pause(self) -> None:
        """Let go of the camera and the receivers."""
        self._session.pause()
        self._report()

    def resume(self) -> None:
        """Track again."""
        self._session.resume()
        self._report()

    @property
    def takes_folder(self) -> Path:
        """Where takes are kept."""
        return takes_folder(self._session.config.recording)

    def begin_take(self, slate: str) -> None:
        """Record. Raises TakeError before the session is started."""
        self._session.studio.begin(slate)
        self._report()

    def end_take(self) -> None:
        """Record no more; the status tells when the take is complete."""
        self._session.studio.end()
        self._report()

    def listen(self, on: bool) -> None:
        """Open the sound device for the meter and the pre-roll, or let it go."""
        try:
            studio = self._session.studio
        except TakeError:
            return
        studio.listen() if on else studio.hush()

    @property
    def level(self) -> Level | None:
        """Of the sound just heard; None without sound."""
        try:
            return self._session.studio.level
        except TakeError:
            return None

    @property
    def playing(self) -> Path | None:
        """The take that is played instead of the camera."""
        source = self._session.config.source
        return Path(source.settings.path) if source.kind == "take" else None

    @property
    def kept(self) -> Config:
        """The configuration to keep in a profile: with the camera, not what is played."""
        config = self._session.config
        played = self.playing is not None and self._camera is not None
        return replace(config, source=self._camera) if played else config

    def play(self, take: Path) -> None:
        """Play a take in the camera's place, until `end_playing`; not kept for the next start."""
        if self.playing is None:
            self._camera = self._session.config.source
        self._show_source(source_choice("take", path=str(take), hold=True, sound=True))

    @property
    def player(self) -> Player | None:
        """The controls of the video or take that is played; None for a camera."""
        return self._session.player

    def end_playing(self) -> None:
        """Go back to the camera."""
        if self.playing is not None and self._camera is not None:
            self._show_source(self._camera)

    def _show_source(self, source: Choice) -> None:
        stopped = self._session.status().state is State.STOPPED
        self._session.apply(replace(self._session.config, source=source))
        if stopped:
            self._session.resume()
        self.configured.emit(self._session.config)
        self._report()

    def test_output(self, choice: Choice) -> Trial:
        """Send a made-up performance to one output; the answer tells how it goes."""
        return self._session.test_output(choice)

    @property
    def centred(self) -> bool:
        """Whether the head pose that is sent has been recentred."""
        return self._session.centre.set

    def recentre(self, on: bool = True) -> None:
        """Take the present head pose as straight ahead, or the camera again."""
        if on:
            self._session.centre.here()
        else:
            self._session.centre.reset()

    def keep_person(self, name: str, calibration: PersonCalibration) -> None:
        """Keep the person in front of the camera, and expect them at the next start.

        Raises PersonError if that is not possible.
        """
        self._session.keep_person(name, calibration)
        self.change(tracker=self._session.config.tracker)

    def calibration_of(self, name: str) -> PersonCalibration | None:
        """Return how a person is read so far; None if nobody of that name is known."""
        try:
            return People().load(name).calibration
        except PersonError:
            return None

    def drawn(self, milliseconds: float) -> None:
        """Take note of the time that drawing takes; slow graphics are asked less often."""
        period_ms = max(self._least_period_ms, round(_DRAWING_SHARE * milliseconds))
        if abs(period_ms - self._frames.interval()) > 2:
            self._frames.setInterval(period_ms)

    @property
    def display_period_ms(self) -> int:
        """How often the window asks for a new picture."""
        return self._frames.interval()

    def limit_preview(self, rate_hz: float) -> None:
        """Show at most so many pictures a second; what is tracked and sent stays as fast."""
        self._least_period_ms = max(_DISPLAY_PERIOD_MS, round(1000 / rate_hz))
        self._frames.setInterval(self._least_period_ms)

    def stop(self) -> None:
        """End the session; waits for its threads."""
        self._save()
        self._frames.stop()
        self._status.stop()
        self.chores.stop()
        self.exports.stop()
        try:
            self._session.stop()
        except TimeoutError as error:
            _log.error("%s", error)

    def _poll(self) -> None:
        frame = self._session.seen.poll()
        item = self._session.latest.poll()
        if item is not None:
            self.tracked.emit(*item)
        elif frame is not None:
            self.previewed.emit(frame)

    def _tell(self) -> None:
        self._told = self._session.config
        self.configured.emit(self._told)

    def _report(self) -> None:
        if self._session.config is not self._told:  # changed by remote control
            self._tell()
        if self._session.calibration_asked.poll():
            self.calibration_asked.emit()
        self.status_changed.emit(self._session.status())
