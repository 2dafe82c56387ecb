"""Presets of the shapes: what is written is read; what is damaged is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.presets import Presets, Whose
from engine.tuning import Tuning

TUNING = Tuning().changed("jawOpen", gain=1.5, curve="smooth").linked("eyeBlinkLeft", mean=True)


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(Whose.PERSON, tmp_path)


def test_people_and_avatars_are_kept_apart(presets: Presets, tmp_path: Path) -> None:
    presets.save("Zoë 2/3".replace("/", "-"), TUNING)
    presets.save("anna", Tuning())
    assert presets.names() == ["Zoë 2-3", "anna"]
    assert presets.load("Zoë 2-3") == TUNING
    assert Presets(Whose.AVATAR, tmp_path).names() == []
    presets.save("anna", TUNING)
    assert presets.load("anna") == TUNING


def test_renamed_and_deleted(presets: Presets) -> None:
    presets.save("anna", TUNING)
    presets.save("bo", Tuning())
    with pytest.raises(ConfigError, match=r"bo\.yaml: there is a preset 'bo' already"):
        presets.rename("anna", "bo")
    presets.rename("anna", "cy")
    assert presets.names() == ["bo", "cy"]
    assert presets.load("cy") == TUNING
    presets.delete("bo")
    with pytest.raises(ConfigError, match="no preset 'bo'; there are: cy"):
        presets.load("bo")


@pytest.mark.parametrize("name", ["", " a", "../a", "a/b", ".a", "x" * 61])
def test_a_name_that_leads_elsewhere_is_refused(presets: Presets, name: str) -> None:
    with pytest.raises(ConfigError, match="not a name for a preset"):
        presets.save(name, TUNING)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs the keys version and shapes"),
        ("version: 2\nshapes: {}", r"version: 2; allowed is 1"),
        ("version: 1\nshapes: {rows: [{name: jawOpen, gian: 2}]}", r"rows\[0\]: unknown key 'gian"),
        ("version: 1\nshapes: {rows: [{name: jawOpen, gain: -1}]}", r"gain: -1.0 is out of range"),
        ("version: 1\nshapes: {rows: [{name: smile}]}", r"rows\[0\]\.name: 'smile' is not one of"),
        ("version: [", "cannot be read"),
        ("!!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)
def test_a_damaged_file_is_named_with_its_key(presets: Presets, text: str, message: str) -> None:
    path = presets.save("anna", TUNING)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        presets.load("anna")
    assert str(path) in str(caught.value)
