"""A take as a video with the mesh over it, read back with PyAV."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest

from app.cli import main
from app.render import overlay_video, take_overlay
from engine.errors import OutputError, TakeError
from engine.export._job import ExportCancelled, Job
from engine.fit.heads import HeadModel
from engine.recording.reader import Take

sys.path.append(str(Path(__file__).parents[1] / "export"))
from export_scene import FRAMES, LOST, RATE, SAMPLE_RATE, make_take


@pytest.fixture
def take(tmp_path: Path) -> Take:
    return make_take(tmp_path / "scene_003")


@pytest.mark.usefixtures("context")
def test_pictures_times_and_sound_are_the_takes(
    take: Take, tmp_path: Path, head: HeadModel
) -> None:
    path = tmp_path / "over.mp4"
    assert main(["export", str(take.folder), "--format", "overlay", "--out", str(path)]) == 0
    with av.open(str(path)) as video:
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in video.decode(video=0)]
    with av.open(str(path)) as video:
        blocks = [(f.time, f.to_ndarray()) for f in video.decode(audio=0)]
    assert len(frames) == FRAMES
    np.testing.assert_allclose([t for t, _ in frames], np.arange(FRAMES) / RATE, atol=1.1e-3)
    heard = np.concatenate([samples[0] for _, samples in blocks])
    assert blocks[0][0] == pytest.approx(0.0, abs=0.03)
    assert len(heard) / SAMPLE_RATE == pytest.approx(FRAMES / RATE, abs=0.1)
    assert np.abs(heard).max() > 0.05
    # something is drawn where there is a face, and nothing where it was lost
    spread = [float(np.ptp(image.astype(int), axis=(0, 1)).max()) for _, image in frames]
    assert min(spread[index] for index in range(FRAMES) if index not in LOST) > 40
    assert max(spread[index] for index in list(LOST)[1:-1]) < 25


@pytest.mark.usefixtures("context")
def test_a_rate_is_kept_and_an_export_called_off(
    take: Take, tmp_path: Path, head: HeadModel
) -> None:
    take_overlay.write(take, head, tmp_path / "50.mp4", Job(rate="50"))
    with av.open(str(tmp_path / "50.mp4")) as video:
        times = [frame.time for frame in video.decode(video=0)]
    np.testing.assert_allclose(np.diff(times), 0.02, atol=1e-4)

    def stop(done: float) -> None:
        if done > 0.5:
            raise ExportCancelled

    with pytest.raises(ExportCancelled):
        take_overlay.write(take, head, tmp_path / "none.mp4", Job(progress=stop))
    assert not list(tmp_path.glob("none*"))
    with pytest.raises(TakeError, match="cannot write this kind"):
        take_overlay.write(take, head, tmp_path / "none.avi")


def test_without_graphics_it_is_told_and_nothing_is_left(
    take: Take, tmp_path: Path, head: HeadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise OutputError("no OpenGL here")

    monkeypatch.setattr(overlay_video, "create_context", none)
    with pytest.raises(TakeError, match="no OpenGL here"):
        take_overlay.write(take, head, tmp_path / "none.mp4")
    assert not list(tmp_path.glob("none*"))
