"""A take has every picture and every sound at its true time, whatever happens while it is made."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from studio_scene import RATE, SAMPLE_RATE, head, info, picture, recording, result, tone
from test_timecode import ltc

from engine import clock
from engine.errors import TakeError
from engine.recording import disk
from engine.recording.film import Film, Sound, SoundFormat
from engine.recording.frame_times import read_frame_times
from engine.recording.reader import read_take
from engine.recording.recording import Recording, Reels, make_folder
from engine.recording.recover import recover, unfinished
from engine.recording.settings import DiskSettings, FilmSettings, RecordSettings
from engine.recording.take import TakeInfo, load_info, save_info
from engine.recording.verify import verify
from engine.types import Frame

STEP_NS = round(clock.NS_PER_S / RATE)
BLOCK = 480


def offer(reels: Reels, frames: int, *, start_ns: int = 5 * clock.NS_PER_S) -> None:
    """Offer so many frames with results and sound, as fast as they are taken."""
    samples = 0
    for index in range(frames):
        at_ns = start_ns + index * STEP_NS
        wait_for_room(reels)
        reels.pictures.put(picture(index, at_ns))
        reels.results.put(result(index, at_ns))
        while samples < (index + 1) * SAMPLE_RATE / RATE:
            heard_ns = start_ns + round(samples / SAMPLE_RATE * clock.NS_PER_S)
            reels.sounds.put(tone(samples, BLOCK, heard_ns))
            samples += BLOCK


def wait_for_room(reels: Reels) -> None:
    deadline = time.monotonic() + 10
    while reels.pictures.waiting > 20 and time.monotonic() < deadline:
        time.sleep(0.001)


def record(folder: Path, frames: int = 60, settings: RecordSettings | None = None) -> TakeInfo:
    folder.mkdir()
    reels = Reels(RATE, 0.0)
    made = recording(folder, reels, settings)
    offer(reels, frames)
    return made.stop(dropped_by_camera=3)


def test_a_take_is_whole_and_says_so(tmp_path: Path) -> None:
    done = record(tmp_path / "t")
    assert verify(tmp_path / "t") == []
    assert load_info(tmp_path / "t") == done
    assert (done.frames, done.status, done.dropped_by_camera) == (60, "complete", 3)
    assert done.started_ns == 5 * clock.NS_PER_S
    assert done.film is not None
    assert (done.film.pictures, done.film.refused) == (60, 0)
    assert done.sound is not None
    assert done.sound.samples == pytest.approx(60 * SAMPLE_RATE / RATE, abs=2 * BLOCK)
    take = read_take(tmp_path / "t")
    index, captured_ns = read_frame_times(tmp_path / "t", whole=True)
    np.testing.assert_array_equal(index, take.frame_index)
    np.testing.assert_array_equal(captured_ns, take.captured_ns)


def test_timecode_and_time_of_day_are_the_first_picture_s(tmp_path: Path) -> None:
    done = record(tmp_path / "t", 5)
    assert done.started_at.startswith("20")
    minutes_and_more = done.started_at[14:19]  # the zone's hours are the machine's
    assert done.timecode.start[3:8] == minutes_and_more
    wall_ns = 5 * clock.NS_PER_S + info().wall_from_monotonic_ns
    assert int(done.timecode.start[-2:]) == int(wall_ns % clock.NS_PER_S * 30 / clock.NS_PER_S)


def test_pictures_are_the_camera_s_own_when_nothing_may_be_lost(tmp_path: Path) -> None:
    record(tmp_path / "t", 7, RecordSettings(film=FilmSettings(codec="ffv1")))
    with av.open(str(tmp_path / "t" / "film.mkv")) as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    for index, image in enumerate(shown):
        np.testing.assert_array_equal(image, picture(index, 0).image)


def test_samples_are_the_device_s_own(tmp_path: Path) -> None:
    done = record(tmp_path / "t", 30)
    with av.open(str(tmp_path / "t" / "film.mkv")) as film:
        heard = np.concatenate([f.to_ndarray().ravel() for f in film.decode(audio=0)])
    assert done.sound is not None
    np.testing.assert_array_equal(heard, tone(0, done.sound.samples, 0).samples.ravel())


def test_a_take_begins_before_its_button(tmp_path: Path) -> None:
    reels = Reels(RATE, 1.0)
    for index in range(90):  # three seconds before the button: the last one is kept
        reels.pictures.put(picture(index, index * STEP_NS))
        reels.results.put(result(index, index * STEP_NS))
    (tmp_path / "t").mkdir()
    made = recording(tmp_path / "t", reels, sound=False)
    reels.pictures.put(picture(90, 90 * STEP_NS))
    reels.results.put(result(90, 90 * STEP_NS))
    done = made.stop()
    index, _ = read_frame_times(tmp_path / "t", whole=True)
    assert list(index) == list(range(60, 91))
    assert done.started_ns == 60 * STEP_NS
    assert verify(tmp_path / "t") == []


def test_a_slow_disk_marks_gaps_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Film.write

    def slow(self: Film, frame: Frame) -> None:
        time.sleep(0.01)
        original(self, frame)

    monkeypatch.setattr(Film, "write", slow)
    (tmp_path / "t").mkdir()
    reels = Reels(RATE, 0.0)
    made = recording(tmp_path / "t", reels, sound=False)
    longest_s = 0.0
    for index in range(300):
        before = time.perf_counter()
        reels.pictures.put(picture(index, index * STEP_NS))
        reels.results.put(result(index, index * STEP_NS))
        longest_s = max(longest_s, time.perf_counter() - before)
    assert "disk is too slow" in made.status().warning
    done = made.stop()
    assert longest_s < 0.5  # ten times what a busy machine needs, a twentieth of what the disk does
    assert done.film is not None
    assert done.film.refused > 0
    assert done.film.pictures + done.film.refused == 300
    assert verify(tmp_path / "t") == []


def test_a_full_disk_ends_the_take_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_EVERY_NS", 0)
    monkeypatch.setattr("engine.recording.recording._SECURE_NS", 0)
    free = iter([2_000_000_000] * 10 + [1_000_000] * 10_000)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage._replace(free=next(free)))
    (tmp_path / "t").mkdir()
    reels = Reels(RATE, 0.0)
    settings = RecordSettings(disk=DiskSettings(reserve_mb=500))
    made = recording(tmp_path / "t", reels, settings, sound=False)
    for index in range(40):
        reels.pictures.put(picture(index, index * STEP_NS))
        reels.results.put(result(index, index * STEP_NS))
        time.sleep(0.002)
    assert "disk full" in made.status().warning
    done = made.stop()
    assert done.film is not None
    assert 0 < done.film.pictures < 40
    assert verify(tmp_path / "t") == []


def test_takes_never_overwrite_one_another(tmp_path: Path) -> None:
    names = [make_folder(tmp_path, "scene")[0].name for _ in range(3)]
    assert names == ["scene_001", "scene_002", "scene_003"]
    with pytest.raises(TakeError, match="needs a name that a folder can have"):
        make_folder(tmp_path, "../scene")


def test_sound_keeps_to_the_pictures_while_its_device_drifts(tmp_path: Path) -> None:
    """A flash and a beep once a second for a minute, 50 ppm fast, 1 % of the frames dropped."""
    worst_ms = flash_and_beep(tmp_path / "t", seconds=60, drift=50e-6)
    assert worst_ms < 10.0
    done = load_info(tmp_path / "t")
    assert done.sound is not None
    assert done.sound.drift_ppm == pytest.approx(50.0, abs=15.0)
    assert verify(tmp_path / "t") == []


def flash_and_beep(folder: Path, *, seconds: int, drift: float) -> float:
    """Record one, and return how far a beep is from its flash at most, read from the file, ms."""
    rng = np.random.default_rng(7)
    folder.mkdir()
    reels = Reels(RATE, 0.0)
    made = recording(folder, reels)
    samples, true_rate = 0, SAMPLE_RATE * (1.0 + drift)
    for index in range(round(seconds * RATE)):
        wait_for_room(reels)
        at_ns = round(index * clock.NS_PER_S / RATE)
        if rng.random() > 0.01 or index == 0:
            reels.pictures.put(picture(index, at_ns, bright=index % 30 == 15))
        while samples / true_rate * clock.NS_PER_S < at_ns:
            start_s = samples / true_rate
            since_flash_s = (start_s + 0.5) % 1.0  # frame 15 of every second: at its half
            jitter_ns = round(rng.uniform(0, 0.004) * clock.NS_PER_S)
            heard_ns = round(start_s * clock.NS_PER_S) + jitter_ns
            # Within the block the beep begins at the very sample.
            sound = tone(samples, BLOCK, heard_ns)
            begins = np.arange(BLOCK) / true_rate + since_flash_s
            loud = (begins % 1.0) < 1.0 / RATE
            sound.samples[loud, 0] = np.where(np.arange(loud.sum()) % 2, 20000, -20000)
            reels.sounds.put(sound)
            samples += BLOCK
    made.stop()
    flashes, beeps = onsets(folder / "film.mkv")
    offsets_ms = [1000 * min(abs(flash - beep) for beep in beeps) for flash in flashes]
    assert len(flashes) > 0.9 * seconds
    return max(offsets_ms)


def onsets(film: Path) -> tuple[list[float], list[float]]:
    """Return when pictures turn bright and when sound turns loud, by the file's own times, s."""
    flashes: list[float] = []
    beeps: list[float] = []
    with av.open(str(film)) as container:
        for frame in container.decode():
            start_s = float(frame.time)
            if isinstance(frame, av.VideoFrame):
                if frame.to_ndarray(format="gray").max() > 150:
                    flashes.append(start_s)
                continue
            loud = np.flatnonzero(np.abs(frame.to_ndarray().ravel().astype(int)) > 10000)
            for sample in loud:
                at = start_s + sample / frame.sample_rate
                if not beeps or at - beeps[-1] > 0.5:
                    beeps.append(at)
    return flashes, beeps


