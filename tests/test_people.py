"""People on disk: whole, safe, and told apart from damaged and foreign files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import assembly
from engine.errors import PersonError
from engine.fit.person import FocalLength, Knowledge, PersonCalibration, StoredPerson
from engine.fit.rest import LearntRest
from engine.people import People
from engine.resources import sha256


def _knowledge() -> Knowledge:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(60, 60))
    return Knowledge(
        shape=rng.normal(size=60),
        information=root @ root.T,
        pull=rng.normal(size=60),
        worth=7.5,
        belief_frames=12,
        belief_information=rng.uniform(1, 2, 60),
        belief_weighted=rng.normal(size=60),
        rotations=np.tile(np.eye(3), (4, 1, 1)),
        expressions=rng.uniform(size=(4, 52)),
    )


def _person(name: str = "Ana María") -> StoredPerson:
    rng = np.random.default_rng(1)
    calibration = PersonCalibration(rng.uniform(0, 0.2, 52), rng.uniform(0.8, 1.5, 52))
    focal = {"cam 640x480": FocalLength(612.5, 0.03)}
    rest = LearntRest(rng.uniform(0, 0.2, 52), 42.5)
    return StoredPerson(name, "open", "ab" * 32, _knowledge(), focal, calibration, rest)


def test_a_person_comes_back_as_they_were(tmp_path: Path) -> None:
    people, person = People(tmp_path / "people"), _person()
    assert people.names() == []
    path = people.save(person)
    assert people.names() == ["Ana María"]
    again = people.load("Ana María")
    assert (again.head, again.head_sha256, again.focal) == ("open", "ab" * 32, person.focal)
    assert person.knowledge is not None
    assert again.knowledge is not None
    for field in ("shape", "information", "pull", "rotations", "expressions", "belief_weighted"):
        np.testing.assert_array_equal(
            getattr(again.knowledge, field), getattr(person.knowledge, field)
        )
    assert (again.knowledge.worth, again.knowledge.belief_frames) == (7.5, 12)
    assert again.calibration is not None
    assert person.calibration is not None
    np.testing.assert_array_equal(again.calibration.gain, person.calibration.gain)
    assert again.rest is not None
    assert person.rest is not None
    np.testing.assert_array_equal(again.rest.offset, person.rest.offset)
    assert again.rest.seen_s == 42.5
    assert [p.name for p in path.parent.iterdir()] == [path.name], "an unfinished file is left"


def test_nothing_in_a_file_is_ever_run(tmp_path: Path) -> None:
    """A pickle inside the archive must be refused, not loaded."""
    people = People(tmp_path)
    path = people.save(_person("eve"))
    with np.load(path) as file:
        content = dict(file)
    np.savez(path, **{**content, "known_shape": np.array([Path("x")], object)})
    with pytest.raises(PersonError, match=r"eve\.npz: not a person's file"):
        people.load("eve")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format_version", np.array(99)),
        ("known_information", np.zeros((3, 3))),
        ("known_shape", np.full(60, np.nan)),
        ("calibration_gain", np.ones(3)),
        ("rest_offset", np.full(52, np.inf)),
        ("rest_seen_s", np.array("long")),
        ("focal_px", np.array([-1.0])),
    ],
)
def test_damaged_content_is_told_with_the_file(
    tmp_path: Path, field: str, value: np.ndarray
) -> None:
    people = People(tmp_path)
    path = people.save(_person("bo"))
    with np.load(path) as file:
        content = dict(file)
    np.savez(path, **{**content, field: value})
    with pytest.raises(PersonError, match=r"bo\.npz: not a person's file"):
        people.load("bo")


def test_a_file_cut_off_is_told(tmp_path: Path) -> None:
    people = People(tmp_path)
    path = people.save(_person("bo"))
    path.write_bytes(b"PK and then nothing of use")
    with pytest.raises(PersonError, match=r"bo\.npz"):
        people.load("bo")


def test_forget_and_rename(tmp_path: Path) -> None:
    people = People(tmp_path)
    people.save(_person("bo"))
    people.save(_person("cy"))
    with pytest.raises(PersonError, match="'cy' already"):
        people.rename("bo", "cy")
    people.rename("bo", "Bo's twin")
    assert people.names() == ["Bo's twin", "cy"]
    people.forget("cy")
    with pytest.raises(PersonError, match="known are Bo's twin"):
        people.load("cy")


@pytest.mark.parametrize("name", ["", " bo", "../bo", "a/b", "bo ", "x" * 61])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PersonError, match="not a name"):
        People(tmp_path).path(name)


def test_a_person_of_another_head_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(assembly.People, "__init__", lambda self: setattr(self, "folder", tmp_path))
    assert assembly.expected_person("new", "open").knowledge is None
    People.save(assembly.People(), _person("old"))
    with pytest.raises(PersonError, match=r"old\.npz: learnt with another head model"):
        assembly.expected_person("old", "open")
    made_for = sha256(assembly.head_file("open"))
    assembly.People().save(replace(_person("old"), head_sha256=made_for))
    assert assembly.expected_person("old", "open").knowledge is not None
