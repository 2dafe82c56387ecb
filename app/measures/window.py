"""`flowface bench window`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from statistics import median
from typing import Any

from app.choices import positive, seconds
from app.commands.live import has_display
from engine import clock
from engine.config import TrackerConfig
from engine.errors import OutputError

HELP = "start-up, what the window costs the tracker, how long it is ever blocked, its memory"
_START_ROOM_S = 60.0
_MINUTE_S = 60.0
_PHASES = {"start": "at the start", "loading": "while it loads", "steady": "after"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--seconds", type=seconds, default=25.0, metavar="S", help="of every run (default 25)"
    )
    parser.add_argument(
        "--rounds", type=positive, default=3, metavar="N", help="pairs of runs (default 3)"
    )
    parser.add_argument(
        "--minutes", type=positive, metavar="N", help="then one run with the window, so long"
    )


def run(args: argparse.Namespace, config: TrackerConfig) -> tuple[str, dict[str, Any]]:
    """Measure; raises OutputError where no window can be opened."""
    if not has_display():
        raise OutputError("no display: run it under xvfb-run, or set QT_QPA_PLATFORM=offscreen")
    pairs = []
    for number in range(args.rounds):  # alternating, so that neither has the warmer machine
        order = ("window", "headless") if number % 2 else ("headless", "window")
        runs = {kind: _run(kind, args.seconds, config.threads) for kind in order}
        pairs.append(runs)
    figures: dict[str, Any] = {"pairs": pairs}
    if args.minutes:
        figures["long"] = _run("window", args.minutes * _MINUTE_S, config.threads)
    return _text(figures), figures


def _run(kind: str, duration_s: float, threads: int) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "app.window_watch", kind),
            *(str(duration_s), str(clock.now_ns()), str(threads)),
        ],
        capture_output=True,
        text=True,
        timeout=duration_s + _START_ROOM_S,
    )
    if done.returncode:
        raise OutputError(f"the run {kind} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _text(figures: dict[str, Any]) -> str:
    pairs = figures["pairs"]
    window = [pair["window"] for pair in pairs]
    ratio = median(pair["window"]["tracker_ms"] / pair["headless"]["tracker_ms"] for pair in pairs)
    rows = [
        ("window answers after the start, s", f"{median(w['window_s'] for w in window):.2f}"),
        ("first picture after the start, s", f"{median(w['first_picture_s'] for w in window):.2f}"),
        ("first face, s", f"{median(w['first_face_s'] for w in window):.2f}"),
        ("tracker with window, ms a frame", f"{median(w['tracker_ms'] for w in window):.1f}"),
        ("ratio to headless", f"{ratio:.3f}"),
        *_block_rows([w["blocks"] for w in window]),
    ]
    if "long" in figures:
        rows += _long_rows(figures["long"])
    return "".join(f"{label:<44}{value:>8}\n" for label, value in rows)


def _long_rows(run: dict[str, Any]) -> list[tuple[str, str]]:
    after_a_minute = [(at, mib) for at, mib in run["memory_mib"] if at >= _MINUTE_S]
    if not after_a_minute:
        return []
    (_, first), (last_s, last) = after_a_minute[0], after_a_minute[-1]
    return [
        ("memory after 1 minute, MiB", f"{first:.0f}"),
        (f"memory after {last_s / _MINUTE_S:.0f} minutes, MiB", f"{last:.0f}"),
        ("growth, %", f"{100 * (last / first - 1):.1f}"),
        *((f"long run: {label}", value) for label, value in _block_rows([run["blocks"]])),
    ]


def _block_rows(runs: list[dict[str, dict[str, float]]]) -> list[tuple[str, str]]:
    """Return the blocks of the GUI thread in every phase; none is left out."""
    rows: list[tuple[str, str]] = []
    for phase, words in _PHASES.items():
        longest = max(run[phase]["longest_ms"] for run in runs)
        count = sum(run[phase]["over_50_ms"] for run in runs)
        rows += [
            (f"longest block {words}, ms", f"{longest:.0f}"),
            (f"blocks over 50 ms {words}", f"{count:.0f}"),
        ]
    return rows
