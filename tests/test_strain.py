"""Whether the machine keeps up: only measured causes, none made up."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import psutil
import pytest

from engine.clock import NS_PER_S
from engine.machine import Load, Machine
from engine.status import Latency, SessionStatus, SinkStatus, State
from engine.strain import Cause, Strain, Watch

CALM = Load(0.4, 0.3, 500.0, 4000.0)
LATENCY = Latency(20.0, 30.0)


def seen(second: int, *, lost: int = 0, gaps: int = 0, skipped: int = 0) -> SessionStatus:
    """A camera of 30 a second; `lost` of them a second are too many for the tracker."""
    sink = SinkStatus(
        "vmc", "vmc", (30 - lost - skipped) * second, skipped * second, 0, LATENCY, None
    )
    return SessionStatus(
        State.RUNNING,
        captured=30 * second,
        processed=(30 - lost) * second,
        dropped_by_camera=gaps * second,
        dropped_by_tracker=lost * second,
        sinks=(sink,),
    )


def watched(load: Load = CALM, drawing_ms: float = 0.0, **losses: int) -> list[tuple[Strain, ...]]:
    watch, told = Watch(), []
    for second in range(8):
        for frame in range(15):
            if drawing_ms:
                watch.drawn((15 * second + frame) * NS_PER_S // 15, drawing_ms)
        told.append(watch.offer(second * NS_PER_S, seen(second, **losses), load))
    return told


def test_a_machine_that_keeps_up_is_not_warned_about() -> None:
    assert watched() == [()] * 8
    assert watched(lost=2, gaps=1, skipped=2) == [()] * 8
    assert watched(load=replace(CALM, processor=1.0), drawing_ms=50.0) == [()] * 8


def test_a_slow_tracker_is_told_with_its_rate_but_not_at_once() -> None:
    told = watched(lost=12)
    assert told[:2] == [(), ()]
    (strain,) = told[-1]
    assert (strain.cause, strain.lost, strain.got_rate) == (Cause.TRACKER, 0.4, 18.0)


def test_the_cause_is_what_was_measured() -> None:
    (strain,) = watched(lost=12, drawing_ms=20.0)[-1]
    assert strain.cause is Cause.DRAWING
    assert strain.share == pytest.approx(0.3, rel=0.05)  # 15 pictures a second of 20 ms
    (strain,) = watched(lost=12, load=Load(0.98, 0.3, 500.0, 4000.0))[-1]
    assert (strain.cause, strain.share) == (Cause.OTHERS, pytest.approx(0.68))
    (strain,) = watched(lost=12, load=Load(0.98, 0.8, 500.0, 4000.0))[-1]
    assert strain.cause is Cause.TRACKER
    (strain,) = watched(gaps=10)[-1]
    assert (strain.cause, strain.lost, strain.got_rate) == (Cause.CAMERA, 0.25, 30.0)
    (strain,) = watched(skipped=15)[-1]
    assert (strain.cause, strain.name, strain.lost, strain.got_rate) == (
        Cause.OUTPUT, "vmc", 0.5, 15.0,
    )  # fmt: skip


def test_what_is_over_is_forgotten() -> None:
    watch = Watch()
    for second in range(5):
        watch.offer(second * NS_PER_S, seen(second, lost=12), CALM)
    stalled = seen(4, lost=12)
    for second in range(5, 13):
        calm = replace(
            stalled,
            captured=stalled.captured + 30 * (second - 4),
            processed=stalled.processed + 30 * (second - 4),
        )
        told = watch.offer(second * NS_PER_S, calm, CALM)
    assert told == ()
    assert watch.offer(14 * NS_PER_S, SessionStatus(State.FAILED), CALM) == ()


def test_a_session_built_anew_begins_anew() -> None:
    watch = Watch()
    watch.offer(0, seen(1), CALM)
    watch.offer(NS_PER_S, seen(0), CALM)
    assert watch.offer(2 * NS_PER_S, seen(2, lost=12), CALM) == ()  # only a second of it yet
    assert watch.offer(3 * NS_PER_S, seen(3, lost=12), CALM) != ()


def test_the_machine_is_measured() -> None:
    """Against the processor time that the system says this process took."""
    machine = Machine()
    begun, before = time.monotonic(), sum(os.times()[:2])
    while time.monotonic() < begun + 0.3:
        sum(range(1000))
    load = machine.look()
    spent = (sum(os.times()[:2]) - before) / (time.monotonic() - begun)
    assert load.ours == pytest.approx(spent / psutil.cpu_count(), rel=0.2, abs=0.05)
    assert 0.0 < load.processor <= 1.0
    assert load.memory_mib == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.1)
