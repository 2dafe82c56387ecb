"""Undo and redo of what the user changes: steps between two values of the same parts of Config."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from engine.config import Config

_MERGING = 1  # an id that is not -1 makes Qt ask whether two steps are one
_KEPT = 200


class Changes(Protocol):
    """What holds the configuration and exchanges parts of it: app.bridge.Bridge."""

    @property
    def config(self) -> Config:
        """The configuration in force."""
        ...

    def change(self, **parts: Any) -> None:
        """Exchange parts of it."""
        ...


class Undo(QObject):
    """Every change that can be lost goes through here, so that it can be taken back.

    Panels bring their texts and values in line when `changed` tells, whoever made the change.
    """

    changed = Signal(object)  # Config, after a step, an undo or a redo

    def __init__(self, target: Changes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._target = target
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(_KEPT)

    def change(self, words: str, *, gesture: Hashable = None, **parts: Any) -> None:
        """Change parts of the configuration as one step.

        words    what the step is called in the menu, after Undo
        gesture  steps in a row with the same gesture, such as the drag of one slider, become one
        parts    fields of Config
        """
        config = self._target.config
        before = {name: getattr(config, name) for name in parts}
        if parts != before:
            self.stack.push(_Step(self._apply, words, before, parts, gesture))

    def _apply(self, parts: dict[str, Any]) -> None:
        self._target.change(**parts)
        self.changed.emit(self._target.config)


class _Step(QUndoCommand):
    def __init__(
        self,
        apply: Callable[[dict[str, Any]], None],
        words: str,
        before: dict[str, Any],
        after: dict[str, Any],
        gesture: Hashable,
    ) -> None:
        super().__init__(words)
        self._apply, self._before = apply, before
        self.after, self.gesture = after, gesture

    def redo(self) -> None:
        self._apply(self.after)

    def undo(self) -> None:
        self._apply(self._before)

    def id(self) -> int:
        return -1 if self.gesture is None else _MERGING

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Step) or other.gesture != self.gesture:
            return False
        if other.after.keys() != self.after.keys():
            return False
        self.after = other.after
        self.setObsolete(self.after == self._before)  # a drag back to where it began
        return True
