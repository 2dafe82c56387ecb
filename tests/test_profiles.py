"""Profiles: what is saved is what is loaded; names are the user's own words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine import config
from engine.config import Config, output_choice, source_choice
from engine.errors import ConfigError
from engine.profiles import Profiles, set_aside

STREAM = Config(
    source_choice("webcam", device="2", width_px=1280),
    outputs=(output_choice("vmc", port=40_001), output_choice("vmc", port=40_002)),
)


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    return Profiles(tmp_path / "profiles")


@pytest.mark.parametrize("name", ["Stream", "Ärger / zu Hause?", "..", "a.b", "CON"])
def test_what_is_saved_is_loaded(profiles: Profiles, tmp_path: Path, name: str) -> None:
    assert profiles.names() == []
    profiles.save(name, STREAM)
    assert profiles.names() == [name]
    assert profiles.load(name) == STREAM
    assert len(list((tmp_path / "profiles").iterdir())) == 1  # nowhere else


def test_copies_and_names(profiles: Profiles) -> None:
    profiles.save("b", STREAM)
    profiles.duplicate("b", "A")
    assert profiles.names() == ["A", "b"]
    profiles.save("b", replace(STREAM, outputs=()))
    assert profiles.load("A") == STREAM
    profiles.rename("A", "c")
    assert profiles.names() == ["b", "c"]
    assert profiles.load("c") == STREAM
    profiles.delete("b")
    assert profiles.names() == ["c"]


def test_nothing_is_overwritten_by_copying_or_renaming(profiles: Profiles) -> None:
    profiles.save("a", STREAM)
    profiles.save("b", config.default())
    for step in (profiles.duplicate, profiles.rename):
        with pytest.raises(ConfigError, match="already"):
            step("a", "B")
    assert profiles.load("b") == config.default()


def test_what_cannot_be_is_said(profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1 to 64"):
        profiles.save("  ", STREAM)
    for step in (profiles.load, profiles.delete, lambda name: profiles.rename(name, "x")):
        with pytest.raises(ConfigError, match=r"absent\.yaml"):
            step("absent")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "odd.yaml").write_text("version: 1\nsource: {kind: webcam, size: 3}\n")
    with pytest.raises(ConfigError, match=r"odd\.yaml.*size.*allowed"):
        profiles.load("odd")


def test_a_damaged_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    kept = []
    for text in ("one", "two"):
        path.write_text(text)
        kept.append(set_aside(path))
    assert not path.exists()
    assert [p.read_text() for p in kept] == ["one", "two"]
