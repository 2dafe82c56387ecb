"""Rates, latency and losses as a table."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.panels.card import Card, text
from app.status_text import figures
from engine.status import SessionStatus

_tr = QCoreApplication.translate


class FiguresPanel(Card):
    """A line per figure."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_tr("panels", "Performance"), parent)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self.rows.addLayout(self._grid)
        self._values: dict[str, QLabel] = {}

    def show_status(self, status: SessionStatus) -> None:
        """Bring all texts up to date."""
        for label, value in figures(status):
            if label not in self._values:
                self._add_figure(label)
            self._values[label].setText(value)

    def _add_figure(self, label: str) -> None:
        row = len(self._values)
        value = QLabel(alignment=Qt.AlignmentFlag.AlignRight)
        value.setWordWrap(True)
        value.setAccessibleName(label)
        self._grid.addWidget(text(label, "quiet"), row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1)
        self._values[label] = value
