"""The running threads of a session: capture -> tracker -> one line per sink.

::

    source.take -> [capture] --Frame--> mailbox -> [tracker] --result--+-> mailbox -> [sink]
                                                                       +-> latest, polled

A live source is never held up: the newest frame replaces a waiting one. A source that can wait
(a file that is not paced) loses nothing: every mailbox is a Backlog and each stage waits for room.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np

from engine import clock
from engine.capture.sources import Playable, Returning, Source
from engine.centre import Centre
from engine.conditions import Conditions
from engine.fit.person import PersonCalibration, StoredPerson
from engine.history import History
from engine.mailbox import Backlog, Slot
from engine.outputs import Asking, Delivery, Sink
from engine.status import Meter, SinkStatus, Traffic
from engine.tuner import Tuner
from engine.types import Frame, Status, TrackResult
from engine.worker import Worker

Tracked = tuple[Frame, TrackResult]

WAITING_FRAMES = 4  # decoded ahead of the tracker
EVERY_SECONDS = 2.0  # what a sink that must get everything may lag behind
STOP_TIMEOUT_S = 5.0
ABSENT = Frame(np.zeros((1, 1, 3), np.uint8), -1, 0)  # what sinks, which never look, get as picture
FINISH_TIMEOUT_S = 60.0  # a recorder may still have to encode what waits

_log = logging.getLogger(__name__)


class FrameTracker(Protocol):
    """What the graph needs of engine.fit.tracker.Tracker."""

    def step(self, frame: Frame) -> TrackResult:
        """Track one frame."""
        ...

    def expect(self, name: str, calibration: PersonCalibration | None) -> StoredPerson:
        """Give the person in front of the camera a name; returns what is known of them."""
        ...

    def close(self) -> None:
        """End what it does beside; called on the thread that steps."""
        ...


class Recorder(Protocol):
    """Gets every frame with its result, in order, all calls on one thread."""

    def write(self, frame: Frame, result: TrackResult) -> None:
        """Store one."""
        ...

    def close(self) -> None:
        """Finish what is on disk."""
        ...


RecorderMaker = Callable[[Source], Recorder]


class Tap(Protocol):
    """Is offered every frame and every result as they come, on their own threads; never waits."""

    def offer_frame(self, frame: Frame) -> None:
        """Take a picture, whether it will be tracked or not."""
        ...

    def offer_result(self, result: TrackResult) -> None:
        """Take what was found."""
        ...

    def end(self) -> None:
        """There will be no more."""
        ...


class Line:
    """One sink or recorder: its mailbox, its thread, its figures.

    name        shown to the user
    kind        of the output; the name, for a recorder
    waiting     True if the tracker waits for this line, so that it gets everything
    mailbox     Slot or Backlog
    handle      called with each result, on the line's thread
    finish      called at the end, on the line's thread
    heeds_absence  told that there is no face while the camera is away; recorders are not
    centre_asked   whether a receiver has asked that straight ahead be here
    held        set while its receiver is being tested: nothing is handed over
    """

    def __init__(
        self,
        name: str,
        mailbox: Slot[Tracked] | Backlog[Tracked],
        handle: Callable[[Tracked], None],
        finish: Callable[[], None],
        waiting: bool,
    ) -> None:
        self.name = self.kind = name
        self.meter, self.traffic = Meter(), Traffic()
        self._mailbox, self._handle, self._finish_sink = mailbox, handle, finish
        self._waiting, self.held, self.heeds_absence = waiting, False, False
        self.centre_asked: Callable[[], bool] = lambda: False
        self.worker = Worker(f"output {name}", mailbox, self._on_result, self._finish)

    def offer(self, item: Tracked) -> None:
        """Hand a result to the line's thread, unless it is held."""
        if self.held:
            return
        if self._waiting and isinstance(self._mailbox, Backlog):
            self._mailbox.put_waiting(item)
        else:
            self._mailbox.put(item)

    def close(self) -> None:
        """Ask for the end; what waits is still delivered."""
        self._mailbox.close()

    def stop(self) -> list[str]:
        """Let what waits be delivered and end the thread; returns the name if it hangs."""
        self.close()
        timeout_s = FINISH_TIMEOUT_S if self._waiting else STOP_TIMEOUT_S
        return [] if self.worker.join(timeout_s) else [self.name]

    def status(self) -> SinkStatus:
        """Return the line's figures."""
        error, mailbox, traffic = self.worker.error, self._mailbox, self.traffic
        missed = mailbox.dropped if isinstance(mailbox, Slot) else mailbox.refused
        packets_per_s, octets_per_s = traffic.rates()
        return SinkStatus(
            name=self.name,
            kind=self.kind,
            sent=self.meter.count,
            dropped=missed + traffic.dropped,
            failed=traffic.failed,
            latency=self.meter.latency(),
            error=None if error is None else str(error) or type(error).__name__,
            target=traffic.target,
            packets=traffic.packets,
            octets=traffic.octets,
            packets_per_s=packets_per_s,
            octets_per_s=octets_per_s,
            trouble=traffic.trouble,
            failing=traffic.failing,
            values=traffic.values,
        )

    def _on_result(self, item: Tracked) -> None:
        self._handle(item)
        self.meter.add(item[1].captured_ns)

    def _finish(self) -> None:
        # Closed first, so that a tracker that waits for room is let go when this thread has failed.
        self._mailbox.close()
        self._finish_sink()


