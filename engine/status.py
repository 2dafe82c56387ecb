"""What a running session tells about itself: counters, rates, latencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine import clock
from engine.capture.cameras import Mode
from engine.recording.studio import StudioStatus
from engine.types import Array

KEPT = 4096  # latest latencies: two minutes at 30 a second
RATE_WINDOW_NS = 2 * clock.NS_PER_S


class State(Enum):
    """Where a session is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    RECONNECTING = "reconnecting"  # waits for the camera, see SessionStatus.trouble
    ENDED = "ended"  # the source has come to its end
    FAILED = "failed"  # see SessionStatus.error; a new Config may mend it
    STOPPED = "stopped"

    @property
    def active(self) -> bool:
        """Whether it tracks, or will by itself."""
        return self in (State.STARTING, State.RUNNING, State.RECONNECTING)


@dataclass(frozen=True)
class Latency:
    """How long after the driver's hand-over, over the latest KEPT frames. NaN if there are none."""

    median_ms: float
    p95_ms: float


@dataclass(frozen=True)
class SinkStatus:
    """One output or recorder."""

    name: str  # tells several of one kind apart
    kind: str
    sent: int  # results handed to it
    dropped: int  # results it never got because it was slow, packets for which there was no room
    failed: int  # packets that the system refused or that are known to have found no receiver
    latency: Latency  # from the driver's hand-over until `send` has returned
    error: str | None  # what ended it
    target: str = ""  # where it sends to
    packets: int = 0
    octets: int = 0  # bytes of payload
    packets_per_s: float = 0.0  # lately
    octets_per_s: float = 0.0
    trouble: str | None = None  # the latest thing that went wrong, though it goes on
    failing: bool = False  # whether that was within the last RATE_WINDOW_NS
    values: tuple[tuple[str, float], ...] = ()  # what was sent last; none while no face is


@dataclass(frozen=True)
class RemoteStatus:
    """The port of the remote control."""

    where: str  # address and port
    obeyed: int = 0  # commands
    refused: int = 0  # messages that are no command, or cannot be carried out
    malformed: int = 0  # packets
    error: str = ""  # why it does not listen


@dataclass(frozen=True)
class SessionStatus:
    """A snapshot."""

    state: State
    error: Exception | None = None
    trouble: str = ""  # why the camera gives no pictures at present
    hint: str = ""  # what hinders the tracking most, in words; empty if nothing does
    refused: tuple[str, ...] = ()  # what the camera's driver would not do
    modes: tuple[Mode, ...] = ()  # what the camera offers, if it says so
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
    sending: bool = True  # false once outputs were stopped by remote control
    remote: RemoteStatus | None = None  # None while it is off


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


class Traffic:
    """What one output has put on the wire. Written by its thread, read by any.

    target  host and port, for the user
    """

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.packets = self.octets = self.dropped = self.failed = 0
        self.trouble: str | None = None
        self._trouble_ns: int | None = None
        self._values: tuple[Sequence[str], Sequence[float] | Array] = ((), ())
        self._at_ns = np.zeros(KEPT, np.int64)
        self._size = np.zeros(KEPT, np.int64)

    def count(self, octets: int) -> None:
        """Note a packet that the system has accepted."""
        place = self.packets % KEPT
        self._at_ns[place], self._size[place] = clock.now_ns(), octets
        self.packets += 1
        self.octets += octets

    def fail(self, why: str) -> None:
        """Note a packet that did not get through, and why."""
        self.failed += 1
        self.trouble, self._trouble_ns = why, clock.now_ns()

    def show(self, names: Sequence[str], values: Sequence[float] | Array) -> None:
        """Keep what is being sent, for a viewer; neither sequence is changed afterwards."""
        self._values = names, values

    @property
    def values(self) -> tuple[tuple[str, float], ...]:
        """Name and value of what was sent last."""
        names, values = self._values
        return tuple((name, float(value)) for name, value in zip(names, values, strict=True))

    @property
    def failing(self) -> bool:
        """Whether something went wrong just now."""
        return self._trouble_ns is not None and clock.now_ns() - self._trouble_ns < RATE_WINDOW_NS

    def rates(self) -> tuple[float, float]:
        """Return packets and bytes a second over the last RATE_WINDOW_NS."""
        kept = min(self.packets, KEPT)
        recent = self._at_ns[:kept] > clock.now_ns() - RATE_WINDOW_NS
        seconds = RATE_WINDOW_NS / clock.NS_PER_S
        return float(recent.sum()) / seconds, float(self._size[:kept][recent].sum()) / seconds
