"""A recording whose every picture and sound has a known time.

Frame 15 of every 30 is bright, and the sound is loud for one frame's time from the same moment on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from engine import assembly, clock, sweep
from engine.config import Config, source_choice
from engine.describing import take_info
from engine.fit.heads import HeadModel
from engine.geometry import assumed_camera
from engine.recording.film import Sound, SoundFormat
from engine.recording.recording import Recording, Reels
from engine.recording.settings import DiskSettings, RecordSettings
from engine.types import Frame

RATE, SAMPLE_RATE, BLOCK = 30.0, 48000, 480
FLASH = 15  # of every 30 frames
_JITTER_S = 0.004  # of a device's own time stamps


def begin(
    folder: Path,
    head: HeadModel,
    size_px: tuple[int, int] = (640, 480),
    *,
    alignment: bool = True,
    reserve_mb: int = 500,
) -> tuple[Recording, Reels]:
    """Begin a take in a new folder."""
    folder.mkdir(parents=True)
    config, camera = Config(source=source_choice("demo")), assumed_camera(*size_px)
    info = take_info(config, camera, "a measurement", RATE)
    reels = Reels(RATE, 0.0)
    settings = RecordSettings(alignment=alignment, disk=DiskSettings(reserve_mb=reserve_mb))
    sound = SoundFormat("a measurement", SAMPLE_RATE, 1)
    return Recording(folder, info, head, reels, sound, settings), reels


def picture(index: int, captured_ns: int, size_px: tuple[int, int] = (640, 480)) -> Frame:
    """Return a picture that looks like no other, bright where it shall flash."""
    width, height = size_px
    ramp = (np.arange(width) * 7 + index * 13) % 60
    image = np.empty((height, width, 3), np.uint8)
    image[:] = (ramp + (190 if index % 30 == FLASH else 10)).astype(np.uint8)[None, :, None]
    return Frame(image, index, captured_ns)


def sounds(start_ns: int, drift: float, seed: int = 7) -> Iterator[Sound]:
    """Yield blocks of a device whose crystal is fast by `drift`, with jittered time stamps."""
    rng, samples, true_rate = np.random.default_rng(seed), 0, SAMPLE_RATE * (1.0 + drift)
    while True:
        at_s = (samples + np.arange(BLOCK)) / true_rate
        loud = (at_s + 1.0 - FLASH / RATE) % 1.0 < 1.0 / RATE
        level = np.where(np.arange(BLOCK) % 2, 20000, -20000)
        heard_s = samples / true_rate + rng.uniform(0, _JITTER_S)
        block = np.where(loud, level, 0).astype(np.int16)[:, None]
        yield Sound(block, samples, start_ns + round(heard_s * clock.NS_PER_S))
        samples += BLOCK


def onsets(film: Path) -> tuple[list[float], list[float]]:
    """Return when pictures flash and when sound begins, s, by the file's own times."""
    flashes: list[float] = []
    beeps: list[float] = []
    with av.open(str(film)) as container:
        decoded: Iterator[Any] = container.decode()
        for frame in decoded:
            start_s = float(frame.time or 0.0)
            if isinstance(frame, av.VideoFrame):
                if float(frame.to_ndarray(format="gray").mean()) > 128:
                    flashes.append(start_s)
            else:
                heard = np.abs(frame.to_ndarray().ravel().astype(np.int32))
                for sample in np.flatnonzero(heard > 10000):
                    at_s = start_s + float(sample) / frame.sample_rate
                    if not beeps or at_s - beeps[-1] > 0.5:
                        beeps.append(at_s)
    return flashes, beeps


def main() -> None:
    """Record in real time into the folder named, telling the time of every picture offered."""
    _, reels = begin(Path(sys.argv[1]), head := assembly.load_head("open"))
    start_ns = clock.now_ns()
    heard = sounds(start_ns, 0.0)
    waiting = next(heard)
    for index in range(1_000_000):
        at_ns = start_ns + round(index * clock.NS_PER_S / RATE)
        clock.sleep_until(at_ns)
        reels.pictures.put(picture(index, at_ns))
        reels.results.put(sweep.frame(head, index / RATE, index, at_ns))
        while waiting.first_sample / SAMPLE_RATE < (index + 1) / RATE:
            reels.sounds.put(waiting)
            waiting = next(heard)
        sys.stdout.write(f"{at_ns}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
