"""SMPTE timecode: exact rates, drop-frame counting, and the time of day on any of them.

Source: SMPTE ST 12-1:2014. Drop-frame leaves out the labels ff = 0 and 1 (0 to 3 at 60) of every
minute that is not a tenth one, so that the label keeps to the clock; no picture is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from engine import clock
from engine.errors import TakeError

# Exact frame rates by what they are called.
RATES: dict[str, Fraction] = {
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "29.97df": Fraction(30000, 1001),
    "30": Fraction(30),
    "48": Fraction(48),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "59.94df": Fraction(60000, 1001),
    "60": Fraction(60),
}
_LABEL = re.compile(r"(\d\d):(\d\d):(\d\d)[:;](\d\d)")
_DAY_S = 86400


@dataclass(frozen=True)
class Timecode:
    """A count of frames since midnight, at a rate.

    frames  from 0 on; wraps at 24 hours when it is written
    rate    one of RATES
    """

    frames: int
    rate: str

    def __str__(self) -> str:
        """Return hh:mm:ss:ff, with ; before ff where labels are dropped."""
        nominal = nominal_rate(self.rate)
        number = self.frames % frames_a_day(self.rate)
        if drops(self.rate):
            number += _dropped_before(number, nominal)
        seconds, frame = divmod(number, nominal)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        mark = ";" if drops(self.rate) else ":"
        return f"{hour:02}:{minute:02}:{second:02}{mark}{frame:02}"

    def __add__(self, frames: int) -> Timecode:
        return Timecode(self.frames + frames, self.rate)


def parse(text: str, rate: str) -> Timecode:
    """Read hh:mm:ss:ff. Raises TakeError if it is none, or a label that this rate leaves out."""
    found, nominal = _LABEL.fullmatch(text), nominal_rate(rate)
    if found is None:
        raise TakeError(f"timecode {text!r}: needs hh:mm:ss:ff")
    hour, minute, second, frame = map(int, found.groups())
    if hour > 23 or minute > 59 or second > 59 or frame >= nominal:
        raise TakeError(f"timecode {text!r}: no such time at {rate} frames a second")
    number = ((hour * 60 + minute) * 60 + second) * nominal + frame
    if drops(rate):
        lost, minutes = nominal // 15, hour * 60 + minute
        if second == 0 and frame < lost and minutes % 10:
            raise TakeError(f"timecode {text!r}: this label is left out in drop-frame")
        number -= lost * (minutes - minutes // 10)
    return Timecode(number, rate)


def at_time_of_day(wall_ns: int, rate: str) -> Timecode:
    """Return the timecode of a moment by this machine's clock, in local time.

    wall_ns  Unix time

    The label reads as the clock at this moment. Without drop-frame, 23.976 and 29.97 then fall
    behind the clock by 3.6 s an hour: that is theirs.
    """
    now = datetime.fromtimestamp(wall_ns // clock.NS_PER_S)
    return _labelled(now.hour, now.minute, now.second, wall_ns % clock.NS_PER_S / 1e9, rate)


def converted(start: Timecode, rate: str) -> Timecode:
    """Return a timecode that reads the same at another rate, to a frame."""
    if start.rate == rate:
        return start
    found = _LABEL.fullmatch(str(start))
    assert found is not None
    hour, minute, second, frame = map(int, found.groups())
    return _labelled(hour, minute, second, frame / nominal_rate(start.rate), rate)


def _labelled(hour: int, minute: int, second: int, part: float, rate: str) -> Timecode:
    nominal = nominal_rate(rate)
    frame = min(int(part * nominal + 1e-6), nominal - 1)
    if drops(rate) and second == 0 and minute % 10:
        frame = max(frame, nominal // 15)  # the labels before are left out
    return parse(f"{hour:02}:{minute:02}:{second:02}:{frame:02}", rate)


def exact_rate(rate: str) -> Fraction:
    """Return frames a second. Raises TakeError naming the allowed rates."""
    if rate not in RATES:
        raise TakeError(f"frame rate {rate!r}: allowed are {', '.join(RATES)}")
    return RATES[rate]


def nominal_rate(rate: str) -> int:
    """Return how many frames a timecode counts to a second: 30 for 29.97."""
    return round(exact_rate(rate))


def drops(rate: str) -> bool:
    """Return whether labels are left out."""
    return rate.endswith("df")


def frames_a_day(rate: str) -> int:
    """Return after how many frames the timecode starts again."""
    labels = _DAY_S * nominal_rate(rate)
    return labels - (nominal_rate(rate) // 15) * (1440 - 144) if drops(rate) else labels


def nearest(frames_per_s: float) -> str:
    """Return the rate that is meant by a measured or nominal one; never a drop-frame one."""
    usual = [name for name in RATES if not drops(name)]
    return min(usual, key=lambda name: abs(float(RATES[name]) - frames_per_s))


def _dropped_before(frames: int, nominal: int) -> int:
    """Return how many labels were left out before so many frames."""
    lost = nominal // 15
    a_minute = 60 * nominal - lost
    ten_minutes = 10 * a_minute + lost
    tens, rest = divmod(frames, ten_minutes)
    dropped = 9 * lost * tens
    if rest >= 60 * nominal:
        dropped += lost * (1 + (rest - 60 * nominal) // a_minute)
    return dropped
