"""How fast it goes."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place
from app.pages._column import column
from app.panels.figures import FiguresPanel

PLACE, ORDER = Place.SIDE, 50
ICON = "M4 17a8.5 8.5 0 1 1 16 0 M12 16l4-6 M12 16h.01"


def title() -> str:
    return QCoreApplication.translate("pages", "Speed")


def create(desk: Desk) -> QWidget:
    panel = FiguresPanel()
    desk.bridge.tracked.connect(lambda _frame, result: panel.show_result(result))
    desk.bridge.status_changed.connect(panel.show_status)
    return column(panel)
