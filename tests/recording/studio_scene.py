"""A recording fed with pictures and sound of known times; no device, no tracker involved."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from made_results import lost, tracked

from engine.fit.heads import HeadModel
from engine.recording.film import Sound, SoundFormat
from engine.recording.recording import Recording, Reels
from engine.recording.settings import RecordSettings
from engine.recording.take import TakeInfo, TimecodeRecord
from engine.types import Frame, TrackResult

VERTICES = 40
RATE = 30.0
SAMPLE_RATE = 48000
SIZE = (48, 64)  # height, width


def head() -> HeadModel:
    rng = np.random.default_rng(1)
    return SimpleNamespace(  # type: ignore[return-value]
        neutral=np.zeros((VERTICES, 3)),
        triangles=rng.integers(0, VERTICES, (30, 3)).astype(np.int32),
    )


def info() -> TakeInfo:
    return TakeInfo(
        vertices=VERTICES,
        frame_rate=RATE,
        wall_from_monotonic_ns=1_764_000_000_000_000_000,
        slate="scene",
        take=1,
        timecode=TimecodeRecord(rate="30"),
    )


def picture(index: int, captured_ns: int, *, bright: bool = False) -> Frame:
    image = np.full((*SIZE, 3), 240 if bright else 30, np.uint8)
    image[:, : 1 + index % SIZE[1]] //= 2  # no two are the same
    return Frame(image, index, captured_ns)


def result(index: int, captured_ns: int) -> TrackResult:
    made = tracked(index, captured_ns, vertices=VERTICES)
    return lost(index, captured_ns) if index % 17 == 5 else made


def tone(first: int, count: int, heard_ns: int, *, loud: bool = False) -> Sound:
    amplitude = 20000 if loud else 50
    phase = 2 * np.pi * 1000 * np.arange(first, first + count) / SAMPLE_RATE
    return Sound((amplitude * np.sin(phase)).astype(np.int16)[:, None], first, heard_ns)


def recording(
    folder: Path, reels: Reels, settings: RecordSettings | None = None, *, sound: bool = True
) -> Recording:
    made = SoundFormat("a test", SAMPLE_RATE, 1) if sound else None
    return Recording(folder, info(), head(), reels, made, settings or RecordSettings())
