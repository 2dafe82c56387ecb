"""The 52 shapes: what is measured and sent, and how they are tuned."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place
from app.panels.shapes import ShapesPanel

PLACE, ORDER, LATER = Place.SIDE, 20, True
ICON = "M4 6h10 M18 6h2 M16 4v4 M4 12h4 M12 12h8 M10 10v4 M4 18h9 M17 18h3 M15 16v4"


def title() -> str:
    return QCoreApplication.translate("pages", "Shapes")


def create(desk: Desk) -> QWidget:
    panel = ShapesPanel(desk.bridge.config.shapes)
    panel.edited.connect(
        lambda tuning, words, gesture: desk.undo.change(words, gesture=gesture, shapes=tuning)
    )
    desk.bridge.configured.connect(lambda config: panel.show_tuning(config.shapes))
    desk.bridge.tracked.connect(lambda _frame, result: panel.show_result(result))
    return panel
