"""Slow work for the window: handed to a thread of the engine, its result brought back to Qt's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from engine.errands import Errand, Errands

_LOOK_MS = 40
Then = Callable[[Errand], object]


class Chores(QObject):
    """Looks for what is done only while something is waited for.

    name  of the thread
    """

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._errands, self._stopped = Errands(name), False
        self._waiting: list[tuple[Errand, Then, Then]] = []
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)

    def do(
        self, call: Callable[[Errand], Any], then: Then, meanwhile: Then = lambda errand: None
    ) -> Errand:
        """Queue a call.

        then       gets the errand on Qt's thread when it is over, however it went
        meanwhile  gets it now and then until it is
        """
        errand = self._errands.do(call)
        if not self._stopped:
            self._waiting.append((errand, then, meanwhile))
            self._timer.start()
        return errand

    @property
    def idle(self) -> bool:
        """Whether nothing is waited for."""
        return not self._waiting

    def stop(self) -> None:
        """Drop what waits; nothing is called back any more."""
        self._stopped = True
        self._timer.stop()
        self._waiting = []
        self._errands.close()

    def _look(self) -> None:
        before, self._waiting = self._waiting, []
        over = [one for one in before if one[0].done]
        self._waiting = [one for one in before if one not in over]
        if not self._waiting:
            self._timer.stop()
        for errand, _, meanwhile in self._waiting.copy():
            meanwhile(errand)
        for errand, then, _ in over:
            then(errand)
