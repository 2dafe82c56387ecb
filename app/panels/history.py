"""Curves of the last minute: any shapes, pose and gaze; paused, zoomed, saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyqtgraph
from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import text
from engine.history import CHANNELS, SECONDS, History, Stretch, unit

_REFRESH_MS = 100
_COLOURS = ("#35b58f", "#e8883a", "#5b8def", "#d65db1", "#c9a227", "#9a6ee8", "#2f9fb8", "#ef5a5f")
_USUAL = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
_SIDE_WIDTH, _HEIGHT = 228, 218


class HistoryPanel(QFrame):
    """Draws only while it is seen, and not while it is paused.

    history  of the running session
    """

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._restyled = False
        self._history, self._shown = history, history.stretch()
        self._plots: dict[str, pyqtgraph.PlotItem] = {}
        self._curves: dict[str, pyqtgraph.PlotDataItem] = {}
        self.area = pyqtgraph.GraphicsLayoutWidget()
        self.area.setAccessibleName(self.tr("Curves of the last minute"))
        self.search = QLineEdit(placeholderText=self.tr("Search"), clearButtonEnabled=True)
        self.search.setAccessibleName(self.tr("Search channels"))
        self.list = QListWidget(frameShape=QFrame.Shape.NoFrame)
        self.list.setAccessibleName(self.tr("Channels"))
        self.pause = QPushButton(self.tr("&Pause"), checkable=True)
        self.whole = QPushButton(self.tr("&Fit"))
        self.picture, self.table = QPushButton(self.tr("PNG")), QPushButton(self.tr("CSV"))
        self.whole.setToolTip(self.tr("Show the whole minute"))
        self.picture.setToolTip(self.tr("Save the curves as a picture"))
        self.table.setToolTip(self.tr("Save the chosen channels as a table"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.state = text("", "small", wrap=True)
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._arrange()
        self._fill_list()
        self.list.itemChanged.connect(self._rearrange_plots)
        self.search.textChanged.connect(self._filter)
        self.pause.toggled.connect(lambda on: None if on else self.refresh())
        self.whole.clicked.connect(self.show_all)
        self.picture.clicked.connect(lambda: self._ask("png", self.save_picture))
        self.table.clicked.connect(lambda: self._ask("csv", self.save_table))
        self._rearrange_plots()

    def sizeHint(self) -> QSize:
        return QSize(860, _HEIGHT)

    @property
    def channels(self) -> list[str]:
        """What is drawn."""
        items = (self.list.item(i) for i in range(self.list.count()))
        return [i.text() for i in items if i.checkState() is Qt.CheckState.Checked]

    @property
    def shown(self) -> Stretch:
        """The stretch of time that is drawn."""
        return self._shown

    def curve(self, channel: str) -> pyqtgraph.PlotDataItem:
        """Return the curve of a channel that is drawn."""
        return self._curves[channel]

    def choose(self, channels: list[str]) -> None:
        """Draw these channels."""
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            item = self.list.item(row)
            on = item.text() in channels
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._rearrange_plots()

    def refresh(self) -> None:
        """Draw what has come since; nothing while it is paused."""
        if self._restyled:
            self._rearrange_plots()
        if not self.pause.isChecked():
            self._shown = self._history.stretch()
            self._draw()

    def show_all(self) -> None:
        """Show the whole minute again after zooming."""
        for name, plot in self._plots.items():
            plot.setXRange(-SECONDS, 0, padding=0)
            if name == "":
                plot.setYRange(0, 1, padding=0.04)
            else:
                plot.enableAutoRange("y")

    def save_picture(self, path: Path) -> None:
        """Save the curves as they are seen. Raises OSError."""
        if not self.area.grab().save(str(path), "PNG"):
            raise OSError(0, self.tr("the picture could not be written"), str(path))

    def save_table(self, path: Path) -> None:
        """Save the channels that are drawn, or all if none is. Raises OSError."""
        self._shown.save_csv(path, self.channels or CHANNELS)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._restyled = True  # plots must not be exchanged while a style is handed down

    def _arrange(self) -> None:
        side = QVBoxLayout()
        side.setSpacing(6)
        side.addWidget(self.search)
        side.addWidget(self.list, 1)
        side.addWidget(self.state)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self.pause, self.whole, self.picture, self.table):
            buttons.addWidget(button)
        side.addLayout(buttons)
        column = QWidget()
        column.setFixedWidth(_SIDE_WIDTH)
        side.setContentsMargins(0, 0, 0, 0)
        column.setLayout(side)
        rows = QHBoxLayout(self)
        rows.setContentsMargins(12, 10, 12, 10)
        rows.addWidget(self.area, 1)
        rows.addWidget(column)
        self.state.setVisible(False)

    def _fill_list(self) -> None:
        for channel in CHANNELS:
            item = QListWidgetItem(channel)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled
                          | Qt.ItemFlag.ItemIsSelectable)  # fmt: skip
            on = channel in _USUAL
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self.list.addItem(item)

    def _filter(self, wanted: str) -> None:
        words = wanted.lower().split()
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(not all(word in item.text().lower() for word in words))

    def _rearrange_plots(self) -> None:
        """One plot for every unit that is drawn, one below the other, zoomed in time together."""
        self._restyled, palette = False, self.palette()
        ink = palette.color(QPalette.ColorRole.PlaceholderText)
        self.area.setBackground(palette.color(QPalette.ColorRole.AlternateBase))
        self.area.clear()
        self._plots, self._curves = {}, {}
        for place, channel in enumerate(self.channels):
            plot = self._plots.get(unit(channel)) or self._add_plot(unit(channel), ink)
            pen = pyqtgraph.mkPen(QColor(_COLOURS[place % len(_COLOURS)]), width=1)
            self._curves[channel] = plot.plot(pen=pen, connect="finite", name=channel)
        if self._plots:
            list(self._plots.values())[-1].getAxis("bottom").setStyle(showValues=True)
        self.show_all()
        self._draw()

    def _add_plot(self, name: str, ink: QColor) -> pyqtgraph.PlotItem:
        plot = self.area.addPlot(row=len(self._plots), col=0)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.15)
        for side in ("left", "bottom"):
            plot.getAxis(side).setPen(ink)
            plot.getAxis(side).setTextPen(ink)
        plot.getAxis("left").setWidth(44)
        plot.getAxis("left").setLabel(name or None)
        plot.getAxis("bottom").setStyle(showValues=False)
        legend = plot.addLegend(offset=(6, 2), labelTextColor=ink, verSpacing=-6)
        legend.setLabelTextSize("8pt")
        if self._plots:
            plot.setXLink(next(iter(self._plots.values())))
        self._plots[name] = plot
        return plot

    def _draw(self) -> None:
        seconds = self._shown.seconds()
        for channel, curve in self._curves.items():
            curve.setData(seconds, self._shown[channel])

    def _ask(self, kind: str, save: Callable[[Path], None]) -> None:
        title, kinds = self.tr("Save history"), f"{kind.upper()} (*.{kind})"
        path, _ = QFileDialog.getSaveFileName(self, title, f"history.{kind}", kinds)
        if not path:
            return
        try:
            save(Path(path).with_suffix(f".{kind}"))
        except OSError as error:
            words = self.tr("{0}: not saved ({1})").format(path, error.strerror or error)
        else:
            words = self.tr("Saved: {0}").format(Path(path).name)
        self.state.setText(words)
        self.state.setVisible(True)
