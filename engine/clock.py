"""Time. Frames are stamped once, on the monotonic clock; wall time is derived from it."""

from __future__ import annotations

import time
from datetime import datetime

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


def now_ns() -> int:
    """Return the monotonic clock in nanoseconds: never goes backwards, has no date."""
    return time.monotonic_ns()


def wall_from_monotonic_ns() -> int:
    """Return the offset to add to a monotonic stamp to get Unix time, in nanoseconds."""
    return time.time_ns() - time.monotonic_ns()


def sleep_until(deadline_ns: int) -> None:
    """Sleep until the monotonic clock reads `deadline_ns`; return at once if it has passed."""
    left_ns = deadline_ns - now_ns()
    if left_ns > 0:
        time.sleep(left_ns / NS_PER_S)


def local_time(wall_ns: int) -> str:
    """Return a moment of Unix time in this machine's zone, ISO 8601 with milliseconds."""
    seconds, rest_ns = divmod(wall_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds).astimezone().replace(microsecond=rest_ns // 1000)
    return moment.isoformat(timespec="milliseconds")
