"""Slot keeps the newest, Backlog keeps all; both end cleanly."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.mailbox import Backlog, Slot


def test_slot_gives_the_newest_and_counts_the_others() -> None:
    slot: Slot[int] = Slot()
    for item in range(5):
        slot.put(item)
    assert (slot.take(), slot.dropped) == (4, 4)
    slot.put(5)
    assert (slot.take(), slot.dropped) == (5, 4)


def test_slot_polls_without_waiting() -> None:
    slot: Slot[int] = Slot()
    assert slot.poll() is None
    slot.put(1)
    assert (slot.poll(), slot.poll()) == (1, None)


def test_closed_slot_delivers_what_waits_then_ends() -> None:
    slot: Slot[int] = Slot()
    slot.put(1)
    slot.close()
    assert (slot.take(), slot.take()) == (1, None)


@pytest.mark.parametrize("mailbox", [Slot[int](), Backlog[int](1)])
def test_close_wakes_a_waiting_reader(mailbox: Slot[int] | Backlog[int]) -> None:
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(mailbox.take)
        time.sleep(0.02)
        assert not reading.done()
        mailbox.close()
        assert reading.result(timeout=2) is None


def test_put_wakes_a_waiting_reader() -> None:
    slot: Slot[int] = Slot()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(slot.take)
        time.sleep(0.02)
        slot.put(7)
        assert reading.result(timeout=2) == 7


def test_backlog_keeps_order_and_refuses_what_does_not_fit() -> None:
    backlog: Backlog[int] = Backlog(3)
    assert [backlog.put(item) for item in range(5)] == [True, True, True, False, False]
    assert backlog.refused == 2
    backlog.close()
    assert [backlog.take() for _ in range(4)] == [0, 1, 2, None]


def test_waiting_writer_goes_on_when_there_is_room() -> None:
    backlog: Backlog[int] = Backlog(1)
    backlog.put(0)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(backlog.put_waiting, 1)
        time.sleep(0.02)
        assert not writing.done()
        assert backlog.take() == 0
        assert writing.result(timeout=2) is True
    assert backlog.take() == 1


def test_waiting_writer_is_let_go_by_close() -> None:
    backlog: Backlog[int] = Backlog(1)
    backlog.put(0)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(backlog.put_waiting, 1)
        time.sleep(0.02)
        backlog.close()
        assert writing.result(timeout=2) is False
    assert (backlog.take(), backlog.take()) == (0, None)
    assert backlog.put(2) is False
