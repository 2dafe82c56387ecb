"""The dialog of the keys: every action with its key; a key that is taken is told."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.panels.card import text


class HotkeyDialog(QDialog):
    """Keys take effect and are kept with OK; a key can belong to one action only."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Hotkeys"))
        self.resize(520, 560)
        self._actions = actions
        self.edits: dict[str, QKeySequenceEdit] = {}
        grid_widget = QWidget(objectName="page")
        self._grid = QGridLayout(grid_widget)
        self._grid.setColumnStretch(0, 1)
        for name in actions.names:
            self._add_row(name)
        scroll = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        scroll.setWidget(grid_widget)
        self.problem = text("", "problem", wrap=True)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel | buttons.RestoreDefaults)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.button(buttons.RestoreDefaults).clicked.connect(self._restore)
        rows = QVBoxLayout(self)
        rows.addWidget(scroll, 1)
        rows.addWidget(self.problem)
        rows.addWidget(self.buttons)
        self._check()

    def accept(self) -> None:
        for name, edit in self.edits.items():
            self._actions.set_key(name, edit.keySequence())
        super().accept()

    def _add_row(self, name: str) -> None:
        words = self._words(name)
        edit, clear = QKeySequenceEdit(self._actions.names[name].shortcut()), QPushButton("✕")
        edit.setMaximumSequenceLength(1)
        edit.setAccessibleName(words)
        edit.setFixedWidth(190)
        edit.keySequenceChanged.connect(self._check)
        clear.setAccessibleName(self.tr("No key for {0}").format(words))
        clear.setFixedWidth(34)
        clear.clicked.connect(edit.clear)
        row = len(self.edits)
        self._grid.addWidget(QLabel(words), row, 0)
        self._grid.addWidget(edit, row, 1, Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(clear, row, 2)
        self.edits[name] = edit

    def _words(self, name: str) -> str:
        return self._actions.names[name].text().replace("&", "").rstrip("…")

    def _check(self) -> None:
        """Tell which keys are given twice; OK waits until none is."""
        owners: dict[str, list[str]] = {}
        for name, edit in self.edits.items():
            if not edit.keySequence().isEmpty():
                owners.setdefault(edit.keySequence().toString(), []).append(self._words(name))
        twice = [f"{key}: {', '.join(names)}" for key, names in owners.items() if len(names) > 1]
        problem = self.tr("One key, several actions: {0}").format("; ".join(twice))
        self.problem.setText(problem if twice else "")
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(not twice)

    def _restore(self) -> None:
        for name, edit in self.edits.items():
            edit.setKeySequence(QKeySequence(self._actions.usual_key(name)))
