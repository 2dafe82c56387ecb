"""`flowface bench window`: what the watch notes, and what the table makes of it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

import pytest

from app.measures import window
from app.window_watch import PHASES, Watch
from engine import clock
from engine.config import TrackerConfig
from engine.errors import OutputError
from engine.types import Status, TrackResult

SEEN = TrackResult(0, 0, 1, Status.TRACKING)


def _run(picture: float, tracker: float, block: float) -> dict[str, object]:
    return {
        "first_picture_s": picture,
        "first_face_s": picture + 1,
        "tracker_ms": tracker,
        "window_s": picture - 0.5,
        "blocks": {
            "start": {"longest_ms": 3 * block, "over_50_ms": 2},
            "loading": {"longest_ms": 2 * block, "over_50_ms": 1},
            "steady": {"longest_ms": block, "over_50_ms": int(block > 50)},
        },
        "memory_mib": [(30.0, 300.0), (61.0, 400.0), (600.0, 410.0)],
    }


def test_the_ratio_is_of_pairs_and_memory_grows_from_the_first_minute() -> None:
    pairs = [
        {"window": _run(2.0, 22.0, 30.0), "headless": _run(0.0, 20.0, 0.0)},
        {"window": _run(3.0, 60.0, 70.0), "headless": _run(0.0, 50.0, 0.0)},
        {"window": _run(2.5, 33.0, 40.0), "headless": _run(0.0, 30.0, 0.0)},
    ]
    text = window._text({"pairs": pairs, "long": _run(2.0, 20.0, 45.0)})
    rows = {line[:44].strip(): line[44:].strip() for line in text.splitlines()}
    assert rows["first picture after the start, s"] == "2.50"
    assert rows["ratio to headless"] == "1.100"
    assert rows["window answers after the start, s"] == "2.00"
    assert rows["longest block at the start, ms"] == "210"
    assert rows["longest block while it loads, ms"] == "140"
    assert rows["longest block after, ms"] == "70"
    assert rows["blocks over 50 ms at the start"] == "6"
    assert rows["blocks over 50 ms after"] == "1"
    assert rows["long run: longest block after, ms"] == "45"
    assert rows["memory after 10 minutes, MiB"] == "410"
    assert rows["growth, %"] == "2.5"


def test_without_a_display_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(OutputError, match="xvfb-run"):
        window.run(argparse.Namespace(seconds=1.0, rounds=1, minutes=None), TrackerConfig())


def test_every_block_belongs_to_a_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(Watch, "now_s", property(lambda self: now_s[0]))
    watch = Watch(0)
    watch.block(300.0)
    now_s[0] = 2.0
    watch.picture()
    watch.block(90.0)
    now_s[0] = 4.0
    watch.result(SEEN)
    watch.block(80.0)
    now_s[0] = 8.0
    watch.block(20.0)
    blocks = watch.figures(30.0)["blocks"]
    assert [blocks[phase]["longest_ms"] for phase in PHASES] == [300.0, 90.0, 20.0]
    assert [blocks[phase]["over_50_ms"] for phase in PHASES] == [1, 2, 0]


@pytest.mark.slow
def test_a_run_of_the_real_window_is_watched() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.window_watch", "window", "12", str(clock.now_ns()), "2"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["tracker_ms"] > 1
    assert figures["first_face_s"] > 0.5
    assert figures["memory_mib"][0][1] > 50
    assert figures["window_s"] < figures["first_face_s"]
