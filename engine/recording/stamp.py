"""What take.yaml says of the moment at which a take begins."""

from __future__ import annotations

from dataclasses import replace

from engine import clock
from engine.recording.clock_state import clock_synchronised
from engine.recording.take import TakeInfo
from engine.recording.timecode import at_time_of_day


def stamped(info: TakeInfo, started_ns: int) -> TakeInfo:
    """Return the info with time of day and timecode of the first picture.

    started_ns  its captured_ns
    """
    wall_ns = started_ns + info.wall_from_monotonic_ns
    timecode = replace(
        info.timecode,
        start=str(at_time_of_day(wall_ns, info.timecode.rate)),
        clock_synchronised=clock_synchronised(),
    )
    return replace(
        info, started_ns=started_ns, started_at=clock.local_time(wall_ns), timecode=timecode
    )
