"""The bench of takes sees what it is made to see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import assembly
from engine.evaluation.taking import act, bench, killed
from engine.recording.sample_clock import SampleClock


def test_a_take_in_sync_is_told_from_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = assembly.load_head("open")
    worst_ms, _, wrong = bench.sync(tmp_path / "good", head, 20.0)
    assert worst_ms < 10.0
    assert wrong == []
    true = SampleClock.heard_ns
    late_ns = 40_000_000
    monkeypatch.setattr(SampleClock, "heard_ns", lambda self, n: true(self, n) + late_ns)
    worst_ms, _, _ = bench.sync(tmp_path / "bad", head, 20.0)
    assert 30.0 < worst_ms < 50.0


def test_a_cut_is_mended_and_what_cannot_be_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = assembly.load_head("open")
    bench.sync(tmp_path / "whole", head, 4.0)
    rng = np.random.default_rng(0)
    for name in ("film.mkv", "frames.arrows", "tracking.arrows"):
        assert killed.cut(tmp_path / "whole", tmp_path / name, name, rng) == []
    monkeypatch.setattr("engine.recording.recover._mend_times", lambda *_: None)
    found = killed.cut(tmp_path / "whole", tmp_path / "again", "film.mkv", rng)
    assert any("pictures" in line for line in found)


def test_the_recording_flashes_and_beeps_together() -> None:
    flash_s = act.FLASH / act.RATE
    bright = [i for i in range(60) if act.picture(i, 0).image.mean() > 128]
    assert bright == [act.FLASH, act.FLASH + 30]
    sounds = act.sounds(0, 0.0)
    heard = np.concatenate([next(sounds).samples[:, 0] for _ in range(200)])
    first = int(np.flatnonzero(np.abs(heard) > 10000)[0])
    assert abs(first / act.SAMPLE_RATE - flash_s) < 1e-3
