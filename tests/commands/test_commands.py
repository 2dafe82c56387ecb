"""live, track and export from end to end; only the tracker is made up."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from made_results import lost, tracked
from videos import write_video

import engine.session
from app import choices
from app.cli import main
from app.commands import live, track
from engine import assembly, resources
from engine.capture import cameras
from engine.capture.cameras import Device
from engine.capture.sources import demo
from engine.config import TrackerConfig
from engine.network.backends import auto
from engine.recording.frame_times import read_frame_times
from engine.types import Camera, Frame, TrackResult

FRAMES = 8


class MadeUpTracker:
    """Finds a face in every frame but the second, unless the room is empty."""

    empty, about = False, "made up"

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> MadeUpTracker:
        return self

    def step(self, frame: Frame) -> TrackResult:
        if frame.index == 1 or self.empty:
            return lost(frame.index, frame.captured_ns)
        return tracked(frame.index, frame.captured_ns, vertices=_vertices())

    def close(self) -> None: ...


@functools.cache
def _vertices() -> int:
    return len(assembly.load_head("open").neutral)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[MadeUpTracker]:
    """Exchange the tracker and the weights; no user's settings take part."""
    monkeypatch.setattr(engine.session, "TrackerFactory", MadeUpTracker)
    monkeypatch.setattr(MadeUpTracker, "empty", False)
    folder = tmp_path / "nano"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    monkeypatch.setattr(track.weights, "load", lambda _name: SimpleNamespace(folder=folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))
    return MadeUpTracker


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mkv", range(0, 40 * FRAMES, 40))


