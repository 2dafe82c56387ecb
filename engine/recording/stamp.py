"""What take.yaml says of the moment at which a take begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine import clock
from engine.recording.clock_state import clock_synchronised
from engine.recording.film import Sound
from engine.recording.ltc import LtcDecoder, LtcFrame
from engine.recording.sample_clock import SampleClock
from engine.recording.take import TakeInfo
from engine.recording.timecode import RATES, Timecode, at_time_of_day, drops, nominal_rate, parse

_FEWEST_LTC = 5  # frames in a row before a rate can be told


def stamped(info: TakeInfo, started_ns: int) -> TakeInfo:
    """Return the info with time of day and timecode of the first picture.

    started_ns  its captured_ns

    Linear timecode is not known yet: until it is heard, the time of day stands in.
    """
    wall_ns = started_ns + info.wall_from_monotonic_ns
    rate = info.timecode.rate
    free = info.timecode.source == "free"
    start = Timecode(0, rate) if free else at_time_of_day(wall_ns, rate)
    timecode = replace(
        info.timecode,
        start=str(start),
        source="free" if free else "system",
        clock_synchronised=clock_synchronised(),
    )
    return replace(
        info, started_ns=started_ns, started_at=clock.local_time(wall_ns), timecode=timecode
    )


class LtcListener:
    """Hears linear timecode on one channel while a take is recorded.

    channel  from 1 on
    """

    def __init__(self, sample_rate: int, channel: int) -> None:
        self._decoder, self._rate, self._channel = LtcDecoder(sample_rate), sample_rate, channel
        self._first: int | None = None
        self._heard: list[LtcFrame] = []

    def feed(self, sound: Sound) -> None:
        """Listen to a block."""
        if sound.samples.shape[1] < self._channel:
            return
        if self._first is None:
            self._first = sound.first_sample
        samples = sound.samples[:, self._channel - 1].astype(np.float32) / 32768.0
        self._heard += self._decoder.feed(samples)

    def stamped(self, info: TakeInfo, sound_clock: SampleClock) -> TakeInfo:
        """Return the info with the timecode that was heard; as it is if there was none."""
        if len(self._heard) < _FEWEST_LTC or self._first is None:
            return info
        rate = self._frame_rate()
        first = self._heard[0]
        heard_ns = sound_clock.heard_ns(self._first + round(first.sample))
        before = round((heard_ns - info.started_ns) / clock.NS_PER_S * float(RATES[rate]))
        label = parse(first.label.replace(";", ":"), rate)
        start = Timecode(label.frames - before, rate)
        return replace(
            info, timecode=replace(info.timecode, start=str(start), rate=rate, source="ltc")
        )

    def _frame_rate(self) -> str:
        """Return the rate whose frames are as long as those heard, and which counts as they do."""
        spacing = float(np.median(np.diff([frame.sample for frame in self._heard])))
        most = max(int(frame.label[-2:]) for frame in self._heard)
        dropped = self._heard[0].drop_frame
        usual = [
            name for name in RATES if drops(name) == dropped and most < nominal_rate(name) <= 30
        ]
        return min(usual, key=lambda name: abs(float(RATES[name]) - self._rate / spacing))
