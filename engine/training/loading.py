"""Makes batches on threads of their own, a few ahead of the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.mailbox import Backlog
from engine.training.batches import Batch, BatchMaker
from engine.training.render.ring import RenderedStream
from engine.worker import Worker

_BATCHES_AHEAD = 4


@dataclass(frozen=True)
class BatchRange:
    """Which batches a run wants."""

    seed: int
    pairs: int  # in a batch
    steps: int
    fresh: int  # pictures rendered anew for each step and stream; 0 takes what is ready


class _Steps:
    """The mailbox of a loading thread: every `stride`-th step number until closed."""

    def __init__(self, first: int, last: int, stride: int) -> None:
        self._next, self._last, self._stride, self._closed = first, last, stride, False

    def take(self) -> int | None:
        if self._closed or self._next >= self._last:
            return None
        self._next += self._stride
        return self._next - self._stride

    def close(self) -> None:
        self._closed = True


class Loader:
    """A thread that makes every `stride`-th batch from `first` on, a few ahead.

    live  streams that it refreshes before each batch
    """

    def __init__(
        self,
        maker: BatchMaker,
        wanted: BatchRange,
        first: int,
        stride: int,
        live: Sequence[RenderedStream],
    ) -> None:
        self._maker, self._wanted, self._live = maker, wanted, live
        self._steps = _Steps(first, wanted.steps, stride)
        self._ready: Backlog[Batch] = Backlog(_BATCHES_AHEAD)
        self._worker = Worker("loader", self._steps, self._load, finish=self._ready.close)

    def _load(self, step: int) -> None:
        for stream in self._live:
            if self._wanted.fresh:
                stream.advance(self._wanted.fresh)
            else:
                stream.refresh()
        batch = self._maker.make(self._wanted.seed, step, self._wanted.pairs)
        if not self._ready.put_waiting(batch):
            self._steps.close()

    def take(self) -> Batch | None:
        """Return the next batch, waiting for it; None after the last one."""
        return self._ready.take()

    def stop(self) -> None:
        """End the thread. Raises what ended it before."""
        self._ready.close()
        self._worker.stop(timeout_s=30.0)