def test_timecode_that_is_heard_is_the_take_s(tmp_path: Path) -> None:
    """Two channels: speech, and LTC that begins half a second before the first picture."""
    start_ns, before_s = 7 * clock.NS_PER_S, 0.5
    labels = [(14, 3, 7, frame) for frame in range(25)] + [(14, 3, 8, f) for f in range(25)]
    code = (0.3 * 32767 * ltc(labels, 25.0, SAMPLE_RATE)).astype(np.int16)
    (tmp_path / "t").mkdir()
    reels = Reels(RATE, 0.0)
    settings = RecordSettings(timecode="ltc")
    made = Recording(
        tmp_path / "t",
        info(),
        head(),
        reels,
        SoundFormat("a test", SAMPLE_RATE, 2),
        settings,
        ltc_channel=2,
    )
    for first in range(0, len(code) - BLOCK, BLOCK):
        heard_ns = start_ns + round((first / SAMPLE_RATE - before_s) * clock.NS_PER_S)
        both = np.stack([np.zeros(BLOCK, np.int16), code[first : first + BLOCK]], axis=1)
        reels.sounds.put(Sound(both, first, heard_ns))
    for index in range(30):
        reels.pictures.put(picture(index, start_ns + index * STEP_NS))
        reels.results.put(result(index, start_ns + index * STEP_NS))
    done = made.stop()
    assert (done.timecode.source, done.timecode.rate) == ("ltc", "25")
    assert done.timecode.start in ("14:03:07:12", "14:03:07:13")  # 12.5 frames later
    assert verify(tmp_path / "t") == []


