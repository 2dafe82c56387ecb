"""SIGKILL while a take is recorded, and files cut off anywhere as a power cut leaves them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine import clock
from engine.errors import TakeError
from engine.evaluation.taking import act
from engine.recording.frame_times import read_frame_times
from engine.recording.hashes import STREAMS
from engine.recording.reader import read_take
from engine.recording.recover import recover
from engine.recording.take import RECORDING, load_info, save_info
from engine.recording.verify import verify

_SHORTEST_S, _LONGEST_S = 1.2, 4.0  # of recording before it is killed


@dataclass(frozen=True)
class Left:
    """What was left of a take: how much too early its streams end, and how far they are apart."""

    film_s: float
    tracking_s: float
    sound_s: float
    sync_ms: float  # of flashes and beeps
    wrong: tuple[str, ...]  # what `verify` says


def kill_once(folder: Path, rng: np.random.Generator) -> Left:
    """Record in a process, kill it at a random moment, mend the take."""
    command = [sys.executable, "-m", "engine.evaluation.taking.act", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        offered = [int(child.stdout.readline())]
        time.sleep(float(rng.uniform(_SHORTEST_S, _LONGEST_S)))
        os.kill(child.pid, signal.SIGKILL)
        offered += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    recover(folder)
    return _left(folder, offered[-1])


def cut(whole: Path, folder: Path, name: str, rng: np.random.Generator) -> list[str]:
    """Copy a take, cut one of its files off at a random place, mend it; returns what is wrong."""
    shutil.copytree(whole, folder)
    info = load_info(folder)
    save_info(folder, replace(info, status=RECORDING, frames=0, tracked=0, streams=()))
    size = (folder / name).stat().st_size
    os.truncate(folder / name, int(rng.integers(0, size)))
    try:
        recover(folder)
    except TakeError as error:
        return [str(error)]
    return verify(folder)


def cuts(whole: Path, work: Path, count: int, rng: np.random.Generator) -> dict[str, int]:
    """Return by file how many of `count` copies were not whole again after mending."""
    failed: dict[str, int] = {}
    for name in STREAMS:
        failed[name] = 0
        for number in range(count):
            folder = work / f"cut{number}-{name}"
            failed[name] += bool(cut(whole, folder, name, rng))
            shutil.rmtree(folder)
    return failed


def _left(folder: Path, last_ns: int) -> Left:
    take, info = read_take(folder), load_info(folder)
    _, captured_ns = read_frame_times(folder, whole=True)
    sound_ns = float("-inf")
    if info.sound is not None and info.sound.starts_ns is not None:
        sound_ns = info.sound.starts_ns + info.sound.samples / act.SAMPLE_RATE * clock.NS_PER_S
    flashes, beeps = act.onsets(folder / "film.mkv")
    both = [min(abs(flash - beep) for beep in beeps) for flash in flashes if beeps]
    return Left(
        film_s=float(last_ns - captured_ns[-1]) / clock.NS_PER_S,
        tracking_s=float(last_ns - take.captured_ns[-1]) / clock.NS_PER_S,
        sound_s=(last_ns - sound_ns) / clock.NS_PER_S,
        sync_ms=1000 * max((offset for offset in both if offset < 0.4), default=float("nan")),
        wrong=tuple(verify(folder)),
    )