def sink_line(kind: str, sink: Sink, source: Source) -> Line:
    """Start a line for a sink: newest result or every result, as the sink wishes."""
    if source.live and sink.delivery is Delivery.LATEST:
        mailbox: Slot[Tracked] | Backlog[Tracked] = Slot()
    else:
        mailbox = Backlog(max(1, round(EVERY_SECONDS * source.frame_rate)))
    line = Line(kind, mailbox, lambda item: sink.send(item[1]), sink.close, not source.live)
    line.traffic, line.heeds_absence = sink.traffic, True
    if isinstance(sink, Asking):
        line.centre_asked = sink.centre_asked
    return line


def recorder_line(name: str, maker: RecorderMaker, source: Source) -> Line:
    """Start a line for a recorder, which is made on its own thread when the first result comes."""
    made: list[Recorder] = []

    def handle(item: Tracked) -> None:
        if not made:
            made.append(maker(source))
        made[0].write(*item)

    def finish() -> None:
        for recorder in made:
            recorder.close()

    mailbox: Backlog[Tracked] = Backlog(max(1, round(EVERY_SECONDS * source.frame_rate)))
    return Line(name, mailbox, handle, finish, waiting=not source.live)


class Graph:
    """Starts all threads at once; `lines` may be exchanged while they run."""

    def __init__(
        self,
        source: Source,
        tracker: FrameTracker,
        lines: tuple[Line, ...],
        latest: Slot[Tracked],
        tap: Tap,
        tuner: Tuner,
        centre: Centre,
        history: History,
    ) -> None:
        self.source, self.lines, self.latest, self._tap = source, lines, latest, tap
        self.captured, self.processed = Meter(), Meter()
        self.tracked = self.camera_gaps = 0
        self.sending = True  # whether results are handed to the lines
        self.tracker, self._tuner, self._centre = tracker, tuner, centre
        self._last_index, self._history = -1, history
        self.conditions = Conditions(of_camera=not isinstance(source, Playable))
        if isinstance(source, Returning):
            source.waiting = self._on_absent
        self._frames: Slot[Frame] | Backlog[Frame] = (
            Slot() if source.live else Backlog(WAITING_FRAMES)
        )
        self._tracking = Worker("tracker", self._frames, self._on_frame, self._on_end)
        self._capturing = Worker("capture", source, self._on_captured, self._frames.close)

    @property
    def trouble(self) -> str:
        """Why the camera gives no pictures at present; empty if it does."""
        return self.source.trouble if isinstance(self.source, Returning) else ""

    @property
    def dropped_frames(self) -> int:
        """Frames that the tracker was too slow for."""
        return self._frames.dropped if isinstance(self._frames, Slot) else 0

    @property
    def error(self) -> Exception | None:
        """What ended a thread that the session cannot do without."""
        return self._capturing.error or self._tracking.error

    @property
    def ended(self) -> bool:
        """True when everything has been handed on and all threads have ended."""
        workers = [self._capturing, self._tracking, *(line.worker for line in self.lines)]
        return not any(worker.alive for worker in workers)

    def stop(self) -> list[str]:
        """End all threads in the order of the flow; returns the names of those that hang."""
        self.source.close()
        hanging = [] if self._capturing.join(STOP_TIMEOUT_S) else ["capture"]
        self._frames.close()
        if not self._tracking.join(FINISH_TIMEOUT_S if not self.source.live else STOP_TIMEOUT_S):
            hanging.append("tracker")
        return hanging + [name for line in self.lines for name in line.stop()]

    def _on_captured(self, frame: Frame) -> None:
        self.captured.add(frame.captured_ns)
        if self._last_index >= 0 and self.source.live:
            self.camera_gaps += max(0, frame.index - self._last_index - 1)
        self._last_index = frame.index
        self._tap.offer_frame(frame)
        if isinstance(self._frames, Slot):
            self._frames.put(frame)
        elif not self._frames.put_waiting(frame):
            self.source.close()

    def _on_absent(self) -> bool:
        """Tell the outputs that there is no face, now and then, while the camera is away."""
        now_ns = clock.now_ns()
        lost = TrackResult(self._last_index, now_ns, now_ns, Status.LOST)
        for line in self.lines:
            if line.heeds_absence:
                line.offer((ABSENT, lost))
        return True

    def _on_frame(self, frame: Frame) -> None:
        result = self._tuner(self.tracker.step(frame))
        self.processed.add(frame.captured_ns)
        self.tracked += result.status is Status.TRACKING
        self.latest.put((frame, result))
        self._history.add(result)
        self.conditions.look(frame, result)
        self._tap.offer_result(result)
        for line in self.lines:
            if line.centre_asked():
                self._centre.here()
        centred = self._centre(result)
        for line in self.lines if self.sending else ():
            line.offer((frame, centred))

    def _on_end(self) -> None:
        # The capture thread may still offer frames if it was the tracker that failed.
        self._frames.close()
        self.source.close()
        for line in self.lines:
            line.close()
        self._tap.end()
        self.tracker.close()
