"""What the user got wrong is said in one line, with exit status 2, by the real program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from videos import write_sound, write_video

from app.cli import main
from engine.resources import ROOT


def _run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(cwd), "XDG_CONFIG_HOME": os.devnull}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip


def _refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run in this process; return what was said on stderr."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        status = stop.code
    assert status == 2
    return capsys.readouterr().err


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", range(0, 400, 40))


def test_absent_camera_by_the_real_program() -> None:
    done = _run("live", "--headless", "--source", "/dev/video99")
    assert done.returncode == 2
    assert done.stderr.startswith("flowface: error: /dev/video99: no such camera or file; cameras")
    assert "Traceback" not in done.stderr


def test_unknown_host_by_the_real_program(clip: Path) -> None:
    done = _run("live", "--headless", "--source", clip, "--osc", "no-such-host.invalid:39539")
    assert done.returncode == 2
    assert "error: VMC receiver 'no-such-host.invalid': unknown host name" in done.stderr


def test_wrong_checksum_by_the_real_program(tmp_path: Path, clip: Path) -> None:
    copy = tmp_path / "installed"
    for folder in ("app", "engine"):
        ignored = shutil.ignore_patterns("__pycache__", "training", "evaluation")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    shutil.copytree(ROOT / "resources" / "heads", copy / "resources" / "heads")
    shutil.copy(ROOT / "resources" / "manifest.yaml", copy / "resources")
    head = copy / "resources" / "heads" / "open" / "head.npz"
    damaged = bytearray(head.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    head.write_bytes(damaged)
    done = _run("track", clip, "--out", tmp_path / "take", cwd=copy)
    assert done.returncode == 2
    assert "head.npz: wrong checksum" in done.stderr
    assert not (tmp_path / "take").exists()


def test_what_is_no_video(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("Dear Sir or Madam")
    for source, message in (
        (tmp_path / "none.mp4", "none.mp4: no such file"),
        (text, "letter.mp4: not a video that can be read"),
        (write_sound(tmp_path / "a.wav"), "a.wav: has no video stream"),
    ):
        assert message in _refused(capsys, "track", source, "--out", tmp_path / "take")
    assert not (tmp_path / "take").exists()


def test_unknown_option_values(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path
) -> None:
    track = ("track", clip, "--out", tmp_path / "take")
    live = ("live", "--headless", "--source", clip)
    for arguments, message in (
        ((*track, "--backend", "abacus"), "invalid choice: 'abacus'"),
        ((*track, "--threads", "0"), "0: must be at least 1"),
        ((*track, "--max-frames", "many"), "invalid positive value: 'many'"),
        ((*live, "--seconds", "-1"), "-1: must be above 0"),
        ((*live, "--osc", "localhost"), "--osc 'localhost': needs HOST:PORT"),
        ((*live, "--osc", "localhost:99999"), "--osc.port: 99999 is out of range"),
        (("export", tmp_path, "--format", "vhs", "--out", "x"), "invalid choice: 'vhs'"),
        (("juggle",), "invalid choice: 'juggle'"),
        ((), "the following arguments are required: COMMAND"),
        (("head", "--name", "hydra"), "unknown kind 'hydra_head'; allowed are open_head"),
    ):
        if arguments[:1] == ("live",):
            arguments = tuple(str(a) for a in arguments)
        assert message in _refused(capsys, *arguments)
    assert not (tmp_path / "take").exists()


def test_folder_that_is_no_take(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "not a take" in _refused(capsys, "export", tmp_path, "--out", tmp_path / "a.npz")


def test_wrong_settings_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    (tmp_path / "flowface-live").mkdir()
    (tmp_path / "flowface-live" / "config.yaml").write_text("version: 1\nouputs: []\n")
    message = _refused(capsys, "live", "--headless")
    assert "config.yaml: unknown key 'ouputs'; allowed are source, tracker, outputs" in message


@pytest.mark.parametrize("more", [(), ("--begin-from", "nano", "--share", "1.5")])
def test_a_mixture_needs_two_weights_and_a_share(
    more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _refused(capsys, "train", "base", "--packs", tmp_path, "--mixed-with", "nano", *more)
    assert "--mixed-with: needs --begin-from, and a --share from 0 to 1" in told
