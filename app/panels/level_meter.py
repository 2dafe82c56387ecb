"""How loud it is, in decibels of full scale, with a light for clipping."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPalette, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.status_text import Light
from app.style import LAMPS
from engine.recording.microphone import Level

_FLOOR_DB, _WARM_DB = -60.0, -12.0
_POLL_MS = 50
_LIGHT_PX = 12


class LevelMeter(QWidget):
    """The bar is the mean, the line the peak; asks for the level only while it is seen.

    level  asked for what was just heard; None without sound
    """

    def __init__(self, level: Callable[[], Level | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ask, self.level = level, level()
        self.setAccessibleName(self.tr("Sound level"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._poll)

    def sizeHint(self) -> QSize:
        return QSize(200, 14)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _poll(self) -> None:
        self.show_level(self._ask())

    def show_level(self, level: Level | None) -> None:
        """Show another level."""
        if level == self.level:
            return
        self.level = level
        words = self.tr("no sound")
        if level is not None:
            words = self.tr("peak {0} dB").format(f"{decibels(level.peak):.0f}")
            words += self.tr(", clipped") if level.clipped else ""
        self.setAccessibleDescription(words)
        self.setToolTip(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(0, 3, self.width() - _LIGHT_PX - 8, self.height() - 6)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRoundedRect(bar, 3, 3)
        clipped = self.level is not None and self.level.clipped
        if self.level is not None:
            loud, peak = share(self.level.rms), share(self.level.peak)
            warm = decibels(self.level.peak) > _WARM_DB
            painter.setBrush(LAMPS[Light.AMBER if warm else Light.GREEN])
            painter.drawRoundedRect(
                QRectF(bar.x(), bar.y(), loud * bar.width(), bar.height()), 3, 3
            )
            painter.drawRect(QRectF(max(peak * bar.width() - 2, 0), bar.y(), 2, bar.height()))
        painter.setBrush(LAMPS[Light.RED] if clipped else _dim(self.palette()))
        side = float(_LIGHT_PX)
        painter.drawEllipse(QRectF(self.width() - side, (self.height() - side) / 2, side, side))
        painter.end()


def decibels(amplitude: float) -> float:
    """Return an amplitude in [0, 1] as decibels of full scale, no less than the meter's floor."""
    return max(_FLOOR_DB, 20 * math.log10(amplitude)) if amplitude > 0 else _FLOOR_DB


def share(amplitude: float) -> float:
    """Return how far an amplitude reaches along the bar, [0, 1]."""
    return min(1.0, 1.0 - decibels(amplitude) / _FLOOR_DB)


def _dim(palette: QPalette) -> QColor:
    return palette.color(QPalette.ColorRole.Mid)
