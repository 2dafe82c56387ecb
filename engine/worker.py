"""The only maker of threads: one class runs every thread of the program."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

from engine.mailbox import Mailbox

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Worker(Generic[T]):
    """Calls `handle` with each item, on a thread of its own; `stop` raises what `handle` raised.

    name      of the thread, shown in status and in messages
    mailbox   where items come from; None from `take` ends the thread
    handle    called with every item
    finish    called on the same thread when the stream has ended, also after an error
    """

    def __init__(
        self,
        name: str,
        mailbox: Mailbox[T],
        handle: Callable[[T], None],
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self._mailbox, self._handle, self._finish = mailbox, handle, finish
        self.error: Exception | None = None
        self._thread = Thread(target=self._run, name=name)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            try:
                while (item := self._mailbox.take()) is not None:
                    self._handle(item)
            finally:
                self._finish()
        except Exception as error:  # noqa: BLE001 - the thread boundary, the one broad except
            _log.exception("%s stopped", self._thread.name)
            self.error = error

    def join(self, timeout_s: float) -> bool:
        """Wait for the stream to end by itself; True if the thread has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Close the mailbox and wait for the thread.

        Raises TimeoutError with the thread's name if it hangs, or the error that ended it.
        """
        self._mailbox.close()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(f"{self._thread.name} did not stop within {timeout_s:.0f} s")
        if self.error is not None:
            raise self.error
