"""Meters: latencies and rates against NumPy and the clock."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import clock, status
from engine.status import Meter


def test_latency_is_the_percentiles_of_what_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    latencies_ms = np.random.default_rng(0).uniform(5, 50, 300)
    now = [0]
    monkeypatch.setattr(clock, "now_ns", lambda: now[0])
    meter = Meter()
    for index, latency_ms in enumerate(latencies_ms):
        now[0] = (index + 1) * clock.NS_PER_S
        meter.add(now[0] - round(latency_ms * clock.NS_PER_MS))
    ordered = np.sort(latencies_ms)
    assert meter.latency().median_ms == pytest.approx((ordered[149] + ordered[150]) / 2, abs=1e-5)
    assert ordered[284] <= meter.latency().p95_ms <= ordered[285]


def test_rate_counts_only_the_last_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(clock, "now_ns", lambda: now[0])
    meter = Meter()
    for step_ms in [5] * 100 + [40] * 100:
        now[0] += step_ms * clock.NS_PER_MS
        meter.add(0)
    assert meter.rate() == pytest.approx(25.0)
    now[0] += 10 * clock.NS_PER_S
    assert meter.rate() == 0.0


def test_only_the_latest_are_kept_but_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "KEPT", 8)
    meter = Meter()
    for latency_ms in [1000] * 8 + [1] * 8:
        meter.add(clock.now_ns() - latency_ms * clock.NS_PER_MS)
    assert meter.count == 16
    assert meter.latency().p95_ms < 100


def test_nothing_measured_is_not_a_number() -> None:
    assert math.isnan(Meter().latency().median_ms)
    assert Meter().rate() == 0.0
