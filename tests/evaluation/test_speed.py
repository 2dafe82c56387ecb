from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import lost, tracked
from videos import write_video

from engine.config import TrackerConfig
from engine.errors import AssetError
from engine.evaluation import speed, tables
from engine.evaluation.datasets import clips
from engine.types import Camera, Frame, TrackResult

WORK_S = 0.004
FRAMES = 12


class Slow:
    """A tracker that takes 4 ms a frame and finds nothing in the first two."""

    def step(self, frame: Frame) -> TrackResult:
        time.sleep(WORK_S)
        made = lost if frame.index < 2 else tracked
        return made(frame.index, frame.captured_ns)

    def close(self) -> None:
        pass


class SlowMaker:
    about = "made up"

    def __call__(self, config: TrackerConfig, camera: Camera, *, live: bool = False) -> Slow:
        return Slow()

    def close(self) -> None:
        pass


@pytest.fixture
def short(tmp_path: Path) -> Path:
    return write_video(tmp_path / "short.mp4", range(0, 33 * FRAMES, 33))


def test_the_tracker_is_timed_on_the_frames_that_it_tracks(short: Path) -> None:
    maker: Any = SlowMaker()
    steps, stages = speed.time_tracker(short, maker, TrackerConfig())
    assert steps.shape == (FRAMES - 2,)
    assert stages.shape == (FRAMES - 2, 5)
    assert stages[:, 2].tolist() == [7.0] * (FRAMES - 2)  # as the results say
    assert (steps >= 1e3 * WORK_S).all()
    assert steps.min() < 1e3 * WORK_S + 50


def test_latency_is_measured_through_a_whole_session(short: Path) -> None:
    maker: Any = SlowMaker()
    figures = speed.latency(short, maker, TrackerConfig())
    # A busy machine may drop frames, but none may be lost to the counts.
    assert figures["captured"] == figures["processed"] + figures["dropped_by_tracker"] == FRAMES
    # Only a tracked face has values to apply; its packets end with Apply, once.
    assert 0 < figures["frames_received"] <= min(figures["sent"], FRAMES - 2)
    assert figures["packets_received"] > figures["frames_received"]
    late, result = figures["capture_to_osc"], figures["capture_to_result"]
    for figure in (result, late):  # of other frames each, where some did not arrive
        assert 1e3 * WORK_S <= figure["median_ms"] <= figure["p95_ms"] < 3000
    assert result["median_ms"] <= late["p95_ms"]


def test_everybody_is_timed_on_one_video_of_640_by_480(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    write_video(folder / f"{speed.CLIP}.mp4", range(0, 400, 40))
    teacher = np.zeros((10, 478, 3), np.float32)
    np.savez(folder / f"{speed.CLIP}.teacher.npz", landmarks=teacher)
    with speed.timing_video(tmp_path, limit=5) as made:
        frames = list(clips.frames(made))
        assert [frame.image.shape for frame in frames] == [(480, 640, 3)] * 5
        step_ns = np.diff([frame.captured_ns for frame in frames])
        np.testing.assert_allclose(step_ns, 1e9 / speed.RATE, rtol=1e-3)
        # The top-left quarter of the picture is red (videos.picture).
        assert frames[0].image[100, 100, 0] > 150 > frames[0].image[100, 500, 0]
    assert not made.exists()


def test_a_rival_runs_in_its_own_environment(tmp_path: Path) -> None:
    video, tool = tmp_path / "clip.mp4", tmp_path / "tool.py"
    tool.write_text(
        "import sys, numpy\n"
        "assert sys.argv[1].endswith('clip.mp4') and sys.argv[2] == '--out'\n"
        "numpy.savez(sys.argv[3], ms=numpy.array([5.0, 7.0]))\n"
    )
    assert speed.time_rival(video, Path(sys.executable), tool).tolist() == [5.0, 7.0]
    tool.write_text("raise SystemExit('no mediapipe here')\n")
    with pytest.raises(AssetError, match="no mediapipe here"):
        speed.time_rival(video, Path(sys.executable), tool)
    with pytest.raises(AssetError, match="nowhere"):
        speed.time_rival(video, tmp_path / "nowhere", tool)


def test_numbers_stand_in_columns_and_nothing_known_is_a_dash() -> None:
    text = tables.table(("what", "px"), [("lids", 1.234), ("lips and more", float("nan"))])
    assert text.splitlines() == [
        "what             px",
        "-------------  ----",
        "lids           1.23",
        "lips and more     -",
    ]
