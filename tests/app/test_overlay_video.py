"""The overlay video, read back with PyAV."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from drawn_head import tracked

from app.render.look import Look, Mode
from app.render.overlay_video import OverlayWriter
from engine.errors import OutputError
from engine.fit.heads import HeadModel
from engine.mailbox import Backlog
from engine.types import Frame, Status, TrackResult
from engine.worker import Worker

SIZE = (161, 120)  # H.264 needs even sides


@pytest.mark.usefixtures("context")
def test_every_frame_is_written_at_its_own_time(tmp_path: Path, head: HeadModel) -> None:
    """Written from a worker's thread and closed from another, as the program does."""
    path = tmp_path / "out.mp4"
    writer = OverlayWriter(path, SIZE, 30.0, head)
    times_ms = [0, 33, 67, 100, 200, 233]  # two frames were lost on the way
    result = tracked(head.neutral, SIZE)
    frames: Backlog[Frame] = Backlog(len(times_ms))
    worker = Worker("overlay", frames, lambda frame: writer.write(frame, result))
    for index, time_ms in enumerate(times_ms):
        image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        frames.put(Frame(image, index, 5_000_000_000 + time_ms * 1_000_000))
    worker.stop(timeout_s=20.0)
    assert not path.exists()
    writer.close()
    with av.open(str(path)) as video:
        read = list(video.decode(video=0))
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert (read[0].width, read[0].height) == (162, 120)
    assert [round(1000 * frame.time) for frame in read] == times_ms
    assert read[-1].to_ndarray(format="rgb24")[60, 85].max() > 60  # the face over a black picture


@pytest.mark.usefixtures("context")
def test_frames_of_the_same_time_are_all_kept(tmp_path: Path, head: HeadModel) -> None:
    writer = OverlayWriter(tmp_path / "out.mkv", SIZE, 25.0, head, Look(Mode.OFF))
    grey = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    for index in range(3):
        writer.write(Frame(grey.copy(), index, 7), TrackResult(index, 7, 8, Status.LOST))
    writer.close()
    with av.open(str(tmp_path / "out.mkv")) as video:
        read = list(video.decode(video=0))
    assert len(read) == 3
    assert read[0].time < read[1].time < read[2].time
    assert abs(int(read[1].to_ndarray(format="rgb24")[60, 80, 1]) - 128) <= 3


def test_what_cannot_be_written_is_named(tmp_path: Path, head: HeadModel) -> None:
    with pytest.raises(OutputError, match=r"out\.xyz.*allowed: \.mp4"):
        OverlayWriter(tmp_path / "out.xyz", SIZE, 30.0, head)
    with pytest.raises(OutputError, match="absent"):
        OverlayWriter(tmp_path / "absent" / "out.mp4", SIZE, 30.0, head)


def test_a_video_without_frames_leaves_nothing_behind(tmp_path: Path, head: HeadModel) -> None:
    OverlayWriter(tmp_path / "out.mp4", SIZE, 30.0, head).close()
    assert not list(tmp_path.iterdir())
