"""The 52 weights, live, below the picture."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place
from app.panels.blendshapes import BlendshapeBars

PLACE, ORDER = Place.BELOW, 10


def title() -> str:
    return QCoreApplication.translate("pages", "Blendshapes")


def create(desk: Desk) -> QWidget:
    bars = BlendshapeBars()
    desk.bridge.tracked.connect(lambda _frame, result: bars.show_weights(result.blendshapes))
    return bars
