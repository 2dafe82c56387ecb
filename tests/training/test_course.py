"""A course takes its stages in turn, each from the one before, and goes on where it was."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from engine.errors import ConfigError
from engine.network.aligner import Aligner
from engine.network.config import CONFIGURATIONS, configuration
from engine.resources import RESOURCES
from engine.training.course import read_course, take_course
from engine.training.packs import Pack
from engine.training.train import Trainer, trained_tensors

COURSE = """
- {network: nano, steps: 2, batch: 2, validate_every: 1000, shares: {a: 0, b: 0, c: 1}}
- {network: nano, learn: warm, steps: 1, batch: 2, validate_every: 1000, shares: {a: 0, b: 0, c: 1}}
"""


def test_every_stage_begins_from_the_one_before(
    pack: Pack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "course.yaml"
    path.write_text(COURSE, encoding="utf-8")
    stages = read_course(path)
    torch.manual_seed(1)
    begin = {n: t.clone() for n, t in Aligner(configuration("nano")).state_dict().items()}
    with caplog.at_level(logging.INFO):
        weights = take_course(stages, [pack], {}, begin, tmp_path)
    assert "stage 2 of 2: warm learns" in caplog.text
    first = trained_tensors(str(tmp_path / "1-alignment"))
    last = trained_tensors(str(weights))
    assert last.keys() == begin.keys()
    kept = {name: t.half().float() if t.is_floating_point() else t for name, t in first.items()}
    changed = {name for name, tensor in last.items() if not torch.equal(tensor, kept[name])}
    assert {name.split(".")[0] for name in changed} == {"warm_update"}
    assert not torch.equal(first["encoder.stem.0.weight"], begin["encoder.stem.0.weight"])

    files = {path: path.read_bytes() for path in weights.iterdir()}
    take_course(stages, [pack], {}, None, tmp_path)  # all is done
    assert {path: path.read_bytes() for path in weights.iterdir()} == files


def test_a_warm_block_that_nobody_taught_starts_as_the_cold_one(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "course.yaml"
    path.write_text(COURSE, encoding="utf-8")
    weights = take_course(read_course(path), [pack], {}, None, tmp_path)
    cold = trained_tensors(str(tmp_path / "1-alignment"))
    found = trained_tensors(str(weights))
    blocks = [name for name in found if name.startswith("warm_update.")]
    assert blocks
    for name in blocks:
        torch.testing.assert_close(
            found[name], cold[name.removeprefix("warm_")], rtol=1e-3, atol=1e-3
        )


def test_weights_of_a_course_are_what_a_run_begins_from(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "course.yaml"
    path.write_text(COURSE.splitlines()[1], encoding="utf-8")
    weights = take_course(read_course(path), [pack], {}, None, tmp_path)
    trainer = Trainer(read_course(path)[0], [pack], tmp_path / "next")
    trainer.begin_from(trained_tensors(str(weights)))
    found = trainer.network.state_dict()["place"]
    torch.testing.assert_close(found, trained_tensors(str(weights))["place"])


def test_installed_weights_are_found_by_name_and_by_folder() -> None:
    by_name = trained_tensors("nano")
    by_folder = trained_tensors(str(RESOURCES / "weights" / "nano"))
    assert by_name.keys() == by_folder.keys()
    for name, tensor in by_name.items():
        assert torch.equal(tensor, by_folder[name]), name


@pytest.mark.parametrize(("text", "message"), [
    ("network: nano", "a course is a list"),
    ("[]", "a course is a list"),
    ("- {network: nano, stepps: 3}", r"course\.yaml, stage 1.*stepps"),
    ("[", "no course can be read"),
])  # fmt: skip
def test_what_is_no_course_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "course.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_course(path)


def test_shipped_courses_can_be_read() -> None:
    paths = sorted((RESOURCES / "presets").glob("course_*.yaml"))
    assert len(paths) >= 2
    for path in paths:
        stages = read_course(path)
        assert [stage.learn for stage in stages] == ["alignment", "warm", "heads"]
        assert {stage.network for stage in stages} <= set(CONFIGURATIONS)
        assert sum(stage.minutes for stage in stages) < 9  # of a call of ten