CHILD = """
import sys, time
from pathlib import Path
sys.path[:0] = [{tests!r}, {recording!r}]
from studio_scene import *
from engine import clock
folder = Path(sys.argv[1]); folder.mkdir()
reels = Reels(RATE, 0.0)
made = recording(folder, reels)
start = clock.now_ns(); samples = 0
for index in range(100_000):
    at = start + round(index * clock.NS_PER_S / RATE)
    clock.sleep_until(at)
    reels.pictures.put(picture(index, at)); reels.results.put(result(index, at))
    while samples < (index + 1) * SAMPLE_RATE / RATE:
        reels.sounds.put(tone(samples, 480, start + round(samples / SAMPLE_RATE * clock.NS_PER_S)))
        samples += 480
    print(at, flush=True)
"""


def test_a_killed_recording_loses_a_second_at_most(tmp_path: Path) -> None:
    here = Path(__file__).parent
    code = CHILD.format(tests=str(here.parent), recording=str(here))
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "t")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    offered = [int(child.stdout.readline()) for _ in range(75)]
    os.kill(child.pid, signal.SIGKILL)
    offered += [int(line) for line in child.stdout.read().splitlines() if line.isdigit()]
    child.wait()
    child.stdout.close()
    assert unfinished(tmp_path) == [tmp_path / "t"]
    assert "was not finished" in verify(tmp_path / "t")[0]
    recover(tmp_path / "t")
    assert verify(tmp_path / "t") == []
    assert unfinished(tmp_path) == []
    lost_s = lost_seconds(tmp_path / "t", offered[-1])
    assert max(lost_s.values()) <= 1.0, lost_s


