"""Renders while the network trains: processes that draw, and a ring of what they drew last.

Picture i of a source is always the same, whoever draws it: worker w of W draws the blocks w, w + W,
w + 2 W, ... of BLOCK pictures, and the ring takes them in the order of i. On a machine with a
graphics card every worker opens an OpenGL context on it, else Mesa's software rasteriser draws.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Protocol

from numpy.typing import NDArray

from engine.errors import BackendError

BLOCK = 3  # pictures that one worker draws in a row: of portraits, all of the same one
WAITING = 24  # pictures that may wait for the trainer, per worker
START_S, STOP_S = 180.0, 5.0
NICENESS = 10

Row = tuple[bytes, dict[str, NDArray]]  # a JPEG file and its labels, as a pack keeps them


class Source(Protocol):
    """Names what is to be drawn. It travels to the workers, so it holds no device."""

    @property
    def stream(self) -> str:
        """Return the letter of the stream: "a" or "b"."""
        ...

    @property
    def head_sha256(self) -> str:
        """Return the checksum of the head file."""
        ...

    def open(self) -> Callable[[int], Row]:
        """Open a device, in the worker, and return what draws picture i."""
        ...


@dataclass(frozen=True)
class HeadSource:
    """Stream (a): heads of one model file, rendered. Identity is labelled for `known` people."""

    head: Path
    data: Path
    seed: int
    held_out: bool = False
    known: bool = True
    stream: str = "a"

    @property
    def head_sha256(self) -> str:
        """Return the checksum of the head file."""
        from engine.resources import sha256

        return sha256(self.head)

    def open(self) -> Callable[[int], Row]:
        """Open a device and return what draws picture i."""
        # Here, because a worker starts by importing this module: it must set up OpenGL first.
        from engine.fit.heads import open_head
        from engine.training.render.pack import labelled_row
        from engine.training.render.renderer import HeadRenderer
        from engine.training.render.sample import Sampler

        renderer = HeadRenderer(open_head.load(self.head), folder=self.data / "makehuman")
        sampler = Sampler(renderer, self.data, self.seed, self.held_out)
        return lambda index: labelled_row(sampler.sample(index), self.known)


@dataclass(frozen=True, eq=False)
class _Hand:
    """One worker process and the queue of what it drew."""

    process: BaseProcess
    drawn: Queue[Row | str]


class Workers:
    """Processes that draw a source's pictures from `first` on, in order."""

    def __init__(self, source: Source, count: int, first: int = 0, gpu: int | None = None) -> None:
        """Start `count` processes.

        first  number of the first picture; a multiple of BLOCK is drawn from its block's start
        gpu    index of the EGL device that draws; the system's choice if None
        """
        context = multiprocessing.get_context("spawn")
        self._stop: Event = context.Event()
        self._next, self._hands = first, list[_Hand]()
        with _environment(gpu):
            for number in range(count):
                drawn: Queue[Row | str] = context.Queue(WAITING)
                process = context.Process(
                    target=_draw,
                    args=(source, number, count, first, drawn, self._stop),
                    name=f"render-{source.stream}-{number}",
                    daemon=True,
                )
                process.start()
                self._hands.append(_Hand(process, drawn))

    @property
    def next(self) -> int:
        """Return the number of the picture that `take` gives next."""
        return self._next

    def take(self, timeout_s: float = START_S) -> Row | None:
        """Return the next picture, or None if it is not drawn within timeout_s.

        Raises BackendError with a worker's own message if it failed.
        """
        hand = self._hands[self._next // BLOCK % len(self._hands)]
        try:
            row = hand.drawn.get(timeout_s > 0, timeout_s if timeout_s > 0 else None)
        except queue.Empty:
            if not hand.process.is_alive():
                code = hand.process.exitcode
                raise BackendError(
                    f"{hand.process.name}: the process ended with code {code}; "
                    "is there memory for that many --render-workers?"
                ) from None
            return None
        if isinstance(row, str):
            raise BackendError(f"{hand.process.name}: {row}")
        self._next += 1
        return row

    def close(self) -> None:
        """End the processes."""
        self._stop.set()
        for hand in self._hands:
            hand.drawn.cancel_join_thread()
            hand.process.join(STOP_S)
            if hand.process.is_alive():
                hand.process.terminate()
                hand.process.join(STOP_S)
            hand.drawn.close()


@contextmanager
def _environment(gpu: int | None) -> Generator[None]:
    """Set what a child reads at its start: one thread each, and the device that draws."""
    wanted = {"OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "1"}
    if gpu is not None:
        wanted["GLCONTEXT_DEVICE_INDEX"] = str(gpu)
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key)
            else:
                os.environ[key] = value


def _draw(
    source: Source, number: int, count: int, first: int, drawn: Queue[Row | str], stop: Event
) -> None:
    """Draw this worker's share until told to stop; what goes wrong is sent as a text."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        draw = source.open()
        index = first
        while not stop.is_set():
            if index // BLOCK % count == number:
                _put(drawn, draw(index), stop)
                index += 1
            else:
                index = (index // BLOCK + 1) * BLOCK
        drawn.cancel_join_thread()  # what nobody takes any more must not keep the process
    except Exception as error:  # noqa: BLE001 - a process boundary: the parent raises it
        _put(drawn, f"{type(error).__name__}: {error}", stop)


def _put(drawn: Queue[Row | str], item: Row | str, stop: Event) -> None:
    trainer = multiprocessing.parent_process()
    while not stop.is_set():
        if trainer is not None and not trainer.is_alive():
            stop.set()  # it was killed and could not say so
        try:
            drawn.put(item, timeout=0.5)
        except queue.Full:
            continue
        return
