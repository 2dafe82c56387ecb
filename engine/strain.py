"""Whether the machine keeps up, and if not, what was measured to be in the way.

Two snapshots of a running session a few seconds apart are compared; counters that went back mean
that the session was built anew, and all is forgotten.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from engine.clock import NS_PER_MS, NS_PER_S
from engine.machine import Load
from engine.status import SessionStatus, State

WINDOW_NS = 4 * NS_PER_S
_LEAST_NS = 2 * NS_PER_S
_FEWEST_FRAMES = 20
_LOST_SHARE = 0.10  # of what should have come through; less is not seen
_CAMERA_SHARE = 0.05
_DRAWING_SHARE = 0.15  # of the time, on the GUI thread
_FULL = 0.90  # of the processor


class Cause(Enum):
    """What is in the way."""

    TRACKER = "tracker"  # slower than the camera
    OTHERS = "others"  # slower than the camera, while other programs take the processor
    DRAWING = "drawing"  # slower than the camera, while the preview takes its time
    CAMERA = "camera"  # loses pictures before they reach the program
    OUTPUT = "output"  # slower than the tracker


@dataclass(frozen=True)
class Strain:
    """One cause, with its figures."""

    cause: Cause
    lost: float  # share of what should have come through, 0 to 1
    got_rate: float  # a second, of what came through
    name: str = ""  # of the output
    share: float = 0.0  # of the processor or the time, that the cause took


class Watch:
    """Collects snapshots, and tells what they show."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, SessionStatus]] = deque()
        self._drawn: deque[tuple[int, float]] = deque()

    def drawn(self, now_ns: int, milliseconds: float) -> None:
        """Note that the preview was drawn."""
        self._drawn.append((now_ns, milliseconds))
        while self._drawn[0][0] < now_ns - WINDOW_NS:
            self._drawn.popleft()

    def offer(self, now_ns: int, status: SessionStatus, load: Load) -> tuple[Strain, ...]:
        """Take in a snapshot; returns what is in the way now, nothing while it is too early."""
        if status.state is not State.RUNNING or (
            self._seen and status.captured < self._seen[-1][1].captured
        ):
            self._seen.clear()
        if status.state is not State.RUNNING:
            return ()
        self._seen.append((now_ns, status))
        while self._seen[0][0] < now_ns - WINDOW_NS:
            self._seen.popleft()
        begun_ns, before = self._seen[0]
        spent_ns = now_ns - begun_ns
        if spent_ns < _LEAST_NS or status.captured - before.captured < _FEWEST_FRAMES:
            return ()
        return (
            *_camera(before, status, spent_ns),
            *self._tracker(before, status, now_ns, spent_ns, load),
            *_outputs(before, status, spent_ns),
        )

    def _tracker(
        self, before: SessionStatus, now: SessionStatus, now_ns: int, spent_ns: int, load: Load
    ) -> tuple[Strain, ...]:
        dropped = now.dropped_by_tracker - before.dropped_by_tracker
        lost = dropped / (now.captured - before.captured)
        if lost < _LOST_SHARE:
            return ()
        rate = (now.processed - before.processed) * NS_PER_S / spent_ns
        drawing_ms = sum(ms for at_ns, ms in self._drawn if at_ns > now_ns - spent_ns)
        drawing = drawing_ms * NS_PER_MS / spent_ns
        others = load.processor - load.ours
        if load.processor >= _FULL and others > load.ours:
            return (Strain(Cause.OTHERS, lost, rate, share=others),)
        if drawing >= _DRAWING_SHARE:
            return (Strain(Cause.DRAWING, lost, rate, share=drawing),)
        return (Strain(Cause.TRACKER, lost, rate),)


def _camera(before: SessionStatus, now: SessionStatus, spent_ns: int) -> tuple[Strain, ...]:
    gaps = now.dropped_by_camera - before.dropped_by_camera
    captured = now.captured - before.captured
    lost = gaps / (captured + gaps)
    if lost < _CAMERA_SHARE:
        return ()
    return (Strain(Cause.CAMERA, lost, captured * NS_PER_S / spent_ns),)


def _outputs(before: SessionStatus, now: SessionStatus, spent_ns: int) -> tuple[Strain, ...]:
    if [sink.name for sink in before.sinks] != [sink.name for sink in now.sinks]:
        return ()
    found: list[Strain] = []
    for old, new in zip(before.sinks, now.sinks, strict=True):
        dropped, sent = new.dropped - old.dropped, new.sent - old.sent
        if dropped >= _LOST_SHARE * (dropped + sent) and dropped > 0:
            lost, rate = dropped / (dropped + sent), sent * NS_PER_S / spent_ns
            found.append(Strain(Cause.OUTPUT, lost, rate, new.name))
    return tuple(found)
