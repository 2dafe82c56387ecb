"""Curves of the last minute, below the picture."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place
from app.panels.history import HistoryPanel

PLACE, ORDER = Place.BELOW, 20


def title() -> str:
    return QCoreApplication.translate("pages", "History")


def create(desk: Desk) -> QWidget:
    return HistoryPanel(desk.bridge.history)