def lost_seconds(folder: Path, last_ns: int) -> dict[str, float]:
    """Return by how much every stream of a take ends before a time, s."""
    take, done = read_take(folder), load_info(folder)
    _, captured_ns = read_frame_times(folder, whole=True)
    assert done.sound is not None
    assert done.sound.starts_ns is not None
    sound_ns = done.sound.starts_ns + done.sound.samples / SAMPLE_RATE * clock.NS_PER_S
    ends = {"film": captured_ns[-1], "tracking": take.captured_ns[-1], "sound": sound_ns}
    return {name: (last_ns - float(end)) / clock.NS_PER_S for name, end in ends.items()}


@pytest.mark.parametrize("name", ["film.mkv", "frames.arrows", "tracking.arrows"])
def test_streams_cut_anywhere_are_mended(tmp_path: Path, name: str) -> None:
    done = record(tmp_path / "whole", 90)
    rng = np.random.default_rng(3)
    size = (tmp_path / "whole" / name).stat().st_size
    for trial, kept_bytes in enumerate([0, 100, *rng.integers(0, size, 10)]):
        folder = tmp_path / f"cut{trial}"
        shutil.copytree(tmp_path / "whole", folder)
        cut_off = replace(done, status="recording", frames=0, tracked=0, streams=())
        save_info(folder, cut_off)
        os.truncate(folder / name, int(kept_bytes))
        kept = recover(folder)
        assert verify(folder) == []
        # What was not cut is there in whole.
        assert name == "tracking.arrows" or kept.frames == 90
        assert name == "film.mkv" or kept.pictures == 90


def test_a_take_that_is_complete_is_not_mended(tmp_path: Path) -> None:
    record(tmp_path / "t", 5)
    with pytest.raises(TakeError, match="is complete"):
        recover(tmp_path / "t")


def test_a_changed_stream_is_told(tmp_path: Path) -> None:
    record(tmp_path / "t", 5)
    with (tmp_path / "t" / "frames.arrows").open("ab") as file:
        file.write(b"x")
    assert verify(tmp_path / "t") == ["frames.arrows: has changed since it was recorded"]


def test_mending_needs_room_and_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = record(tmp_path / "t", 30)
    save_info(tmp_path / "t", replace(done, status="recording", frames=0, tracked=0, streams=()))
    before = {path.name: path.read_bytes() for path in (tmp_path / "t").iterdir()}
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        with pytest.raises(TakeError, match="mending needs"):
            recover(tmp_path / "t")
    assert {path.name: path.read_bytes() for path in (tmp_path / "t").iterdir()} == before
    (tmp_path / "t" / "film.mkv").write_bytes(b"nothing of a film")
    assert recover(tmp_path / "t").pictures == 0
    assert (tmp_path / "t" / "film.mkv.broken").read_bytes() == b"nothing of a film"
    assert verify(tmp_path / "t") == []
