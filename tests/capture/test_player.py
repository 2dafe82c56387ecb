"""What a user does with a video, whose every picture says which it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from pathlib import Path

import numpy as np
import pytest
from videos import number_of, write_video

from engine import clock
from engine.capture.video import VideoReader
from engine.types import Frame

COUNT, STEP_MS = 60, 40
PATIENCE_S = 20.0


def _reader(path: Path, **options: bool) -> VideoReader:
    kept = {"paced": False, "loop": False, **options}
    return VideoReader(path, field_of_view_rad=1.0, live=False, **kept)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "a.mp4", range(0, COUNT * STEP_MS, STEP_MS), "libx264")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def _taken(reader: VideoReader) -> Frame:
    frame = reader.take()
    assert frame is not None
    return frame


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.mkv", "mpeg4"), ("a.avi", "mpeg4"),
     ("a.webm", "libvpx"), ("a.mkv", "ffv1")],
)  # fmt: skip
def test_after_a_seek_the_picture_of_that_time_comes(tmp_path: Path, name: str, codec: str) -> None:
    path = write_video(tmp_path / name, range(0, COUNT * STEP_MS, STEP_MS), codec)
    reader = _reader(path)
    assert reader.player.duration_s == pytest.approx(COUNT * STEP_MS / 1000, abs=0.1)
    assert number_of(_taken(reader).image) == 0
    for at in (37, 38, 2, 59, 24, 25, 26, 0, 50):
        reader.player.seek((at + 0.4) * STEP_MS / 1000)
        assert number_of(_taken(reader).image) == at
        assert reader.player.position_s == pytest.approx(at * STEP_MS / 1000, abs=0.002)
        if at < COUNT - 1:
            assert number_of(_taken(reader).image) == at + 1, "and it goes on from there"
    reader.close()


def test_a_format_that_cannot_jump_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.m4v", range(0, COUNT * STEP_MS, STEP_MS), "mpeg4")
    bare = path.rename(tmp_path / "bare.m4v")
    reader = _reader(bare)
    _taken(reader)
    for at in (41, 7):
        reader.player.seek(at * STEP_MS / 1000)
        assert number_of(_taken(reader).image) == at
    reader.close()


def test_uneven_times_are_sought_by_time_not_by_count(tmp_path: Path) -> None:
    reader = _reader(write_video(tmp_path / "a.mkv", (0, 40, 100, 280, 300, 900)))
    for at_s, expected in ((0.27, 2), (0.28, 3), (0.85, 4), (99.0, 5), (0.0, 0), (-3.0, 0)):
        reader.player.seek(at_s)
        assert number_of(_taken(reader).image) == expected
    reader.close()


def test_of_several_times_the_last_is_sought(clip: Path) -> None:
    reader = _reader(clip)
    for at_s in (0.4, 2.0, 1.2):
        reader.player.seek(at_s)
    assert [number_of(_taken(reader).image) for _ in range(2)] == [30, 31]
    reader.close()


def test_a_step_gives_exactly_the_picture_beside_it(clip: Path) -> None:
    reader = _reader(clip, paced=True)
    reader.player.seek(1.0)
    assert number_of(_taken(reader).image) == 25
    seen = []
    for steps in (1, 1, -1, -1, -1, 5, -3):
        reader.player.step(steps)
        seen.append(number_of(_taken(reader).image))
    assert seen == [26, 27, 26, 25, 24, 29, 26]
    reader.player.step(), reader.player.step()
    assert number_of(_taken(reader).image) == 28, "none of two quick steps is lost"
    assert not reader.player.playing
    reader.player.playing = True
    assert number_of(_taken(reader).image) == 29
    reader.close()


def test_steps_end_at_the_ends(clip: Path, pool: ThreadPoolExecutor) -> None:
    reader = _reader(clip)
    for end_s, steps, last in ((0.0, -1, 0), (99.0, 1, COUNT - 1)):
        reader.player.playing = False
        reader.player.seek(end_s)
        assert number_of(_taken(reader).image) == last
        reader.player.step(steps)
        taking = pool.submit(reader.take)
        with pytest.raises(TooLate):
            taking.result(0.3)
        reader.player.seek(1.0)
        assert number_of(taking.result(PATIENCE_S).image) == 25
    reader.close()


def test_a_pause_stops_and_what_follows_comes_at_its_pace(
    clip: Path, pool: ThreadPoolExecutor
) -> None:
    reader = _reader(clip, paced=True)
    before = [_taken(reader) for _ in range(3)][-1]
    reader.player.playing = False
    taking = pool.submit(reader.take)
    with pytest.raises(TooLate):
        taking.result(0.5)
    resumed_ns = clock.now_ns()
    reader.player.playing = True
    after = taking.result(PATIENCE_S)
    assert (before.index, after.index) == (2, 3)
    assert number_of(after.image) == 3
    waited_ms = (after.captured_ns - resumed_ns) / clock.NS_PER_MS
    assert STEP_MS - 0.01 <= waited_ms < 1000
    following_ms = (_taken(reader).captured_ns - after.captured_ns) / clock.NS_PER_MS
    assert following_ms == pytest.approx(STEP_MS, abs=0.01)
    reader.close()


def test_close_ends_a_pause(clip: Path, pool: ThreadPoolExecutor) -> None:
    reader = _reader(clip, paced=True)
    reader.player.playing = False
    taking = pool.submit(reader.take)
    time.sleep(0.05)
    reader.close()
    assert taking.result(PATIENCE_S) is None


@pytest.mark.parametrize("speed", [0.5, 2.0, 4.0])
def test_speed_divides_the_time_between_pictures(clip: Path, speed: float) -> None:
    reader = _reader(clip, paced=True)
    _taken(reader)
    reader.player.speed = speed
    frames = [_taken(reader) for _ in range(8)]
    steps_ms = np.diff([frame.captured_ns for frame in frames]) / clock.NS_PER_MS
    assert steps_ms == pytest.approx([STEP_MS / speed] * 7, abs=0.01)
    for frame in frames:
        assert frame.captured_ns <= clock.now_ns()
    reader.close()


def test_twice_the_speed_takes_half_the_time(clip: Path) -> None:
    reader = _reader(clip, paced=True)
    reader.player.speed = 2.0
    start = time.perf_counter()
    while reader.take() is not None:
        pass
    length_s = (COUNT - 1) * STEP_MS / 1000
    assert 0.98 * length_s / 2 <= time.perf_counter() - start < 0.98 * length_s


@pytest.mark.parametrize("speed", [0.0, 0.2, 5.0, -1.0, float("nan")])
def test_other_speeds_are_refused(clip: Path, speed: float) -> None:
    reader = _reader(clip)
    with pytest.raises(ValueError, match=r"0\.25 to 4"):
        reader.player.speed = speed
    reader.close()


def test_loop_may_be_switched_while_it_plays(clip: Path) -> None:
    reader = _reader(clip)
    reader.player.loop = True
    numbers = [number_of(_taken(reader).image) for _ in range(COUNT + 5)]
    assert numbers == [*range(COUNT), *range(5)]
    reader.player.loop = False
    assert [reader.take() is None for _ in range(COUNT - 4)] == [False] * (COUNT - 5) + [True]


def test_a_jump_counts_on_and_begins_another_passage(clip: Path) -> None:
    """The index has no gap, as nothing was lost; time never goes back."""
    reader = _reader(clip, paced=True)
    frames = [_taken(reader) for _ in range(2)]
    for at_s in (2.0, 0.2):
        reader.player.seek(at_s)
        frames += [_taken(reader) for _ in range(2)]
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame.passage for frame in frames] == [0, 0, 1, 1, 2, 2]
    assert (np.diff([frame.captured_ns for frame in frames]) > 0).all()
    reader.close()
