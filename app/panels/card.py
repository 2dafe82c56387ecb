"""A titled box: what every panel on the right is made of."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget


class Card(QFrame):
    """A rounded box with a heading; widgets go into `rows`."""

    def __init__(self, heading: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAccessibleName(heading)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(16, 12, 16, 14)
        self.rows.setSpacing(8)
        self.rows.addWidget(text(heading.upper(), "heading"))


def text(words: str, role: str, *, wrap: bool = False) -> QLabel:
    """Return a label; `role` is its name in the style sheet."""
    label = QLabel(words, wordWrap=wrap)
    label.setObjectName(role)
    return label
