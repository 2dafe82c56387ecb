"""A worker ends with its mailbox, keeps the error that ended it, and always finishes."""

from __future__ import annotations

import threading
import time

import pytest

from engine.mailbox import Backlog, Slot
from engine.worker import Worker


def test_handles_all_items_in_order_on_its_own_thread() -> None:
    backlog: Backlog[int] = Backlog(100)
    seen: list[tuple[int, str]] = []
    worker = Worker("taker", backlog, lambda n: seen.append((n, threading.current_thread().name)))
    for item in range(50):
        backlog.put(item)
    worker.stop()
    assert seen == [(item, "taker") for item in range(50)]
    assert not worker.alive


def test_error_ends_the_thread_is_kept_and_raised_by_stop() -> None:
    slot: Slot[int] = Slot()
    finished: list[bool] = []

    def fail(_item: int) -> None:
        raise RuntimeError("lens cap")

    worker = Worker("failing", slot, fail, lambda: finished.append(True))
    slot.put(1)
    assert worker.join(2.0)
    assert isinstance(worker.error, RuntimeError)
    assert finished == [True]
    with pytest.raises(RuntimeError, match="lens cap"):
        worker.stop()


def test_error_while_finishing_is_kept_too() -> None:
    def fail() -> None:
        raise OSError("disk full")

    slot: Slot[int] = Slot()
    worker = Worker("finishing", slot, print, fail)
    with pytest.raises(OSError, match="disk full"):
        worker.stop()


def test_stop_names_a_thread_that_hangs() -> None:
    slot, release = Slot[int](), threading.Event()
    worker = Worker("sleeper", slot, lambda _item: release.wait(5) and None)
    slot.put(1)
    time.sleep(0.02)
    with pytest.raises(TimeoutError, match="sleeper"):
        worker.stop(timeout_s=0.05)
    release.set()
    assert worker.join(2.0)
