"""Errands: in order, off the caller's thread, cancelled, and none falls with another."""

from __future__ import annotations

import threading
import time

from engine.errands import Errand, Errands
from engine.errors import TakeError

PATIENCE_S = 10.0


def finished(errand: Errand) -> Errand:
    deadline = time.monotonic() + PATIENCE_S
    while not errand.done:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return errand


def refuse(_: Errand) -> None:
    raise TakeError("no such take")


def break_down(_: Errand) -> None:
    raise KeyError("a defect")


def work_for_ever(errand: Errand) -> None:
    while True:
        errand.progress(0.25)
        time.sleep(0.001)


def test_results_come_in_order_from_another_thread() -> None:
    errands = Errands("test")
    asked = [errands.do(lambda _, n=n: (n, threading.current_thread().name)) for n in range(5)]
    assert [finished(errand).result for errand in asked] == [(n, "test") for n in range(5)]
    assert errands.close()


def test_an_error_is_told_and_a_defect_ends_no_other() -> None:
    errands = Errands("test")
    assert finished(errands.do(refuse)).error == "no such take"
    broken = finished(errands.do(break_down))
    assert broken.error is not None
    assert "log" in broken.error
    deadline = time.monotonic() + PATIENCE_S
    while (after := finished(errands.do(lambda _: 7))).result != 7:
        assert time.monotonic() < deadline  # the thread may still be ending
    assert after.error is None
    assert errands.close()


def test_what_is_dropped_ends_and_what_waits_never_begins() -> None:
    errands, begun = Errands("test"), []
    endless, waiting = errands.do(work_for_ever), errands.do(begun.append)
    deadline = time.monotonic() + PATIENCE_S
    while endless.share == 0.0 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert endless.share == 0.25
    assert errands.close()
    assert endless.done
    assert waiting.done
    assert begun == []
    assert endless.error is None
    assert errands.do(begun.append).unwanted
