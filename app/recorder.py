"""The record button's other half: counts down, begins and ends takes, and knows how it goes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from app.bridge import Bridge
from engine.errors import TakeError
from engine.recording.recording import check_slate, next_number
from engine.status import SessionStatus

_SLATE, _USUAL_SLATE = "takes/slate", "Scene"


class Phase(Enum):
    """Where a take in the making is."""

    IDLE = "idle"
    COUNTING = "counting"
    RECORDING = "recording"
    SAVING = "saving"


class Recorder(QObject):
    """Follows the session's status, since all its commands return at once.

    left     seconds left of the countdown
    seconds  length of the take so far
    warning  what goes wrong while it goes on
    problem  why the last wish failed, or the take ended
    """

    changed = Signal()
    finished = Signal(object)  # folder of a take that is complete

    def __init__(self, bridge: Bridge, memory: QSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._memory = bridge, memory
        self.phase, self.left, self.seconds = Phase.IDLE, 0, 0.0
        self.warning = self.problem = self.sound_problem = ""
        self._slate = str(memory.value(_SLATE, _USUAL_SLATE))
        self._finished: Path | None = None
        self._asked = False
        self._second = QTimer(self, interval=1000)
        self._second.timeout.connect(self._count)
        bridge.status_changed.connect(self._on_status)

    @property
    def slate(self) -> str:
        """What the next take is filed under."""
        return self._slate

    def set_slate(self, slate: str) -> None:
        """File the next take under another name, and remember it if a folder can have it."""
        self._slate = slate.strip()
        try:
            check_slate(self._slate)
        except TakeError as error:
            self.problem = str(error)
        else:
            self.problem = ""
            self._memory.setValue(_SLATE, self._slate)
        self.changed.emit()

    @property
    def next_take(self) -> int:
        """The number that the next take will get."""
        return next_number(self._bridge.takes_folder, self._slate)

    def toggle(self) -> None:
        """Record, end the take, or call off the countdown."""
        if self.phase is Phase.COUNTING:
            self._second.stop()
            self._enter(Phase.IDLE)
        elif self.phase is Phase.RECORDING:
            self._bridge.end_take()
            self._enter(Phase.SAVING)
        elif self.phase is Phase.IDLE:
            self._record()

    def stop(self) -> None:
        """Call off the countdown: the window is closed."""
        self._second.stop()

    def _record(self) -> None:
        if self._bridge.playing is not None:
            self.problem = self.tr("A take is being played. Go back to the camera to record.")
            self.changed.emit()
            return
        self.problem, self.left = "", self._bridge.config.recording.countdown_s
        if self.left > 0:
            self._second.start()
            self._enter(Phase.COUNTING)
        else:
            self._begin()

    def _count(self) -> None:
        self.left -= 1
        if self.left > 0:
            self.changed.emit()
            return
        self._second.stop()
        self._begin()

    def _begin(self) -> None:
        self.seconds, self._asked, self.phase = 0.0, True, Phase.RECORDING
        try:
            self._bridge.begin_take(self._slate)
        except TakeError as error:
            self.problem = str(error)
            self._enter(Phase.IDLE)
        else:
            self._enter(Phase.RECORDING)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.changed.emit()

    def _on_status(self, status: SessionStatus) -> None:
        takes = status.takes
        if takes is None:
            return
        before, recording = self.phase, takes.recording
        self.sound_problem, self.warning = takes.sound_error or "", ""
        if recording is not None:
            self._asked, self.seconds = False, recording.seconds
            self.warning = recording.error or recording.warning
            if self.phase is Phase.IDLE:
                self.phase = Phase.RECORDING
        elif self.phase is Phase.RECORDING and not self._asked:
            self.phase = Phase.SAVING  # the disk or the end of the video has ended it
        over = takes.finished != self._finished
        if over or (takes.error and before is not Phase.COUNTING):
            self.problem = takes.error or self.problem
            if recording is None and self.phase is not Phase.COUNTING:
                self.phase, self._asked = Phase.IDLE, False
        if over:
            self._finished = takes.finished
            self.finished.emit(takes.finished)
        self.changed.emit()
