"""Every source, output and export offers what its package says; a new file is covered at once."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

import app.commands
import app.measures
import engine.capture.sources
import engine.export
import engine.network.backends
import engine.outputs
from engine import plugins, settings
from engine.outputs import Delivery

SOURCES, OUTPUTS = plugins.kinds(engine.capture.sources), plugins.kinds(engine.outputs)


@pytest.mark.parametrize(
    ("package", "kind"),
    [(engine.capture.sources, kind) for kind in SOURCES]
    + [(engine.outputs, kind) for kind in OUTPUTS],
)
def test_settings_are_frozen_documented_and_in_range(package: object, kind: str) -> None:
    made = plugins.load(package, kind).Settings()  # type: ignore[arg-type]
    assert dataclasses.is_dataclass(made)
    assert settings.check(made, kind) == made
    assert hash(made) == hash(dataclasses.replace(made))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(made)[0].name, None)
    for declared in dataclasses.fields(made):
        assert declared.metadata["about"].endswith("."), f"{kind}.{declared.name}"


@pytest.mark.parametrize("kind", SOURCES)
def test_sources_can_be_found(kind: str) -> None:
    found = plugins.load(engine.capture.sources, kind).find()
    assert all(isinstance(name, str) for name in found)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_outputs_open_and_close_without_a_receiver(kind: str) -> None:
    module = plugins.load(engine.outputs, kind)
    sink = module.create(module.Settings())
    assert isinstance(sink.delivery, Delivery)
    assert sink.traffic.packets == 0
    sink.close()


@pytest.mark.parametrize("kind", plugins.kinds(engine.export))
def test_exports_take_a_take_a_head_a_place_and_a_job(kind: str) -> None:
    module = plugins.load(engine.export, kind)
    assert list(inspect.signature(module.write).parameters) == [
        "take",
        "head",
        "destination",
        "job",
    ]
    assert module.SUFFIX == "" or module.SUFFIX.startswith(".")


@pytest.mark.parametrize("kind", plugins.kinds(engine.network.backends))
def test_backends_are_made_from_weights_threads_and_precision(kind: str) -> None:
    create = plugins.load(engine.network.backends, kind).create
    assert list(inspect.signature(create).parameters) == ["weights", "threads", "half"]


@pytest.mark.parametrize("kind", plugins.kinds(app.commands))
def test_commands_offer_help_arguments_and_run(kind: str) -> None:
    module = plugins.load(app.commands, kind)
    assert module.HELP.strip() == module.HELP
    assert list(inspect.signature(module.add_arguments).parameters) == ["parser"]
    assert len(inspect.signature(module.run).parameters) == 1


@pytest.mark.parametrize("kind", plugins.kinds(app.measures))
def test_measures_offer_help_arguments_and_run(kind: str) -> None:
    module = plugins.load(app.measures, kind)
    assert module.HELP.strip() == module.HELP
    assert list(inspect.signature(module.add_arguments).parameters) == ["parser"]
    assert list(inspect.signature(module.run).parameters) == ["args", "config"]
