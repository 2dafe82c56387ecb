"""How fast it goes."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place
from app.panels.performance import PerformancePanel
from app.remedies import Offer
from engine.machine import Machine

PLACE, ORDER = Place.SIDE, 50
ICON = "M4 17a8.5 8.5 0 1 1 16 0 M12 16l4-6 M12 16h.01"
_SLOW_PREVIEW_HZ = 15.0
_tr = QCoreApplication.translate


def title() -> str:
    return _tr("pages", "Speed")


def create(desk: Desk) -> QWidget:
    panel, bridge = PerformancePanel(Machine()), desk.bridge
    source = [bridge.config.source]

    def configured() -> None:
        if source[0] != bridge.config.source:
            source[0] = bridge.config.source
            panel.forget()

    def relieve(offer: Offer) -> None:
        if offer.source is None:
            bridge.limit_preview(_SLOW_PREVIEW_HZ)
        else:
            desk.undo.change(offer.words, source=offer.source)

    panel.chosen.connect(relieve)
    bridge.tracked.connect(lambda _frame, result: panel.show_result(result))
    bridge.status_changed.connect(lambda status: panel.show_status(status, bridge.config.source))
    bridge.configured.connect(lambda _config: configured())
    desk.viewport.drawn.connect(panel.note_drawn)
    return panel
