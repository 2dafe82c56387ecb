"""The history: the very numbers that were tracked, gaps where there was no face."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import lost, tracked
from scipy.spatial.transform import Rotation

from engine.clock import NS_PER_S
from engine.history import CHANNELS, History
from engine.types import BLENDSHAPE_NAMES, TrackResult


def added(results: list[TrackResult]) -> History:
    history = History()
    for result in results:
        history.add(result)
    return history


def test_the_csv_holds_what_was_tracked(tmp_path: Path) -> None:
    results = [tracked(i, 1_000 + 33_000_000 * i) for i in range(12)]
    results[5] = lost(5, results[5].captured_ns)
    sent = replace(results[3].blendshapes, weights=np.full(52, 0.25))
    results[3] = replace(results[3], blendshapes=sent, measured=results[3].blendshapes)
    path = tmp_path / "history.csv"
    added(results).stretch().save_csv(
        path, ["jawOpen", "jawOpen (measured)", "headZ", "gazeYawLeft"]
    )
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(12))
    assert [int(row["captured_ns"]) for row in rows] == [r.captured_ns for r in results]
    for row, result in zip(rows, results, strict=True):
        if result.head is None:
            assert row["jawOpen"] == row["headZ [mm]"] == ""
            continue
        assert float(row["jawOpen"]) == result.blendshapes["jawOpen"]
        assert float(row["jawOpen (measured)"]) == result.untuned["jawOpen"]
        assert float(row["headZ [mm]"]) == 1000 * result.head.camera_from_head[2, 3]
        assert float(row["gazeYawLeft [°]"]) == np.rad2deg(result.head.gaze[0, 0])
    assert float(rows[3]["jawOpen"]) == 0.25


def test_every_channel_has_its_column() -> None:
    result = tracked(7)
    stretch = added([result]).stretch()
    assert stretch.values.shape == (1, len(CHANNELS))
    for name in BLENDSHAPE_NAMES:
        assert stretch[name][0] == stretch[f"{name} (measured)"][0] == result.blendshapes[name]
    np.testing.assert_allclose(
        [stretch[f"head{axis}"][0] for axis in "XYZ"], 1000 * result.head.camera_from_head[:3, 3]
    )
    gaze = [f"gaze{way}{side}" for side in ("Left", "Right") for way in ("Yaw", "Pitch")]
    np.testing.assert_allclose(
        [stretch[name][0] for name in gaze], np.rad2deg(result.head.gaze.ravel())
    )


@pytest.mark.parametrize("seed", range(5))
def test_angles_are_those_the_head_was_turned_by(seed: int) -> None:
    """By SciPy: the head turned by roll, then pitch, then yaw, about fixed axes."""
    yaw, pitch, roll = np.random.default_rng(seed).uniform(-1.2, 1.2, 3)
    turn = Rotation.from_euler("zxy", [roll, pitch, -yaw]).as_rotvec()
    stretch = added([tracked(turn=tuple(turn))]).stretch()
    found = [stretch[name][0] for name in ("headYaw", "headPitch", "headRoll")]
    np.testing.assert_allclose(found, np.rad2deg([yaw, pitch, roll]), atol=1e-6)


def test_only_the_last_minute_is_kept() -> None:
    slow = added([lost(i, i * NS_PER_S) for i in range(100)]).stretch()
    assert slow.frame_index.tolist() == list(range(39, 100))
    assert slow.seconds()[[0, -1]].tolist() == [-60.0, 0.0]
    fast = added([lost(i, i * NS_PER_S // 1000) for i in range(5000)]).stretch()
    assert fast.frame_index[-1] == 4999
    assert 3500 < len(fast.frame_index) <= 3600
    assert np.diff(fast.frame_index).tolist() == [1] * (len(fast.frame_index) - 1)


def test_time_that_goes_back_begins_anew() -> None:
    history = added([tracked(i, (i + 50) * NS_PER_S) for i in range(5)])
    history.add(tracked(0, 0))
    history.add(tracked(1, NS_PER_S))
    assert history.stretch().frame_index.tolist() == [0, 1]
    assert added([]).stretch().values.shape == (0, len(CHANNELS))
    assert added([]).stretch().seconds().tolist() == []


def test_a_lost_face_takes_nothing_over_from_what_stood_in_its_place() -> None:
    results = [tracked(0, i * 1_000_000) for i in range(3600)]
    stretch = added([*results, lost(3600, 3_600_000_000)]).stretch()
    assert np.isnan(stretch.values[-1]).all()
    assert not np.isnan(stretch.values[-2]).any()
