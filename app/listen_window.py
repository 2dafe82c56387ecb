"""Curves of what arrives at a port: a window of its own, without a session."""

from __future__ import annotations

import signal
from collections import deque

import pyqtgraph
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QColor, QPalette
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.panels.card import text
from app.window import application
from engine import clock
from engine.door import Door
from engine.listening.tally import Tally

_PERIOD_MS, _PACKETS_A_TURN = 33, 500
_SECONDS = 10.0
_COLOURS = ("#35b58f", "#e8883a", "#5b8def", "#d65db1", "#c9a227", "#9a6ee8", "#2f9fb8", "#ef5a5f")
_USUAL = ("jawopen", "eyeblinkleft", "eyeblinkright", "eyeclosedleft", "eyeclosedright")


class ListenWindow(QWidget):
    """Reads the port by itself, many times a second; draws the names that are ticked.

    door   is read here and nowhere else
    tally  counts
    host   that the door is bound to, for advice
    """

    def __init__(self, door: Door, tally: Tally, host: str) -> None:
        super().__init__()
        self._door, self.tally, self._host = door, tally, host
        self._begun_ns = clock.now_ns()
        self._past: dict[str, deque[tuple[float, float]]] = {}
        self._items: dict[str, QListWidgetItem] = {}
        self._curves: dict[str, pyqtgraph.PlotDataItem] = {}
        self._colours: dict[str, str] = {}
        self.setWindowTitle(self.tr("Port {0} – FlowFace Live").format(door.port))
        self.resize(980, 560)
        self.state = text("", "quiet", wrap=True)
        self.plot = pyqtgraph.PlotWidget()
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Names"))
        self.list.setFixedWidth(290)
        self.list.itemChanged.connect(self._retick)
        self._arrange()
        self._timer = QTimer(self, interval=_PERIOD_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()

    def _arrange(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.PlaceholderText)
        self.plot.setBackground(self.palette().color(QPalette.ColorRole.AlternateBase))
        self.plot.setXRange(-_SECONDS, 0, padding=0)
        self.plot.showGrid(x=True, y=True, alpha=0.15)
        self.plot.addLegend(offset=(8, 8))
        self.plot.getAxis("bottom").setLabel(self.tr("seconds ago"))
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setPen(ink)
            self.plot.getAxis(side).setTextPen(ink)
        below, rows = QHBoxLayout(), QVBoxLayout(self)
        below.addWidget(self.plot, 1)
        below.addWidget(self.list)
        rows.addWidget(self.state)
        rows.addLayout(below, 1)

    def refresh(self) -> None:
        """Read what has come, and draw it."""
        for _ in range(_PACKETS_A_TURN):
            packet = self._door.poll()
            if packet is None:
                break
            self.tally.add(packet)
        now_ns = clock.now_ns()
        advice = self.tally.advice(now_ns, self._host, self._door.port)
        self.state.setText("\n".join(advice) or self.tally.line(now_ns))
        now_s = (now_ns - self._begun_ns) / clock.NS_PER_S
        self.list.blockSignals(True)
        for name, value in self.tally.values.items():
            item = self._items.get(name) or self._add(name)
            item.setText(f"{name}   {value:.3f}")
            gone = self.tally.no_face
            self._past[name].append((now_s, float("nan") if gone else value))
        self.list.blockSignals(False)
        for name, curve in self._curves.items():
            curve.setData([at - now_s for at, _ in self._past[name]],
                          [value for _, value in self._past[name]])  # fmt: skip

    def _add(self, name: str) -> QListWidgetItem:
        item = self._items[name] = QListWidgetItem(name)
        item.setData(Qt.ItemDataRole.UserRole, name)
        item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
        on = name.rpartition("/")[2].replace("_", "").lower() in _USUAL
        item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.addItem(item)
        self._past[name] = deque(maxlen=round(_SECONDS * 1000 / _PERIOD_MS))
        if on:
            self._draw(name)
        return item

    def _retick(self, item: QListWidgetItem) -> None:
        name = item.data(Qt.ItemDataRole.UserRole)
        if item.checkState() is not Qt.CheckState.Checked:
            if (curve := self._curves.pop(name, None)) is not None:
                self.plot.removeItem(curve)
                del self._colours[name]
        elif name not in self._curves:
            self._draw(name)
            if name not in self._curves:  # no colour is left
                item.setCheckState(Qt.CheckState.Unchecked)

    def _draw(self, name: str) -> None:
        free = [colour for colour in _COLOURS if colour not in self._colours.values()]
        if free:
            self._colours[name] = free[0]
            pen = pyqtgraph.mkPen(QColor(free[0]), width=2)
            self._curves[name] = self.plot.plot(pen=pen, name=name, connect="finite")

    @property
    def drawn(self) -> list[str]:
        """Names of the curves."""
        return list(self._curves)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._timer.stop()
        super().closeEvent(event)


def run_listening(door: Door, tally: Tally, host: str, seconds: float | None) -> None:
    """Show the window until it is closed.

    seconds  close by itself after so long
    """
    qt = application()
    window = ListenWindow(door, tally, host)
    window.show()
    if seconds is not None:
        QTimer.singleShot(round(1000 * seconds), window.close)
    before = signal.signal(signal.SIGINT, lambda *_: window.close())
    try:
        qt.exec()
    finally:
        signal.signal(signal.SIGINT, before)
