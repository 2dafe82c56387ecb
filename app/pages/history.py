"""Curves of the last minute, below the picture."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place

PLACE, ORDER, LATER = Place.BELOW, 20, True


def title() -> str:
    return QCoreApplication.translate("pages", "History")


def create(desk: Desk) -> QWidget:
    from app.panels.history import HistoryPanel

    return HistoryPanel(desk.bridge.history)
