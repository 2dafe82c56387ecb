"""The picture before there is a tracker: a camera is watched while the network loads."""

from __future__ import annotations

from engine.capture.sources import Returning, Source
from engine.errors import SourceError
from engine.mailbox import Slot
from engine.types import Frame
from engine.worker import Worker

_PATIENCE_S = 5.0


class Preview:
    """Reads a source, on a thread of its own, until it is told to leave it to somebody else.

    seen  where the newest frame is put
    """

    def __init__(self, source: Source, seen: Slot[Frame]) -> None:
        self._source, self._over = source, False
        if isinstance(source, Returning):
            source.waiting = lambda: not self._over
        self._worker: Worker[Frame] = Worker("preview", self, seen.put)

    def take(self) -> Frame | None:
        """Read the source, for the thread."""
        return None if self._over else self._source.take()

    def close(self) -> None:
        """End with the next frame; the source stays open."""
        self._over = True

    def stop(self) -> SourceError | None:
        """End, and wait for it; returns what became of the source, None if it is well."""
        self.close()
        name = self._source.name
        if not self._worker.join(_PATIENCE_S):
            return SourceError(f"{name}: no picture for {_PATIENCE_S:.0f} s")
        error = self._worker.error
        if error is None or isinstance(error, SourceError):
            return error
        return SourceError(f"{name}: cannot be read ({error})")
