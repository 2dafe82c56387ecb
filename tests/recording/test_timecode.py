"""Timecode against the `timecode` package, and LTC against an encoder written from the standard."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
import timecode as independent

from engine import clock
from engine.errors import TakeError
from engine.recording.ltc import LtcDecoder
from engine.recording.timecode import (
    RATES,
    Timecode,
    at_time_of_day,
    converted,
    frames_a_day,
    nearest,
    parse,
)


@pytest.mark.parametrize("rate", RATES)
def test_labels_are_those_of_the_timecode_package(rate: str) -> None:
    rng = np.random.default_rng(5)
    dropped = rate.endswith("df")
    name = rate.removesuffix("df")
    numbers = [0, 1, 1799, 1800, 1801, 17981, 17982, *rng.integers(0, frames_a_day(rate), 300)]
    for number in map(int, numbers):
        theirs = independent.Timecode(name, frames=number + 1, force_non_drop_frame=not dropped)
        ours = Timecode(number, rate)
        assert str(ours).replace(";", ":") == str(theirs).replace(";", ":")
        assert parse(str(ours), rate) == ours


def test_a_day_is_a_day_in_drop_frame() -> None:
    assert frames_a_day("29.97df") == 2_589_408
    assert str(Timecode(frames_a_day("29.97df"), "29.97df")) == "00:00:00;00"
    seconds = frames_a_day("29.97df") / float(RATES["29.97df"])
    assert seconds == pytest.approx(86400, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_the_label_reads_as_the_clock(rate: str) -> None:
    for part_ns in (0, 500_000_000, 999_000_000):
        now = datetime(2026, 3, 4, 17, 21, 9)
        wall_ns = int(now.timestamp()) * clock.NS_PER_S + part_ns
        assert str(at_time_of_day(wall_ns, rate))[:8] == "17:21:09"
        assert str(converted(at_time_of_day(wall_ns, rate), "25"))[:8] == "17:21:09"


def test_impossible_labels_are_told() -> None:
    for text, rate in (
        ("1:2:3:4", "25"),
        ("25:00:00:00", "25"),
        ("10:00:00:25", "25"),
        ("10:01:00:01", "29.97df"),
    ):
        with pytest.raises(TakeError, match="timecode"):
            parse(text, rate)
    assert nearest(29.9) == "29.97"
    assert nearest(30.0) == "30"


def ltc(labels: list[tuple[int, int, int, int]], rate: float, sample_rate: int) -> np.ndarray:
    """Encode LTC, bit by bit: SMPTE ST 12-1, table of bits; biphase mark, square wave."""
    levels: list[float] = []
    level, position = 1.0, 0.0
    for hour, minute, second, frame in labels:
        bits = [0] * 80
        for start, width, value in (
            (0, 4, frame % 10), (8, 2, frame // 10), (16, 4, second % 10), (24, 3, second // 10),
            (32, 4, minute % 10), (40, 3, minute // 10), (48, 4, hour % 10), (56, 2, hour // 10),
        ):  # fmt: skip
            for place in range(width):
                bits[start + place] = value >> place & 1
        bits[64:80] = [int(bit) for bit in "0011111111111101"]
        for bit in bits:
            level = -level
            for half in range(2):
                position += sample_rate / rate / 80 / 2
                if half and bit:
                    level = -level
                levels += [level] * (round(position) - len(levels))
    return np.array(levels, np.float32)


@pytest.mark.parametrize("rate", [24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0])
@pytest.mark.parametrize("sample_rate", [44100, 48000])
def test_ltc_is_read_from_noisy_sound_in_blocks(rate: float, sample_rate: int) -> None:
    rng = np.random.default_rng(1)
    labels = [(9, 58, 59, frame) for frame in range(10, 22)]
    silence = np.zeros(sample_rate // 10, np.float32)
    sound = np.concatenate([silence, 0.4 * ltc(labels, rate, sample_rate)])
    # A cable rounds the edges; a preamplifier hisses.
    sound = np.convolve(sound, np.ones(3) / 3, mode="same") + rng.normal(0, 0.004, len(sound))
    decoder, found = LtcDecoder(sample_rate), []
    for start in range(0, len(sound), 480):
        found += decoder.feed(sound[start : start + 480].astype(np.float32))
    numbers = [int(frame.label[-2:]) for frame in found]
    assert all(frame.label.startswith("09:58:59:") for frame in found)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] <= 11  # the first edge may be lost in the silence before
    assert numbers[-1] >= 20  # the last one's end is not heard
    step = sample_rate / rate
    for frame in found:
        expected = len(silence) + (int(frame.label[-2:]) - 10) * step
        assert frame.sample == pytest.approx(expected, abs=4)


def test_speech_and_silence_are_no_timecode() -> None:
    rng = np.random.default_rng(2)
    decoder = LtcDecoder(48000)
    noise = np.convolve(rng.normal(0, 0.3, 96000), np.ones(20) / 20, mode="same")
    assert decoder.feed(noise.astype(np.float32)) == []
    assert decoder.feed(np.zeros(48000, np.float32)) == []
