"""`flowface bench window`: what the watch notes, and what the table makes of it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

import pytest

from app.measures import window
from engine import clock
from engine.config import TrackerConfig
from engine.errors import OutputError


def _run(picture: float, tracker: float, block: float) -> dict[str, object]:
    return {
        "first_picture_s": picture,
        "first_face_s": picture + 1,
        "tracker_ms": tracker,
        "block_ms": block,
        "blocks_over_50_ms": int(block > 50),
        "memory_mib": [(30.0, 300.0), (61.0, 400.0), (600.0, 410.0)],
    }


def test_the_ratio_is_of_pairs_and_memory_grows_from_the_first_minute() -> None:
    pairs = [
        {"window": _run(2.0, 22.0, 30.0), "headless": _run(0.0, 20.0, 0.0)},
        {"window": _run(3.0, 60.0, 70.0), "headless": _run(0.0, 50.0, 0.0)},
        {"window": _run(2.5, 33.0, 40.0), "headless": _run(0.0, 30.0, 0.0)},
    ]
    text = window._text({"pairs": pairs, "long": _run(2.0, 20.0, 45.0)})
    rows = {line[:40].strip(): line[40:].strip() for line in text.splitlines()}
    assert rows["first picture after the start, s"] == "2.50"
    assert rows["ratio to headless"] == "1.100"
    assert rows["longest block of the GUI thread, ms"] == "70"
    assert rows["blocks over 50 ms"] == "1"
    assert rows["memory after 10 minutes, MiB"] == "410"
    assert rows["growth, %"] == "2.5"


def test_without_a_display_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(OutputError, match="xvfb-run"):
        window.run(argparse.Namespace(seconds=1.0, rounds=1, minutes=None), TrackerConfig())


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
