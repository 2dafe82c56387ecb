"""Runs the demo with a window or without, watches itself, and prints what it found as JSON.

    python -m app.window_watch window|headless SECONDS STARTED_NS THREADS

Run by `flowface bench window`, each time as a process of its own: STARTED_NS is the monotonic clock
at which that process was asked for.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from engine import clock
from engine.config import Config, TrackerConfig, source_choice
from engine.session import Session
from engine.status import State
from engine.types import Status, TrackResult

_BEAT_MS, _SETTLING_S = 5, 3.0
_MEMORY_EVERY_S = 5.0
_PREVIEW_HZ = 15.0
_MIB = 2**20
LONG_MS = 50.0
# When a block ended: before the first picture, before a face has been seen for a while, then.
PHASES = ("start", "loading", "steady")


class Watch:
    """Keeps what is noted of one run."""

    def __init__(self, started_ns: int) -> None:
        self._started_ns = started_ns
        self._process, self._memory_at_s = psutil.Process(), 0.0
        self.window_s = self.first_picture_s = self.first_face_s = float("nan")
        # Arrays of numbers: a list of a beat every 5 ms would be the growth that is looked for.
        self.frames_ms = array("f")
        self.blocks_ms = {phase: array("f") for phase in PHASES}
        self.memory_mib: list[tuple[float, float]] = []

    @property
    def now_s(self) -> float:
        """Time since the process was asked for."""
        return (clock.now_ns() - self._started_ns) / clock.NS_PER_S

    @property
    def settled(self) -> bool:
        """Whether the start is over."""
        return self.now_s > self.first_face_s + _SETTLING_S

    @property
    def phase(self) -> str:
        """How far the run is, out of PHASES."""
        if np.isnan(self.first_picture_s):
            return "start"
        return "steady" if self.settled else "loading"

    def window(self) -> None:
        """Note that the window is shown and answers."""
        self.window_s = self.now_s

    def picture(self) -> None:
        """Note that a picture has been drawn."""
        if np.isnan(self.first_picture_s):
            self.first_picture_s = self.now_s

    def result(self, result: TrackResult) -> None:
        """Note how long the tracker took for a frame."""
        if result.status is Status.TRACKING and np.isnan(self.first_face_s):
            self.first_face_s = self.now_s
        if self.settled:
            self.frames_ms.append(sum(result.stage_ns.values()) / clock.NS_PER_MS)
        if self.now_s > self._memory_at_s:
            self._memory_at_s = self.now_s + _MEMORY_EVERY_S
            self.memory_mib.append((self.now_s, self._process.memory_info().rss / _MIB))

    def block(self, milliseconds: float) -> None:
        """Note by how much the GUI thread was late."""
        self.blocks_ms[self.phase].append(milliseconds)

    def figures(self, rate: float) -> dict[str, Any]:
        """Return all that was noted.

        rate  of the tracker, frames a second
        """
        return {
            "window_s": self.window_s,
            "first_picture_s": self.first_picture_s,
            "first_face_s": self.first_face_s,
            "tracker_ms": float(np.median(self.frames_ms)) if self.frames_ms else float("nan"),
            "tracker_rate": rate,
            "blocks": {phase: _blocks(self.blocks_ms[phase]) for phase in PHASES},
            "memory_mib": self.memory_mib,
        }


def _blocks(milliseconds: array[float]) -> dict[str, float]:
    return {
        "longest_ms": max(milliseconds, default=float("nan")),
        "p99_ms": float(np.percentile(milliseconds, 99)) if milliseconds else float("nan"),
        "over_50_ms": sum(block > LONG_MS for block in milliseconds),
    }


def headless(seconds: float, watch: Watch, config: Config) -> dict[str, Any]:
    """Run without a window."""
    with Session(config) as session:
        while session.status().state is State.STARTING or watch.now_s < seconds:
            item = session.latest.poll()
            if item is not None:
                watch.result(item[1])
            time.sleep(0.005)
        return watch.figures(session.status().tracker_rate)


def windowed(seconds: float, watch: Watch, config: Config) -> dict[str, Any]:
    """Run with the window."""
    from PySide6.QtCore import QSettings, Qt, QTimer

    from app.first_steps import DONE
    from app.main_window import MainWindow
    from app.window import run_window

    rates: list[float] = []

    def opened(window: MainWindow) -> None:
        watch.window()
        window.bridge.limit_preview(_PREVIEW_HZ)
        window.viewport.drawn.connect(lambda _: window.picture.seen and watch.picture())
        window.bridge.tracked.connect(lambda _frame, result: watch.result(result))
        window.bridge.status_changed.connect(lambda status: rates.append(status.tracker_rate))
        beat, last = QTimer(window), [clock.now_ns()]
        beat.setTimerType(Qt.TimerType.PreciseTimer)

        def on_beat() -> None:
            now_ns = clock.now_ns()
            watch.block((now_ns - last[0]) / clock.NS_PER_MS - _BEAT_MS)
            last[0] = now_ns

        beat.timeout.connect(on_beat)
        beat.start(_BEAT_MS)
        QTimer.singleShot(round(1000 * (seconds - watch.now_s)), window, window.close)

    with tempfile.TemporaryDirectory() as folder:
        memory = QSettings(f"{folder}/memory.ini", QSettings.Format.IniFormat)
        memory.setValue(DONE, True)
        run_window(config, settings_path=Path(folder) / "c.yaml", memory=memory, opened=opened)
    return watch.figures(float(np.median(rates[-20:])) if rates else float("nan"))


def main() -> int:
    """Run as a command."""
    kind, seconds, started_ns, threads = sys.argv[1:]
    config = Config(source_choice("demo"), TrackerConfig(threads=int(threads)))
    run = {"window": windowed, "headless": headless}[kind]
    sys.stdout.write(json.dumps(run(float(seconds), Watch(int(started_ns)), config)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
