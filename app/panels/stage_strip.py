"""Where the time between camera and receiver goes: one bar of stacked stages, and its legend."""

from __future__ import annotations

from collections import deque
from itertools import cycle

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.clock import NS_PER_MS
from engine.types import TrackResult

WAITING, SENDING = "waiting", "sending"
_KEPT = 60  # results: about two seconds
_COLOURS = ("#7b8794", "#5b8def", "#9a6ee8", "#d65db1", "#e8883a", "#c9a227", "#35b58f", "#2f9fb8")
_BAR, _ROW, _GAP, _COLUMNS = 16, 20, 10, 2
_LEAST_MS = 0.05


class StageStrip(QWidget):
    """Shows medians over the latest results, in milliseconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: deque[dict[str, float]] = deque(maxlen=_KEPT)
        self._sending_ms = float("nan")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Latency by stage"))
        self._shown: dict[str, float] = {}
        self._order: dict[str, None] = {}

    def sizeHint(self) -> QSize:
        rows = -(-max(len(self._shown), 1) // _COLUMNS)
        return QSize(280, _BAR + _GAP + rows * _ROW)

    @property
    def stages(self) -> dict[str, float]:
        """What is shown: median of every stage, ms."""
        return self._shown

    def add(self, result: TrackResult) -> None:
        """Take note of a result; shown with the next `refresh`."""
        took = {name: time_ns / NS_PER_MS for name, time_ns in result.stage_ns.items()}
        waited = result.latency_ns / NS_PER_MS - sum(took.values())
        self._results.append({WAITING: max(waited, 0.0), **took})

    def refresh(self, sending_ms: float) -> None:
        """Bring the picture up to date.

        sending_ms  from a result until it is sent; NaN if nothing is sent
        """
        names = dict.fromkeys(name for taken in self._results for name in taken)
        found = {
            name: float(np.median([taken.get(name, 0.0) for taken in self._results]))
            for name in names
        }
        found[SENDING] = sending_ms
        self._order |= dict.fromkeys(found)
        self._shown = {name: ms for name, ms in found.items() if ms >= _LEAST_MS}
        self.setAccessibleDescription(
            ", ".join(f"{name} {ms:.1f} ms" for name, ms in self._shown.items())
        )
        if self.sizeHint().height() != self.height():
            self.setFixedHeight(self.sizeHint().height())
        self.update()

    def clear(self) -> None:
        """Forget everything: another source has begun."""
        self._results.clear()
        self.refresh(float("nan"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, total = QPainter(self), sum(self._shown.values())
        palette = self.palette()
        if not self._shown:
            painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, "–")
        font = self.font()
        font.setPixelSize(12)
        painter.setFont(font)
        colours = dict(zip(self._order, cycle(_COLOURS), strict=False))
        left, column = 0.0, self.width() / _COLUMNS
        for place, (name, ms) in enumerate(self._shown.items()):
            colour = QColor(colours[name])
            width = self.width() * ms / total
            painter.fillRect(QRectF(left, 0, max(width - 1, 1), _BAR), colour)
            left += width
            row, at = divmod(place, _COLUMNS)
            x, y = at * column, _BAR + _GAP + row * _ROW
            painter.fillRect(QRectF(x, y + 4, 10, 10), colour)
            text = QRectF(x + 16, y, column - 28, _ROW - 2)
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, name)
            figure = f"{ms:.1f} ms"
            painter.drawText(
                text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, figure
            )
        painter.end()
