"""Slow work that somebody waits for elsewhere, one after the other on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.errors import FlowFaceError
from engine.mailbox import Backlog
from engine.worker import Worker

_WAITING = 4096
_BROKE_OFF = "broke off; the log tells why"
_PATIENCE_S = 60.0  # mending a take is not cut short


class Unwanted(Exception):  # noqa: N818 - not an error
    """Whoever asked has changed their mind."""


class Errand:
    """One call; ask `done` from any thread.

    call  is handed this errand, for `progress`
    """

    def __init__(self, call: Callable[[Errand], Any]) -> None:
        self.call = call
        self.share, self.unwanted, self.done = 0.0, False, False
        self.result: Any = None
        self.error: str | None = None  # why there is no result

    def progress(self, share: float) -> None:
        """Note how much is done, [0, 1]. Raises Unwanted once `drop` was called."""
        self.share = share
        if self.unwanted:
            raise Unwanted

    def drop(self) -> None:
        """Give it up: at once if it has not begun, else when it next notes its progress."""
        self.unwanted = True


class Errands:
    """Starts its thread with the first errand; a defect in one is told by it and ends no other."""

    def __init__(self, name: str) -> None:
        self._name, self._closed = name, False
        self._waiting: list[Errand] = []
        self._queue: Backlog[Errand] = Backlog(_WAITING)
        self._worker: Worker[Errand] | None = None

    def do(self, call: Callable[[Errand], Any]) -> Errand:
        """Queue a call; returns at once."""
        errand = Errand(call)
        if self._worker is not None and not self._worker.alive and not self._closed:
            self._queue, self._worker = Backlog(_WAITING), None  # a defect has ended it
        if self._closed or not self._queue.put(errand):
            errand.unwanted = errand.done = True
            return errand
        self._waiting = [*(one for one in self._waiting if not one.done), errand]  # to be dropped
        if self._worker is None:
            self._worker = Worker(self._name, self._queue, _carry_out, self._give_up)
        return errand

    def _give_up(self) -> None:
        """Tell those who wait behind a defect that it has taken them along; the thread's last."""
        self._queue.close()
        while (errand := self._queue.take()) is not None:
            errand.error, errand.done = _BROKE_OFF, True

    def close(self) -> bool:
        """Drop what waits and end the thread; False if it hangs."""
        self._closed = True
        for errand in self._waiting:
            errand.drop()
        self._queue.close()
        return self._worker is None or self._worker.join(_PATIENCE_S)


def _carry_out(errand: Errand) -> None:
    errand.error = _BROKE_OFF
    try:
        if not errand.unwanted:
            errand.result = errand.call(errand)
        errand.error = None
    except Unwanted:
        errand.error = None
    except (FlowFaceError, OSError) as error:
        errand.error = str(error)
    finally:
        errand.done = True
