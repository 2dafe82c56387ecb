"""Makes batches beside the training, a few ahead: on one thread, or in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from engine.mailbox import Backlog
from engine.training.batches import Batch, BatchMaker
from engine.training.render.ring import RenderedStream
from engine.worker import Worker

_BATCHES_AHEAD = 4
_ROUND, _SHORTEST_ROUND = 240, 50  # batches
_LONGEST_S = 300.0  # that a batch may take; a process that hangs is an error
_HANDOVER = 12  # batches before its end that the next round begins


@dataclass(frozen=True)
class BatchRange:
    """Which batches a run wants."""

    seed: int
    pairs: int  # in a batch
    steps: int
    fresh: int  # pictures rendered anew for each step and stream; 0 takes what is ready


class _Steps:
    """The mailbox of the loading thread: one step number after the other until closed."""

    def __init__(self, first: int, last: int) -> None:
        self._next, self._last, self._closed = first, last, False

    def take(self) -> int | None:
        if self._closed or self._next >= self._last:
            return None
        self._next += 1
        return self._next - 1

    def close(self) -> None:
        self._closed = True


class Loader:
    """A thread that makes every batch from `first` on, a few ahead.

    live  streams that it refreshes before each batch
    """

    def __init__(
        self,
        maker: BatchMaker,
        wanted: BatchRange,
        first: int,
        live: Sequence[RenderedStream],
    ) -> None:
        self._maker, self._wanted, self._live = maker, wanted, live
        self._steps = _Steps(first, wanted.steps)
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


class ProcessLoader:
    """As Loader, in several processes: what one makes in Python, no other waits for.

    They begin as copies of this one, so pictures that are rendered meanwhile reach them in rounds:
    after some hundred batches others take over, which begin a little before.

    processes  at least one
    """

    def __init__(
        self,
        maker: BatchMaker,
        wanted: BatchRange,
        first: int,
        live: Sequence[RenderedStream],
        processes: int,
    ) -> None:
        self._batches, self._live, self._processes = _Batches(maker, wanted), live, processes
        self._step, self._first, self._last = first, first, wanted.steps
        self._end = first  # of the round
        self._round: Iterator[Batch] = iter(())
        self._following: Iterator[Batch] | None = None
        # The processes are the parallelism; and OpenCV's threads, which a copy lacks, would be
        # waited for there.
        self._opencv_threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        maker.make(wanted.seed, first, 1)  # what is compiled on first use goes to the copies, too

    def take(self) -> Batch | None:
        """Return the next batch, waiting for it; None after the last one."""
        for stream in self._live:
            stream.refresh()
        if self._step >= self._last:
            return None
        if self._following is None and self._step >= self._end - _HANDOVER:
            self._following = self._begin()
        if self._step == self._end and self._following is not None:
            self._round, self._following = self._following, None
            self._end = self._end_of_round(self._step)
        self._step += 1
        return next(self._round)

    def _end_of_round(self, begin: int) -> int:
        """Return where a round ends: the first ones, with few pictures, are short."""
        steps = min(_ROUND, _SHORTEST_ROUND + begin - self._first) if self._live else self._last
        return min(begin + steps, self._last)

    def _begin(self) -> Iterator[Batch]:
        forks = "fork" in multiprocessing.get_all_start_methods()
        return iter(
            DataLoader(
                self._batches,
                batch_size=None,
                sampler=range(self._end, self._end_of_round(self._end)),
                num_workers=self._processes,
                prefetch_factor=_BATCHES_AHEAD,
                pin_memory=torch.cuda.is_available(),
                timeout=_LONGEST_S,
                multiprocessing_context="fork" if forks else None,
            )
        )

    def stop(self) -> None:
        """End the processes."""
        self._round, self._following = iter(()), None
        cv2.setNumThreads(self._opencv_threads)


class _Batches(Dataset[Batch]):
    """Batches by the number of their step."""

    def __init__(self, maker: BatchMaker, wanted: BatchRange) -> None:
        self._maker, self._wanted = maker, wanted

    def __getitem__(self, step: int) -> Batch:
        return self._maker.make(self._wanted.seed, step, self._wanted.pairs)
