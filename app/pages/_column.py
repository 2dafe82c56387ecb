"""Cards below one another: what a page beside the picture is usually made of."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget


def column(*cards: QWidget) -> QWidget:
    """Return a page of cards; the room that is left stays below them."""
    page = QWidget()
    page.setObjectName("page")
    rows = QVBoxLayout(page)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setSpacing(10)
    for card in cards:
        rows.addWidget(card)
    rows.addStretch(1)
    return page
