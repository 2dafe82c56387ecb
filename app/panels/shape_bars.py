"""The 52 shapes as one list of live bars: measured, sent, and how sure they are."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.tuning import Tuning
from engine.types import BLENDSHAPE_NAMES, TrackResult

_REGIONS = (
    ("Eyes", ("eye",)),
    ("Brows", ("brow",)),
    ("Nose, cheeks", ("nose", "cheek")),
    ("Jaw", ("jaw",)),
    ("Mouth", ("mouth",)),
    ("Tongue", ("tongue",)),
)
_INDEX = {name: index for index, name in enumerate(BLENDSHAPE_NAMES)}
_ROW, _TITLE, _BAR, _MARGIN, _NAME_WIDTH, _VALUE_WIDTH = 20, 26, 7, 8, 126, 70
_PAGE_ROWS = 8


def spoken(name: str) -> str:
    """Return a shape's name in words: eyeBlinkLeft is Eye blink left."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).capitalize()


class ShapeBars(QWidget):
    """Paints all rows itself, and of those only what is on screen: 52 widgets would cost too much.

    The bar is what is sent, the line across it what was measured, the band one standard deviation.
    """

    chosen = Signal(str)
    reset_asked = Signal(str)  # double click, or the Delete key

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: TrackResult | None = None
        self._tuning, self._wanted, self._chosen = Tuning(), "", BLENDSHAPE_NAMES[0]
        self._rows: list[tuple[str, bool, int]] = []  # text, whether it is a title, top
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Shapes"))
        self.setToolTip(" ")  # asks Qt for tool tip events
        self._lay_out()

    @property
    def names(self) -> list[str]:
        """The shapes that are listed, from top to bottom."""
        return [text for text, title, _ in self._rows if not title]

    @property
    def current(self) -> str:
        """The shape that is chosen."""
        return self._chosen

    def sizeHint(self) -> QSize:
        text, _, top = self._rows[-1] if self._rows else ("", False, 0)
        return QSize(_NAME_WIDTH + _VALUE_WIDTH + 100, top + _ROW + 4 if text else 2 * _ROW)

    def show_result(self, result: TrackResult) -> None:
        """Show new values; a face that is not tracked empties the bars."""
        self._result = result
        self.update()

    def show_tuning(self, tuning: Tuning) -> None:
        """Mark what is tuned, muted or linked."""
        self._tuning = tuning
        self.update()

    def search(self, wanted: str) -> None:
        """List only shapes whose name has all these words in it."""
        self._wanted = wanted
        self._lay_out()

    def choose(self, name: str) -> None:
        """Mark a shape and tell so."""
        self._chosen = name
        self.setAccessibleDescription(spoken(name))
        self.update()
        self.chosen.emit(name)

    def place(self, name: str) -> QRectF:
        """Return where a listed shape's row lies."""
        top = next(top for text, title, top in self._rows if text == name and not title)
        return QRectF(0, top, self.width(), _ROW)

    def _lay_out(self) -> None:
        words = self._wanted.lower().split()
        self._rows, top = [], 0
        for title, stems in _REGIONS:
            names = [
                name
                for name in BLENDSHAPE_NAMES
                if name.startswith(stems)
                and all(w in f"{name} {spoken(name)} {title}".lower() for w in words)
            ]
            if names:
                self._rows.append((self.tr(title), True, top))
                top += _TITLE
            for name in names:
                self._rows.append((name, False, top))
                top += _ROW
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def _at(self, y: float) -> str | None:
        rows = ((text, top) for text, title, top in self._rows if not title)
        return next((text for text, top in rows if top <= y < top + _ROW), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        name = self._at(event.position().y())
        if name is not None:
            self.choose(name)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        name = self._at(event.position().y())
        if name is not None:
            self.reset_asked.emit(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        names, key = self.names, Qt.Key(event.key())
        steps = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -_PAGE_ROWS,
            Qt.Key.Key_PageDown: _PAGE_ROWS,
            Qt.Key.Key_Home: -len(names),
            Qt.Key.Key_End: len(names),
        }
        if key in steps and names:
            at = names.index(self._chosen) if self._chosen in names else 0
            self.choose(names[min(max(at + steps[key], 0), len(names) - 1)])
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_asked.emit(self._chosen)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            name = self._at(event.pos().y())
            QToolTip.showText(event.globalPos(), self._tip(name) if name else "", self)
            return True
        return super().event(event)

    def _tip(self, name: str) -> str:
        result = self._result
        if result is None or result.blendshapes is None or result.untuned is None:
            return self.tr("{0}\nNo face").format(name)
        lines = [
            name,
            self.tr("measured {0:.3f}").format(result.untuned[name]),
            self.tr("sent {0:.3f}").format(result.blendshapes[name]),
        ]
        if result.blendshapes.sd is not None:
            sd = float(result.blendshapes.sd[_INDEX[name]])
            lines.append(self.tr("standard deviation {0:.3f}").format(sd))
        return "\n".join(lines)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = self.font()
        font.setPixelSize(12)
        painter.setFont(font)
        for text, title, top in self._rows:
            if top + _TITLE < event.rect().top() or top > event.rect().bottom():
                continue
            if title:
                painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
                place = QRectF(_MARGIN, top + 4, self.width(), _TITLE - 4)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
            else:
                self._paint_row(painter, text, top)
        painter.end()

    def _paint_row(self, painter: QPainter, name: str, top: int) -> None:
        palette, role = self.palette(), QPalette.ColorRole
        row, tuning = QRectF(0, top, self.width(), _ROW), self._tuning.of(name)
        if name == self._chosen:
            painter.fillRect(row, palette.color(role.Mid if self.hasFocus() else role.Base))
        muted = tuning.mute
        ink = palette.color(role.PlaceholderText if muted else role.WindowText)
        painter.setPen(ink)
        label = spoken(name)
        place = QRectF(_MARGIN + 10, top, _NAME_WIDTH, _ROW)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, label)
        if not tuning.usual or self._tuning.link_of(name) is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(role.Highlight))
            painter.drawEllipse(QRectF(_MARGIN, top + _ROW / 2 - 2.5, 5, 5))
        bar = QRectF(_MARGIN + _NAME_WIDTH + 14, top + (_ROW - _BAR) / 2, 0, _BAR)
        bar.setRight(self.width() - _VALUE_WIDTH - _MARGIN)
        painter.fillRect(bar, palette.color(role.Mid))
        value = self._paint_values(painter, name, bar)
        painter.setPen(ink)
        place = QRectF(bar.right() + 4, top, _VALUE_WIDTH, _ROW)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, value)

    def _paint_values(self, painter: QPainter, name: str, bar: QRectF) -> str:
        """Paint a bar's values; returns them as text, a dash without a face."""
        result = self._result
        if result is None or result.blendshapes is None or result.untuned is None:
            return "–"
        sent, measured = result.blendshapes[name], result.untuned[name]
        role, sd = self.palette().color, result.blendshapes.sd
        full = QRectF(bar)
        full.setWidth(sent * bar.width())
        painter.fillRect(full, role(QPalette.ColorRole.Highlight))
        text = f"{sent:.2f}"
        if sd is not None:
            spread = float(sd[_INDEX[name]])
            low, high = max(sent - spread, 0.0), min(sent + spread, 1.0)
            band = QColor(role(QPalette.ColorRole.WindowText))
            band.setAlphaF(0.35)
            painter.fillRect(
                QRectF(bar.left() + low * bar.width(), bar.center().y() - 1.5,
                       (high - low) * bar.width(), 3), band,
            )  # fmt: skip
            text += f" ±{spread:.2f}"
        if result.measured is not None and abs(measured - sent) > 0.004:
            x = bar.left() + measured * bar.width()
            tick = QRectF(x - 1, bar.top() - 3, 2, bar.height() + 6)
            painter.fillRect(tick, role(QPalette.ColorRole.WindowText))
        return text
