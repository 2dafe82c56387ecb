"""Settings: what is wrong is named, what is right survives a round trip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from engine import config, settings
from engine.config import Config, TrackerConfig, output_choice, source_choice
from engine.errors import ConfigError
from engine.settings import setting


@dataclass(frozen=True)
class Lens:
    focal_mm: float = setting(50.0, "Focal length.", minimum=1.0, maximum=800.0)


@dataclass(frozen=True)
class Settings:
    name: str = "a"
    count: int = setting(3, "How many.", minimum=1)
    mode: str = setting("fast", "How.", choices=("fast", "good"))
    on: bool = False
    limit: int | None = setting(None, "At most.", minimum=1)
    sizes: tuple[float, ...] = ()
    lens: Lens = field(default_factory=Lens)
    gain: float = setting(1.0, "How much.", minimum=0.0)


def test_reads_every_kind_of_field() -> None:
    given = {"name": "b", "count": 4, "mode": "good", "on": True, "limit": 9, "sizes": [1, 2.5],
             "lens": {"focal_mm": 35}}  # fmt: skip
    made = settings.read(Settings, given, "f")
    assert made == Settings("b", 4, "good", True, 9, (1.0, 2.5), Lens(35.0))
    assert type(made.lens.focal_mm) is float
    assert settings.read(Settings, settings.plain(made), "f") == made


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cuont": 3}, "f: unknown key 'cuont'; allowed are name, count, mode"),
        ({"count": "3"}, r"f\.count: needs a whole number, got '3'"),
        ({"count": True}, r"f\.count: needs a whole number, got True"),
        ({"on": 1}, r"f\.on: needs true or false, got 1"),
        ({"count": 0}, r"f\.count: 0 is out of range; allowed is at least 1"),
        ({"limit": 0}, r"f\.limit: 0 is out of range"),
        ({"mode": "slow"}, r"f\.mode: 'slow' is not one of 'fast', 'good'"),
        ({"lens": {"focal_mm": 900}}, r"f\.lens\.focal_mm: 900\.0 .* allowed is 1\.0 to 800\.0"),
        ({"lens": {"focal_mm": float("nan")}}, r"focal_mm: nan is out of range"),
        ({"gain": float("nan")}, r"gain: nan is out of range"),
        ({"sizes": 3}, r"f\.sizes: needs a list, got 3"),
        ({"sizes": [1, "x"]}, r"f\.sizes\[1\]: needs a number, got 'x'"),
        ("text", "f: needs keys and values, got 'text'"),
    ],
)
def test_what_is_wrong_is_named(given: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings.read(Settings, given, "f")


def test_check_looks_into_nested_settings_made_by_hand() -> None:
    with pytest.raises(ConfigError, match=r"here\.lens\.focal_mm"):
        settings.check(Settings(lens=Lens(0.0)), "here")


def _example() -> Config:
    return Config(
        source=source_choice("video_file", path="clip.mp4", paced=False, max_frames=10),
        tracker=TrackerConfig(threads=1),
        outputs=(output_choice("vmc", port=39540), output_choice("vmc", host="::1")),
    )


def test_config_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.yaml"
    config.save(_example(), path)
    assert config.load(path) == _example()
    assert yaml.safe_load(path.read_text())["outputs"][0]["kind"] == "vmc"
    assert [file.name for file in path.parent.iterdir()] == ["config.yaml"]


def test_keys_not_named_keep_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("version: 1\ntracker: {threads: 3}\n")
    loaded = config.load(path)
    assert loaded == replace(config.default(), tracker=TrackerConfig(threads=3))


def test_defaults_pass_their_own_check(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    config.save(config.default(), path)
    assert config.load(path) == config.default()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nsorce: {}\n", "unknown key 'sorce'; allowed are source, tracker, outputs"),
        ("version: 99\n", "version: 99; allowed are 1 to 1"),
        ("tracker: {}\n", "version: None"),
        ("version: 1\nsource: {device: '0'}\n", "needs `kind`, one of demo, take, video_file"),
        ("version: 1\nsource: {kind: wbcam}\n", "source: .*unknown kind 'wbcam'; allowed are demo"),
        ("version: 1\nsource: {kind: webcam, width_px: 3}\n", r"source\.width_px: 3 is out of"),
        ("version: 1\noutputs: [{kind: vmc, port: 70000}]\n", r"outputs\[0\]\.port: 70000"),
        ("version: 1\noutputs: {kind: vmc}\n", "outputs: needs a list"),
        ("version: 1\ntracker: {threads: two}\n", r"tracker\.threads: needs a whole number"),
        ("[1, 2]\n", "needs keys and values"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_wrong_file_is_named_with_key_and_allowed(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(path)
    assert str(path) in str(caught.value)


def test_absent_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "none.yaml")


def test_old_versions_are_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(content: dict) -> dict:
        return {"tracker": {"threads": content["threads"]}}

    monkeypatch.setattr(config, "VERSION", 2)
    monkeypatch.setitem(config.MIGRATIONS, 1, rename)
    path = tmp_path / "config.yaml"
    path.write_text("version: 1\nthreads: 4\n")
    assert config.load(path).tracker.threads == 4


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yaml"
    config.save(_example(), path)

    def fail(*_paths: object) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(config.os, "replace", fail)
    with pytest.raises(OSError, match="power cut"):
        config.save(config.default(), path)
    assert config.load(path) == _example()


def test_same_output_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="two entries are the same"):
        Config(source=source_choice("demo"), outputs=(output_choice("vmc"), output_choice("vmc")))
