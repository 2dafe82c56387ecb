"""Tracking that was killed goes on where it was: the real tracker, in processes of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.cli import main
from engine.capture.sources.demo import CLIP
from engine.capture.video import VideoReader
from engine.errors import TakeError
from engine.recording.film import FILM_FILE
from engine.recording.reader import Take, read_take
from engine.recording.resume import OVERLAP_S, broken_off
from engine.recording.take import INFO_FILE, RECORDING, TRACKING_FILE, load_info, save_info
from engine.recording.verify import verify

FRAMES, PATIENCE_S = 170, 120.0


def command(folder: Path, *more: str) -> list[str]:
    given = ["track", "demo", "--out", str(folder), "--max-frames", str(FRAMES), *more]
    return [*given, "--threads", "1"]


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *command(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Tests that run in the background of a shell hand down a SIGINT that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def rows(folder: Path) -> int:
    """Return how many frames a process has put on disk so far."""
    if not (folder / TRACKING_FILE).is_file():
        return 0
    from engine.recording.resume import _times

    return len(_times(folder / TRACKING_FILE)[0])


def broken(folder: Path, sign: signal.Signals, after: int) -> int:
    """Begin to track, end the process after so many frames; return how many were kept."""
    process, deadline = start(folder), time.monotonic() + PATIENCE_S
    while rows(folder) < after and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(sign)
    process.wait(PATIENCE_S)
    assert load_info(folder).status == RECORDING
    kept = rows(folder)
    assert after <= kept < FRAMES
    return kept


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Take:
    folder = tmp_path_factory.mktemp("whole") / "take"
    assert main(command(folder)) == 0
    return read_take(folder)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_what_was_broken_off_is_gone_on_with(
    sign: signal.Signals, whole: Take, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "take"
    kept = broken(folder, sign, 100)
    before = (folder / TRACKING_FILE).read_bytes()
    assert main(command(folder)) == 0
    assert f"goes on after {kept} frames" in capsys.readouterr().out
    take = read_take(folder)
    assert not verify(folder)
    np.testing.assert_array_equal(take.frame_index, whole.frame_index)
    since = [found.captured_ns - found.captured_ns[0] for found in (take, whole)]
    np.testing.assert_array_equal(*since)
    # what was there is there unchanged
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / TRACKING_FILE).write_bytes(before)
    save_info(tmp_path / "old", replace(take.info, status=RECORDING))
    old = read_take(tmp_path / "old")
    np.testing.assert_array_equal(old.values["points_px"], take.values["points_px"][:kept])
    # and what was added is what the tracker says after following the face for a while
    both = (whole.values["points_px"], take.values["points_px"])
    apart = np.linalg.norm(both[0][kept:] - both[1][kept:], axis=2)
    assert np.isfinite(apart).all()
    assert float(np.median(apart)) < 0.5
    with cv2_film(folder) as film:
        assert film == FRAMES


class cv2_film:  # noqa: N801
    """Count the film's pictures with a reader that is not ours."""

    def __init__(self, folder: Path) -> None:
        self._film = cv2.VideoCapture(str(folder / FILM_FILE))

    def __enter__(self) -> int:
        count = 0
        while self._film.read()[0]:
            count += 1
        return count

    def __exit__(self, *_: object) -> None:
        self._film.release()


def test_a_take_without_its_film_gets_it(whole: Take, tmp_path: Path) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    (folder / TRACKING_FILE).write_bytes((whole.folder / TRACKING_FILE).read_bytes())
    save_info(folder, replace(whole.info, film=None, streams=()))
    (folder / FILM_FILE).write_bytes(b"cut off")
    assert main(command(folder)) == 0
    assert not verify(folder)


def test_only_the_same_is_gone_on_with(whole: Take, tmp_path: Path) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    (folder / TRACKING_FILE).write_bytes((whole.folder / TRACKING_FILE).read_bytes())
    info = replace(whole.info, status=RECORDING)
    for name, spoken in (("source", "file"), ("head_file", "head model")):
        save_info(folder, replace(info, **{name: replace(info.source, sha256="0")}))
        with pytest.raises(TakeError, match=f"begun with another {spoken}"):
            broken_off(folder, info)
    save_info(folder, info)
    found = broken_off(folder, info)
    assert found is not None
    assert found.first == FRAMES - round(OVERLAP_S * info.frame_rate)
    assert len(found.frame_index) == FRAMES
    # found again after being killed before a new row was written
    (folder / TRACKING_FILE).write_bytes(b"")
    again = broken_off(folder, info)
    assert again is not None
    np.testing.assert_array_equal(again.captured_ns, whole.captured_ns)


def test_nothing_whole_is_begun_anew(whole: Take, tmp_path: Path) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    info = replace(whole.info, status=RECORDING)
    save_info(folder, info)
    (folder / TRACKING_FILE).write_bytes((whole.folder / TRACKING_FILE).read_bytes()[:200])
    assert broken_off(folder, info) is None
    assert not (folder / INFO_FILE).exists()


def test_a_folder_of_pictures_becomes_a_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a gap, and a film whose pictures are the files' own, bit by bit."""
    reader = VideoReader(CLIP, paced=False, field_of_view_rad=1.0, live=False, max_frames=12)
    shots = tmp_path / "shots"
    shots.mkdir()
    for frame in iter(reader.take, None):
        if frame.index != 5:
            assert cv2.imwrite(str(shots / f"s{frame.index + 7}.png"), frame.image[..., ::-1])
    out = tmp_path / "take"
    assert main(["track", str(shots), "--rate", "24", "--out", str(out), "--threads", "1"]) == 0
    take = read_take(out)
    assert not verify(out)
    assert take.frame_index.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    seconds = (take.captured_ns - take.captured_ns[0]) / 1e9
    np.testing.assert_allclose(seconds, take.frame_index / 24, atol=1e-8)
    assert (take.info.frame_rate, take.info.timecode.rate) == (24.0, "24")
    film = cv2.VideoCapture(str(out / FILM_FILE))
    for index in take.frame_index:
        there, image = film.read()
        assert there
        stored = cv2.imread(str(shots / f"s{index + 7}.png"))
        assert np.abs(image.astype(int) - stored).max() <= 2  # rounding of the reader's YUV, if any
    film.release()
    # The rate makes the times: with another one the halves would not fit.
    save_info(out, replace(load_info(out), status=RECORDING, frames=0, tracked=0))
    assert main(["track", str(shots), "--rate", "60", "--out", str(out), "--threads", "1"]) != 0
    assert "begun with another rate" in capsys.readouterr().err
    assert load_info(out).frame_rate == 24.0
