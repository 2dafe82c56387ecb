"""Outputs, one module each; the protocol that they share.

A module here offers `Settings` (a frozen dataclass) and `create(settings) -> Sink`. Whichever may
smooth takes a `smoothing: SmoothingSettings` and sends what its `Smoother` makes of a result
(engine/fit/smoothing.py).
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

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

    def send(self, result: TrackResult) -> None:
        """Hand one result over. Must not raise for a receiver that is down."""
        ...

    def close(self) -> None:
        """Release sockets and files."""
        ...
