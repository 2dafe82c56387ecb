"""Everything that can go wrong with a take, as one table."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from engine import clock, sweep
from engine.config import TrackerConfig
from engine.evaluation.tables import table
from engine.evaluation.taking import act, cost, full, killed
from engine.fit.heads import HeadModel
from engine.recording.recording import Reels
from engine.recording.take import load_info
from engine.recording.verify import verify

DRIFT, DROPPED = 50e-6, 0.01
_SMALL = (64, 48)
ROUNDS = 2


def run(
    head: HeadModel, tracker: TrackerConfig, kills: int, cuts: int, sync_s: float
) -> dict[str, Any]:
    """Measure. `kills` and `cuts` are how often; sync_s how long the drifting take is."""
    rng = np.random.default_rng(11)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        left = [
            killed.kill_once(work / f"killed{number}", rng)
            for number in tqdm(range(kills), desc="killing", leave=False)
        ]
        whole = work / "whole"
        recording, reels = act.begin(whole, head, _SMALL)
        for index in range(90):
            at_ns = round(index * clock.NS_PER_S / act.RATE)
            reels.pictures.put(act.picture(index, at_ns, _SMALL))
            reels.results.put(sweep.frame(head, index / act.RATE, index, at_ns))
            _wait_for_room(reels)
        recording.stop()
        failed = killed.cuts(whole, work, cuts, rng)
        with full.small_disk() as disk:
            filled = {
                f"reserve {reserve} MB": full.fill(disk / f"full{reserve}", head, reserve)
                for reserve in (8, 1)
                if disk is not None
            }
        worst_ms, drift_ppm, wrong = sync(work / "sync", head, sync_s)
    return {
        "cost": cost.by_turns(tracker, ROUNDS),
        "kills": [asdict(item) for item in left],
        "cuts": {"each": cuts, "not_whole": failed},
        "full_disk": filled,
        "sync": {
            "seconds": sync_s,
            "worst_ms": worst_ms,
            "told_drift_ppm": drift_ppm,
            "wrong": wrong,
        },
    }


def sync(folder: Path, head: HeadModel, seconds: float) -> tuple[float, float, list[str]]:
    """Record flashes and beeps with a drifting device and lost frames, faster than real time.

    returns  how far a beep is from its flash at most, ms, by the file's own times; the drift that
             the take states, ppm; what `verify` says
    """
    rng = np.random.default_rng(5)
    recording, reels = act.begin(folder, head, _SMALL, alignment=False)
    heard = act.sounds(0, DRIFT)
    waiting = next(heard)
    for index in tqdm(range(round(seconds * act.RATE)), desc="drifting", leave=False):
        at_ns = round(index * clock.NS_PER_S / act.RATE)
        if index == 0 or rng.random() >= DROPPED:
            reels.pictures.put(act.picture(index, at_ns, _SMALL))
        while waiting.heard_ns <= at_ns:
            reels.sounds.put(waiting)
            waiting = next(heard)
        _wait_for_room(reels)
    recording.stop()
    flashes, beeps = act.onsets(folder / "film.mkv")
    offsets = [min(abs(flash - beep) for beep in beeps) for flash in flashes]
    sound = load_info(folder).sound
    drift_ppm = float("nan") if sound is None else sound.drift_ppm
    return 1000 * max(offsets), drift_ppm, verify(folder)


def text(figures: dict[str, Any]) -> str:
    """Return the figures as tables."""
    left = figures["kills"]
    rows = [
        [name, *_spread([item[key] for item in left])]
        for name, key in (
            ("film ends early, s", "film_s"),
            ("tracking ends early, s", "tracking_s"),
            ("sound ends early, s", "sound_s"),
            ("flash to beep, ms", "sync_ms"),
        )
    ]
    broken = sum(bool(item["wrong"]) for item in left)
    lines = table([f"killed {len(left)} times", "median", "worst"], rows)
    lines += f"not whole after mending: {broken}\n\n"
    cut = figures["cuts"]
    lines += table(
        [f"cut off, {cut['each']} times each", "not whole after mending"],
        [[name, str(count)] for name, count in cut["not_whole"].items()],
    )
    lines += "\n"
    for name, said in figures["full_disk"].items():
        lines += f"full disk, {name}: {said}\n"
    if not figures["full_disk"]:
        lines += "full disk: not measured, a small disk can be mounted by root only\n"
    spent, found = figures["cost"], figures["sync"]
    lines += (
        f"a frame of the tracker, 1280x720: {spent['without_ms']:.1f} ms without and "
        f"{spent['with_ms']:.1f} ms with recording, {spent['ratio']:.2f} times\n"
    )
    lines += (
        f"sync over {found['seconds']:.0f} s, 50 ppm drift, 1 % lost: at most "
        f"{found['worst_ms']:.1f} ms; drift told {found['told_drift_ppm']:.1f} ppm\n"
    )
    return lines


def _spread(values: list[float]) -> list[str]:
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return ["-", "-"]
    return [f"{np.median(known):.2f}", f"{max(known):.2f}"]


def _wait_for_room(reels: Reels) -> None:
    while reels.pictures.waiting > act.RATE:
        clock.sleep_until(clock.now_ns() + clock.NS_PER_MS)
