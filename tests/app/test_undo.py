"""Undo and redo: every step back is the very configuration before; a drag is one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication

from app.undo import Undo
from engine.config import Config, output_choice, source_choice
from engine.tuning import Tuning


class Holder:
    """Holds a configuration as the bridge does."""

    def __init__(self) -> None:
        self.config = Config(source_choice("demo"), outputs=(output_choice("vmc"),))

    def change(self, **parts: Any) -> None:
        self.config = replace(self.config, **parts)


@pytest.fixture
def holder() -> Holder:
    return Holder()


@pytest.fixture
def undo(holder: Holder) -> Iterator[Undo]:
    existing = QCoreApplication.instance()
    made = existing or QCoreApplication([])
    yield Undo(holder)
    if existing is None:
        made.shutdown()


@pytest.mark.window
def test_steps_go_back_and_forth(undo: Undo, holder: Holder) -> None:
    told: list[Config] = []
    undo.changed.connect(told.append)
    states = [holder.config]
    undo.change("Remove output", outputs=())
    states.append(holder.config)
    undo.change("Choose source", source=source_choice("webcam"))
    states.append(holder.config)
    assert undo.stack.undoText() == "Choose source"
    undo.stack.undo()
    assert holder.config == states[1]
    undo.stack.undo()
    assert holder.config == states[0]
    assert not undo.stack.canUndo()
    undo.stack.redo()
    undo.stack.redo()
    assert holder.config == states[2]
    assert told == [states[i] for i in (1, 2, 1, 0, 1, 2)]


@pytest.mark.window
def test_a_drag_is_one_step_and_other_parts_are_left_alone(undo: Undo, holder: Holder) -> None:
    for tenth in range(11, 16):
        shapes = holder.config.shapes.changed("jawOpen", gain=tenth / 10)
        undo.change("Jaw open: gain", gesture=("jawOpen", "gain", 1), shapes=shapes)
    assert undo.stack.count() == 1
    undo.change(
        "Jaw open: gain",
        gesture=("jawOpen", "gain", 2),
        shapes=holder.config.shapes.changed("jawOpen", gain=3.0),
    )
    assert undo.stack.count() == 2
    holder.change(source=source_choice("webcam"))  # not by a step
    undo.stack.undo()
    assert holder.config.shapes.of("jawOpen").gain == 1.5
    undo.stack.undo()
    assert holder.config.shapes == Tuning()
    assert holder.config.source.kind == "webcam"


@pytest.mark.window
def test_what_changes_nothing_is_no_step(undo: Undo, holder: Holder) -> None:
    undo.change("Nothing", outputs=holder.config.outputs)
    assert undo.stack.count() == 0
    for gain in (1.5, 1.0):
        shapes = holder.config.shapes.changed("jawOpen", gain=gain)
        undo.change("Jaw open: gain", gesture="drag", shapes=shapes)
    assert undo.stack.count() == 0  # dragged back to where it began
