"""Where the result is sent."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place
from app.pages._column import column
from app.panels.outputs import OutputPanel

PLACE, ORDER = Place.SIDE, 30
ICON = "M4 12h11 M10 6l6 6-6 6 M20 4v16"


def title() -> str:
    return QCoreApplication.translate("pages", "Outputs")


def create(desk: Desk) -> QWidget:
    panel = OutputPanel(desk.bridge.config.outputs)
    panel.chosen.connect(lambda outputs: desk.bridge.change(outputs=outputs))
    desk.bridge.status_changed.connect(panel.show_status)
    return column(panel)
