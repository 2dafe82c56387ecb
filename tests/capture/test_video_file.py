"""Video files: right pixels, the file's own times, clear errors."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from videos import lay_on_side, picture, write_sound, write_video

from engine import clock
from engine.capture.sources import video_file
from engine.capture.video import VideoReader, probe
from engine.errors import SourceError
from engine.types import Frame

UNEVEN_MS = (0, 40, 100, 280, 300)


def _all(reader: VideoReader) -> list[Frame]:
    frames = []
    while (frame := reader.take()) is not None:
        frames.append(frame)
    return frames


def _open(path: Path, **settings: object) -> VideoReader:
    return video_file.create(video_file.Settings(path=str(path), **settings))  # type: ignore[arg-type]


def test_every_frame_comes_in_order_with_its_pixels(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", UNEVEN_MS)
    frames = _all(_open(path, paced=False))
    assert [frame.index for frame in frames] == list(range(5))
    for frame in frames:
        difference = frame.image.astype(int) - picture(frame.index)
        assert np.abs(difference[40:, 56:]).max() <= 6  # grey part
        assert np.abs(difference[4:24, 4:40]).max() <= 12  # red part: order of channels


@pytest.mark.parametrize("paced", [False, True])
def test_times_are_those_of_the_file(tmp_path: Path, paced: bool) -> None:
    path = write_video(tmp_path / "a.mkv", UNEVEN_MS)
    frames = _all(_open(path, paced=paced))
    since_first = [(f.captured_ns - frames[0].captured_ns) / clock.NS_PER_MS for f in frames]
    assert since_first == pytest.approx(UNEVEN_MS, abs=0.01)


def test_paced_hands_over_when_the_time_has_come(tmp_path: Path) -> None:
    reader = _open(write_video(tmp_path / "a.mkv", UNEVEN_MS), paced=True)
    assert reader.live
    while (frame := reader.take()) is not None:
        late_ms = (clock.now_ns() - frame.captured_ns) / clock.NS_PER_MS
        assert 0 <= late_ms < 1000


def test_not_paced_does_not_wait(tmp_path: Path) -> None:
    reader = _open(write_video(tmp_path / "a.mkv", (0, 1000, 2000)), paced=False)
    start = time.perf_counter()
    assert len(_all(reader)) == 3
    assert time.perf_counter() - start < 1.9
    assert not reader.live


def test_close_ends_a_wait(tmp_path: Path) -> None:
    reader = _open(write_video(tmp_path / "a.mkv", (0, 40, 5000)), paced=True)
    reader.take()
    reader.close()
    start = time.perf_counter()
    assert reader.take() is None
    assert time.perf_counter() - start < 3


def test_frame_whose_time_has_not_come_is_not_handed_over_early(tmp_path: Path) -> None:
    reader = _open(write_video(tmp_path / "a.mkv", (0, 5000)), paced=True)
    reader.take()
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(reader.take)
        time.sleep(0.05)
        reader.close()
        assert taking.result(timeout=3) is None


def test_ends_after_max_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", range(0, 400, 40))
    assert len(_all(_open(path, paced=False, max_frames=4))) == 4


def test_loop_goes_on_counting_and_in_time(tmp_path: Path) -> None:
    """After the last frame comes the first, one nominal interval (40 ms) later."""
    path = write_video(tmp_path / "a.mkv", (0, 30, 110))
    reader = VideoReader(path, paced=False, loop=True, field_of_view_rad=1.0, live=True)
    frames = [frame for _ in range(7) if (frame := reader.take()) is not None]
    reader.close()
    assert reader.take() is None
    assert [frame.index for frame in frames] == list(range(7))
    steps_ms = np.diff([frame.captured_ns for frame in frames]) / clock.NS_PER_MS
    nominal_ms = 1000 / reader.frame_rate
    assert steps_ms == pytest.approx([30, 80, nominal_ms, 30, 80, nominal_ms], abs=0.01)
    assert [int(frame.image[50, 80, 0]) for frame in frames] == pytest.approx(
        [20, 40, 60, 20, 40, 60, 20], abs=6
    )


@pytest.mark.parametrize(
    ("turns", "corner"), [(0, (8, 8)), (1, (8, -8)), (2, (-8, -8)), (3, (-8, 8))]
)
def test_pictures_stand_upright(tmp_path: Path, turns: int, corner: tuple[int, int]) -> None:
    """Turning clockwise moves the red quarter from top left to top right, and so on."""
    path = lay_on_side(write_video(tmp_path / "a.mp4", (0, 40)), turns)
    reader = _open(path, paced=False)
    width_px, height_px = (64, 96) if turns % 2 else (96, 64)
    assert reader.camera.size_px == probe(path).size_px == (width_px, height_px)
    frames = _all(reader)
    assert frames[0].image.shape == (height_px, width_px, 3)
    red, green, _ = (int(value) for value in frames[0].image[corner])
    assert red > 150
    assert green < 90


def test_probe_tells_rate_and_length(tmp_path: Path) -> None:
    info = probe(write_video(tmp_path / "a.mp4", range(0, 400, 40)))
    assert (info.frame_rate, info.frame_count) == (pytest.approx(25.0), 10)


def test_camera_has_the_assumed_field_of_view(tmp_path: Path) -> None:
    reader = _open(write_video(tmp_path / "a.mp4", (0, 40)), field_of_view_deg=90.0)
    assert reader.camera.intrinsics[0, 0] == pytest.approx(48.0)
    reader.close()
    reader.take()


def test_what_is_no_video_is_a_source_error(tmp_path: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("Dear Sir or Madam")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    sound = write_sound(tmp_path / "sound.wav")
    for path, message in (
        (tmp_path / "none.mp4", "no such file"),
        (tmp_path, "a folder of pictures needs a rate"),
        (text, "not a video"),
        (empty, "not a video"),
        (sound, "has no video stream"),
    ):
        with pytest.raises(SourceError, match=message) as caught:
            _open(path)
        assert str(path) in str(caught.value)
