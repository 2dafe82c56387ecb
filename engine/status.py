"""What a running session tells about itself: counters, rates, latencies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine import clock
from engine.recording.studio import StudioStatus

KEPT = 4096  # latest latencies: two minutes at 30 a second
RATE_WINDOW_NS = 2 * clock.NS_PER_S


class State(Enum):
    """Where a session is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"  # the source has come to its end
    FAILED = "failed"  # see SessionStatus.error; a new Config may mend it
    STOPPED = "stopped"


@dataclass(frozen=True)
class Latency:
    """How long after the driver's hand-over, over the latest KEPT frames. NaN if there are none."""

    median_ms: float
    p95_ms: float


@dataclass(frozen=True)
class SinkStatus:
    """One output or recorder."""

    name: str
    sent: int
    dropped: int  # results it never got because it was slow
    undelivered: int  # packets that the system refused
    latency: Latency  # from the driver's hand-over until `send` has returned
    error: str | None


@dataclass(frozen=True)
class SessionStatus:
    """A snapshot."""

    state: State
    error: Exception | None = None
    source: str = ""
    network: str = ""  # what runs it, on which device, in which precision
    size_px: tuple[int, int] = (0, 0)
    captured: int = 0
    processed: int = 0
    tracked: int = 0  # of the processed
    capture_rate: float = 0.0  # frames a second, lately
    tracker_rate: float = 0.0
    tracker_latency: Latency = Latency(float("nan"), float("nan"))  # until the result stands
    dropped_by_camera: int = 0  # gaps in the source's own count
    dropped_by_tracker: int = 0  # replaced by a newer frame before the tracker took them
    sinks: tuple[SinkStatus, ...] = ()
    progress: tuple[float, str] = (0.0, "")  # while starting: share of the usual time, and step
    takes: StudioStatus | None = None


class Meter:
    """Counts events and keeps their latest times. Written by one thread, read by any."""

    def __init__(self) -> None:
        self.count = 0
        self._latency_ns = np.zeros(KEPT, np.int64)
        self._at_ns = np.zeros(KEPT, np.int64)

    def add(self, since_ns: int) -> None:
        """Note an event that started at `since_ns` and ends now."""
        now_ns, place = clock.now_ns(), self.count % KEPT
        self._latency_ns[place], self._at_ns[place] = now_ns - since_ns, now_ns
        self.count += 1

    def rate(self) -> float:
        """Return events a second over the last RATE_WINDOW_NS."""
        times = self._at_ns[: min(self.count, KEPT)]
        recent = times[times > clock.now_ns() - RATE_WINDOW_NS]
        if len(recent) < 2:
            return 0.0
        return float((len(recent) - 1) * clock.NS_PER_S / max(np.ptp(recent), 1))

    def latency(self) -> Latency:
        """Return median and 95th percentile."""
        if self.count == 0:
            return Latency(float("nan"), float("nan"))
        median_ns, p95_ns = np.percentile(self._latency_ns[: min(self.count, KEPT)], [50, 95])
        return Latency(float(median_ns) / clock.NS_PER_MS, float(p95_ns) / clock.NS_PER_MS)
