"""The shapes: live bars, search, tuning and presets."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import Card, text
from app.panels.shape_bars import ShapeBars
from app.panels.shape_editor import ShapeEditor
from app.panels.shape_presets import ShapePresets
from engine.tuning import Tuning
from engine.types import TrackResult

_LEAST_HEIGHT = 150


class ShapesPanel(QWidget):
    """Bars above, the chosen shape's tuning below.

    presets  folder of the presets; the user's if None
    """

    # Tuning, what was done in words, and the gesture that it belongs to
    edited = Signal(object, str, object)

    def __init__(
        self, tuning: Tuning, presets: Path | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.bars, self.editor = ShapeBars(), ShapeEditor()
        self.presets = ShapePresets(presets)
        self.search = QLineEdit(placeholderText=self.tr("Search"), clearButtonEnabled=True)
        self.search.setAccessibleName(self.tr("Search shapes"))
        self.reset_all = QPushButton(self.tr("Reset &all"))
        self.problem = text("", "small", wrap=True)
        self.problem.setVisible(False)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(10)
        rows.addWidget(self._list_card(), 1)
        rows.addWidget(self.editor)
        self.search.textChanged.connect(self.bars.search)
        self.bars.chosen.connect(self._choose)
        self.bars.reset_asked.connect(self.editor.ask_reset)
        self.editor.edited.connect(self.edited)
        self.presets.loaded.connect(
            lambda made, name: self.edited.emit(made, self.tr("Load {0}").format(name), None)
        )
        self.presets.failed.connect(self._show_problem)
        self.reset_all.clicked.connect(
            lambda: self.edited.emit(Tuning(), self.tr("Reset all shapes"), None)
        )
        self.show_tuning(tuning)

    def show_tuning(self, tuning: Tuning) -> None:
        """Bring everything in line with the tuning in force."""
        self.tuning = tuning
        self.bars.show_tuning(tuning)
        self.presets.show_tuning(tuning)
        self.editor.show_shape(self.bars.current, tuning)
        self.reset_all.setEnabled(tuning != Tuning())

    def show_result(self, result: TrackResult) -> None:
        """Show new values."""
        if self.bars.isVisible():
            self.bars.show_result(result)

    def _list_card(self) -> Card:
        card = Card(self.tr("Shapes"))
        card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.reset_all)
        self._scroll = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        self._scroll.setObjectName("shapes")
        self._scroll.setWidget(self.bars)
        self._scroll.setMinimumHeight(_LEAST_HEIGHT)
        self._scroll.viewport().setAutoFillBackground(False)
        self.bars.setAutoFillBackground(False)
        for part in (self.presets, self.problem):
            card.rows.addWidget(part)
        card.rows.addLayout(top)
        card.rows.addWidget(self._scroll, 1)
        return card

    def _choose(self, name: str) -> None:
        self.editor.show_shape(name, self.tuning)
        row = self.bars.place(name)
        self._scroll.ensureVisible(0, round(row.center().y()), 0, round(row.height()))

    def _show_problem(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.setVisible(bool(words))
