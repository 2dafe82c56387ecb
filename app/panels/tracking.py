"""Whether a face is found, and why not."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from app.panels.card import Card, text
from app.status_text import Light, headline
from app.style import LAMPS
from engine.status import SessionStatus, State
from engine.types import TrackResult

_tr = QCoreApplication.translate
_LAMP_SIZE = 14


class TrackingPanel(Card):
    """Lamp, headline, reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_tr("panels", "Tracking"), parent)
        self._result: TrackResult | None = None
        self.light = Light.GREY
        self.lamp, self.title = _Lamp(), text("", "title")
        self.reason = text("", "quiet", wrap=True)
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.lamp)
        top.addWidget(self.title, 1)
        self.rows.addLayout(top)
        self.rows.addWidget(self.reason)
        self.progress = QProgressBar(textVisible=False, maximum=100, visible=False)
        self.progress.setAccessibleName(self.tr("Loading"))
        self.rows.addWidget(self.progress)

    def show_result(self, result: TrackResult) -> None:
        """Take note of the newest result; shown with the next status."""
        self._result = result

    def show_status(self, status: SessionStatus) -> None:
        """Bring all texts up to date."""
        now = headline(status, self._result)
        self.light = now.light
        self.lamp.set_light(now.light)
        self.title.setText(now.title)
        self.reason.setText(now.reason)
        self.progress.setVisible(status.state is State.STARTING)
        self.progress.setValue(round(100 * status.progress[0]))


class _Lamp(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._light = Light.GREY
        self.setFixedSize(QSize(_LAMP_SIZE, _LAMP_SIZE))
        self.setAccessibleName(self.tr("Face found"))

    def set_light(self, light: Light) -> None:
        self._light = light
        self.setAccessibleDescription(light.value)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        glow = LAMPS[self._light]
        halo = glow.toRgb()
        halo.setAlphaF(0.25)
        painter.setBrush(halo)
        painter.drawEllipse(self.rect())
        painter.setBrush(glow)
        painter.drawEllipse(self.rect().adjusted(3, 3, -3, -3))
        painter.end()
