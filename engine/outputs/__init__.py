"""Outputs, one module each; the protocol that they share.

A module here offers `Settings` (a frozen dataclass) and `create(settings) -> Sink`. Whichever may
smooth takes a `smoothing: SmoothingSettings` and sends what its `Smoother` makes of a result
(engine/fit/smoothing.py). What several share stands in private modules:

_datagram  UDP to one receiver: `DatagramSender`, `NetworkSettings`
_stream    packets over TCP to one receiver: `StreamSender`
_osc       messages, templates, bundles of limited size, time tags
_rate      `RateSettings` and `Rate`: at most so often, or resampled to a fixed rate

`Settings` has a `name`, which tells several targets of one kind apart.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol, runtime_checkable

from engine.status import Traffic
from engine.types import TrackResult


class Delivery(Enum):
    """What a slow sink gets."""

    LATEST = "latest"  # skips to the newest result; what was skipped is counted
    EVERY = "every"  # every result; an overflow is marked, never silent


class Sink(Protocol):
    """Receives results in capture order. The session makes all calls on one thread."""

    @property
    def delivery(self) -> Delivery:
        """What this sink gets when it is slow."""
        ...

    @property
    def traffic(self) -> Traffic:
        """What it has put on the wire."""
        ...

    def send(self, result: TrackResult) -> None:
        """Hand one result over. Must not raise for a receiver that is down."""
        ...

    def close(self) -> None:
        """Release sockets and files."""
        ...


@runtime_checkable
class Asking(Protocol):
    """A sink whose receivers may ask that straight ahead be where the face now is."""

    def centre_asked(self) -> bool:
        """Tell whether one has asked since the last call. Called on another thread."""
        ...
