"""Tries an output while the session runs: sends it the sweep of engine/sweep.py instead."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine import clock, sweep
from engine.fit.heads import HeadModel
from engine.outputs import Sink
from engine.types import TrackResult
from engine.worker import Worker

RATE = 30.0
_PATIENCE_S = 5.0  # looking a host name up cannot be cut short


class Trial:
    """Opens an output, sends the sweep and closes it, all on a thread of its own.

    open_sink  makes the output
    load_head  loads the model whose neutral shape is sent by outputs that send points
    ended      called at the end, on that thread
    """

    def __init__(
        self,
        open_sink: Callable[[], Sink],
        load_head: Callable[[], HeadModel],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._open, self._load, self._ended = open_sink, load_head, ended
        self._sink: Sink | None = None
        self._head: HeadModel | None = None
        self.sent, self._over, self._started_ns = 0, False, 0
        self._worker: Worker[TrackResult] = Worker("output test", self, self._send, self._finish)

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._worker.alive

    @property
    def error(self) -> str | None:
        """What ended it early."""
        error = self._worker.error
        return None if error is None else str(error) or type(error).__name__

    def take(self) -> TrackResult | None:
        """Wait for the time of the next frame and make it, for the thread."""
        if self._over or self.sent == round(sweep.SECONDS * RATE):
            return None
        if self._sink is None or self._head is None:
            self._sink, self._head = self._open(), self._load()
            self._started_ns = clock.now_ns()
        at_s = self.sent / RATE
        due_ns = self._started_ns + round(at_s * clock.NS_PER_S)
        time.sleep(max(0, due_ns - clock.now_ns()) / clock.NS_PER_S)
        return sweep.frame(self._head, at_s, self.sent, clock.now_ns())

    def close(self) -> None:
        """End it; returns at once."""
        self._over = True

    def stop(self) -> bool:
        """End it and wait; False if it hangs."""
        self.close()
        return self._worker.join(_PATIENCE_S)

    def _send(self, result: TrackResult) -> None:
        assert self._sink is not None
        self._sink.send(result)
        self.sent += 1

    def _finish(self) -> None:
        if self._sink is not None:
            self._sink.close()
        self._ended()