def test_track_then_export(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take, out = tmp_path / "take", tmp_path / "out.npz"
    assert main(["track", str(clip), "--out", str(take), "--threads", "1"]) == 0
    assert "tracking" in capsys.readouterr().err  # the progress bar

    info = yaml.safe_load((take / "take.yaml").read_text())
    assert (info["status"], info["frames"], info["tracked"]) == ("complete", FRAMES, FRAMES - 1)
    assert (info["width_px"], info["height_px"], info["threads"]) == (96, 64, 1)
    digest = subprocess.run(["sha256sum", clip], capture_output=True, text=True, check=False)
    if digest.returncode == 0:
        assert info["source"]["sha256"] == digest.stdout.split()[0]
    assert info["weight_files"][0]["path"] == "nano/model.onnx"

    assert main(["export", str(take), "--format", "arrays", "--out", str(out)]) == 0
    with np.load(out, allow_pickle=False) as file:
        assert file["points_px"].shape == (FRAMES, info["vertices"], 2)
        assert list(file["status"]) == ["tracking", "lost"] + ["tracking"] * (FRAMES - 2)
        since_first_ms = (file["captured_ns"] - file["captured_ns"][0]) / 1e6
        np.testing.assert_allclose(since_first_ms, 40 * np.arange(FRAMES), atol=0.01)


def test_track_ends_after_max_frames(clip: Path, tmp_path: Path) -> None:
    take = tmp_path / "take"
    assert main(["track", str(clip), "--out", str(take), "--max-frames", "3"]) == 0
    assert yaml.safe_load((take / "take.yaml").read_text())["frames"] == 3


@pytest.mark.parametrize(("asked", "told"), [("auto", "nano"), ("base", "base")])
def test_a_take_says_which_network_made_it(
    asked: str, told: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "card_count", lambda: 0)
    take = tmp_path / "take"
    assert main(["track", str(clip), "--out", str(take), "--weights", asked]) == 0
    assert yaml.safe_load((take / "take.yaml").read_text())["weights"] == told


def test_track_refuses_to_overwrite(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "take").mkdir()
    (tmp_path / "take" / "precious").touch()
    assert main(["track", str(clip), "--out", str(tmp_path / "take")]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_video_without_a_face_is_an_error_and_leaves_no_take(
    clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MadeUpTracker, "empty", True)
    assert main(["track", str(clip), "--out", str(tmp_path / "take")]) == 2
    assert f"no face found in any of its {FRAMES} frames" in capsys.readouterr().err
    assert not (tmp_path / "take").exists()


def test_disk_that_refuses_is_an_error(
    clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(track.TakeWriter, "write", refuse)
    assert main(["track", str(clip), "--out", str(tmp_path / "take")]) == 2
    assert "take: No space left on device" in capsys.readouterr().err


def test_export_refuses_a_take_of_another_head(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take = tmp_path / "take"
    assert main(["track", str(clip), "--out", str(take)]) == 0
    info = (take / "take.yaml").read_text()
    (take / "take.yaml").write_text(
        info.replace(resources.sha256(assembly.head_file("open")), "ff" * 32)
    )
    assert main(["export", str(take), "--out", str(tmp_path / "a.npz")]) == 2
    assert "was tracked with the head 'open' of checksum ffffff" in capsys.readouterr().err


def test_live_headless_plays_a_file_and_reports(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", "--headless", "--source", str(clip)]) == 0
    said = capsys.readouterr().out
    assert f"{FRAMES} captured" in said
    captured, processed, shown, dropped = (
        int(re.search(pattern, said)[1])  # type: ignore[index]
        for pattern in (
            r"(\d+) captured", r"(\d+) processed", r"tracked +(\d+) ", r"(\d+) before the tracker",
        )
    )  # fmt: skip
    assert captured == processed + dropped
    assert processed - 1 <= shown <= processed
    assert "capture to vmc" in said


def test_live_without_a_camera_plays_the_demo_once_and_says_so(
    clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "listed", list)
    monkeypatch.setattr(demo, "checked", lambda _path: clip)
    assert main(["live", "--headless"]) == 0
    said = capsys.readouterr().out
    assert "No camera found: tracking the built-in demo." in said
    assert f"{FRAMES} captured" in said


def test_live_ends_after_the_time_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = write_video(tmp_path / "long.mkv", range(0, 20_000, 1000))
    assert main(["live", "--headless", "--source", str(long), "--seconds", "0.3"]) == 0
    assert "1 captured" in capsys.readouterr().out


def test_live_without_a_display_says_so(
    clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "has_display", lambda: False)
    assert main(["live", "--source", str(clip)]) == 0
    assert "No display: running without a window." in capsys.readouterr().out


def test_sources_are_told_apart(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cameras, "listed", lambda: [Device(4, "Acme Cam")])
    assert choices.live_source("demo", loop=True).settings.loop
    assert choices.live_source(str(clip), loop=False).kind == "video_file"
    for text in ("4", "acme", "/dev/video4"):
        choice = choices.live_source(text, loop=False)
        assert (choice.kind, choice.settings.device) == ("webcam", "Acme Cam")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost:39539", "localhost", 39539),
        ("[::1]:1", "::1", 1),
        ("10.0.0.2:80", "10.0.0.2", 80),
    ],
)
def test_osc_address_is_read(text: str, host: str, port: int) -> None:
    settings = choices.osc_output(text).settings
    assert (settings.host, settings.port) == (host, port)


def test_help_lists_every_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "--help"],
        cwd=resources.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for command in ("live", "track", "export", "head"):
        assert f"\n    {command} " in done.stdout


def test_several_files_become_takes_with_film_that_are_whole(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.mkv"
    other.write_bytes(clip.read_bytes())
    out = tmp_path / "takes"
    assert main(["track", str(clip), str(other), "--out", str(out)]) == 0
    folders = sorted(out.iterdir())
    assert [folder.name for folder in folders] == sorted([clip.stem, "other"])
    assert main(["takes", "verify", *map(str, folders)]) == 0
    before = [(folder / "take.yaml").read_bytes() for folder in folders]
    capsys.readouterr()
    assert main(["track", str(clip), str(other), "--out", str(out)]) == 0
    assert capsys.readouterr().out.count("complete already") == 2
    assert [(folder / "take.yaml").read_bytes() for folder in folders] == before


def test_a_part_of_a_file_has_the_pictures_that_were_tracked(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "part"
    assert main(["track", str(clip), "--out", str(folder), "--max-frames", "3"]) == 0
    assert main(["takes", "verify", str(folder)]) == 0
    index, _ = read_frame_times(folder, whole=True)
    assert list(index) == [0, 1, 2]
