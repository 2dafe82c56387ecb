"""The takes that there are, the newest first: a picture, a name, length, date and stars."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QWidget

from app.panels.record import clock_text
from app.take_shelf import TakeShelf
from engine.recording.library import Listed
from engine.recording.take import COMPLETE

_ICON, _ROW_PX, _HEIGHT = QSize(88, 50), 62, 206
_FOLDER = Qt.ItemDataRole.UserRole


class TakeList(QListWidget):
    """Follows the shelf; keeps what is chosen when the list changes."""

    chosen = Signal(object)  # Listed or None
    wanted = Signal(object)  # Path: to be played

    def __init__(self, shelf: TakeShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self.setAccessibleName(self.tr("Takes"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setIconSize(_ICON)
        self.setFixedHeight(_HEIGHT)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        shelf.changed.connect(self.refresh)
        shelf.pictured.connect(self._show_picture)
        shelf.renamed.connect(self._follow)
        self.currentItemChanged.connect(lambda *_: self.chosen.emit(self.take))
        self.itemDoubleClicked.connect(lambda item: self.wanted.emit(item.data(_FOLDER)))

    @property
    def take(self) -> Listed | None:
        """The one that is chosen."""
        item = self.currentItem()
        return None if item is None else self._listed(item.data(_FOLDER))

    def choose(self, folder: Path) -> None:
        """Mark a take, if it is in the list."""
        for row in range(self.count()):
            if self.item(row).data(_FOLDER) == folder:
                self.setCurrentRow(row)

    def refresh(self) -> None:
        """Show what the shelf holds now."""
        before, row = self.currentItem() and self.currentItem().data(_FOLDER), self.currentRow()
        self.blockSignals(True)
        self.clear()
        for listed in self._shelf.takes:
            item = QListWidgetItem(line(listed))
            item.setData(_FOLDER, listed.folder)
            item.setSizeHint(QSize(0, _ROW_PX))
            item.setToolTip(listed.problem or str(listed.folder))
            complete = listed.info is not None and listed.info.status == COMPLETE
            image = self._shelf.picture(listed.folder) if complete else None
            item.setIcon(self._icon(image))
            self.addItem(item)
        if before is not None:
            self.setCurrentRow(min(row, self.count() - 1))  # where one has gone, its neighbour
            self.choose(before)
        self.blockSignals(False)
        self.chosen.emit(self.take)

    def _listed(self, folder: Path) -> Listed | None:
        return next((one for one in self._shelf.takes if one.folder == folder), None)

    def _follow(self, before: Path, now: Path) -> None:
        for row in range(self.count()):
            if self.item(row).data(_FOLDER) == before:
                self.item(row).setData(_FOLDER, now)

    def _show_picture(self, folder: Path, image: QImage) -> None:
        for row in range(self.count()):
            if self.item(row).data(_FOLDER) == folder:
                self.item(row).setIcon(self._icon(image))

    def _icon(self, image: QImage | None) -> QIcon:
        """Return a picture on a field of one size, so that all names begin at one place."""
        ratio = self.devicePixelRatioF()
        field = QPixmap(_ICON * ratio)
        field.fill(QColor(0, 0, 0) if image is not None else self._ink())
        if image is not None:
            fitted = image.scaled(
                field.size(),
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            painter = QPainter(field)
            left, top = field.width() - fitted.width(), field.height() - fitted.height()
            painter.drawImage(left // 2, top // 2, fitted)
            painter.end()
        field.setDevicePixelRatio(ratio)
        icon = QIcon(field)
        icon.addPixmap(field, QIcon.Mode.Selected)  # not tinted
        return icon

    def _ink(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.Mid)


def line(listed: Listed) -> str:
    """Return what the list says of a take, in two lines."""
    if listed.info is None:
        return f"{listed.folder.name}\n{listed.problem}"
    if listed.info.status != COMPLETE:
        return f"{listed.folder.name}\nnot finished"
    name = f"{listed.folder.name}  {'★' * listed.info.rating}".rstrip()
    parts = [clock_text(listed.seconds), date_text(listed.info.started_at)]
    return f"{name}\n" + " · ".join(part for part in parts if part)


def date_text(iso: str) -> str:
    """Return a date of ISO 8601 as this desktop writes it, short; empty if it is none."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return ""
    seconds = round(moment.timestamp())
    when = QDateTime.fromSecsSinceEpoch(seconds)
    return QLocale().toString(when, QLocale.FormatType.ShortFormat)
