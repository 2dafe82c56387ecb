"""The 52 weights as live bars, left and right of a pair side by side."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolTip, QWidget

from engine.types import Blendshapes

_PAIR, _SINGLE = ("Left", "Right"), ("",)


def _rows(stem: str, *shapes: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return (label, names) per row; a shape that ends in * is a pair."""
    found = []
    for shape in shapes:
        name = shape.rstrip("*")
        sides = _PAIR if shape.endswith("*") else _SINGLE
        spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name)
        found.append((spaced.strip().capitalize(), tuple(stem + name + side for side in sides)))
    return found


# (title, rows) of every column
COLUMNS: tuple[tuple[str, list[tuple[str, tuple[str, ...]]]], ...] = (
    ("Eyes, nose", [
        *_rows("eye", "Blink*", "Squint*", "Wide*", "LookUp*", "LookDown*", "LookIn*", "LookOut*"),
        ("Sneer", ("noseSneerLeft", "noseSneerRight")),
    ]),
    ("Brows, jaw", [
        *_rows("brow", "Down*", "InnerUp", "OuterUp*"),
        ("Cheek puff", ("cheekPuff",)),
        ("Cheek squint", ("cheekSquintLeft", "cheekSquintRight")),
        ("Jaw open", ("jawOpen",)),
        ("Jaw forward", ("jawForward",)),
        ("Jaw side", ("jawLeft", "jawRight")),
    ]),
    ("Mouth", [
        *_rows("mouth", "Smile*", "Frown*", "Dimple*", "Stretch*", "Press*", "LowerDown*"),
        *_rows("mouth", "UpperUp*"),
        ("Mouth side", ("mouthLeft", "mouthRight")),
    ]),
    ("Lips, tongue", [
        *_rows("mouth", "Close", "Funnel", "Pucker", "RollLower", "RollUpper", "ShrugLower"),
        *_rows("mouth", "ShrugUpper"),
        ("Tongue out", ("tongueOut",)),
    ]),
)  # fmt: skip
_ROW, _TITLE, _MARGIN, _GAP, _LABEL_SHARE, _BAR = 21, 26, 14, 18, 0.49, 6


class BlendshapeBars(QFrame):
    """Paints all bars itself: 52 widgets would cost more than the tracker."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAccessibleName(self.tr("Weights of the 52 blendshapes"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(" ")  # asks Qt for tool tip events
        self._weights: Blendshapes | None = None

    def sizeHint(self) -> QSize:
        rows = max(len(rows) for _, rows in COLUMNS)
        return QSize(860, 2 * _MARGIN + _TITLE + rows * _ROW - 4)

    def show_weights(self, weights: Blendshapes | None) -> None:
        """Show new weights; None, for a face that is not tracked, empties the bars."""
        self._weights = weights
        self.update()

    def bars(self) -> dict[str, QRectF]:
        """Return where the bar of every blendshape lies, full length."""
        width = (self.width() - 2 * _MARGIN - (len(COLUMNS) - 1) * _GAP) / len(COLUMNS)
        found: dict[str, QRectF] = {}
        for column, (_, rows) in enumerate(COLUMNS):
            left = _MARGIN + column * (width + _GAP)
            for row, (_, names) in enumerate(rows):
                start, room = left + _LABEL_SHARE * width, (1 - _LABEL_SHARE) * width
                each = (room - 6 * (len(names) - 1)) / len(names)
                y = _MARGIN + _TITLE + row * _ROW + (_ROW - _BAR) / 2
                for side, name in enumerate(names):
                    found[name] = QRectF(start + side * (each + 6), y, each, _BAR)
        return found

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._tip(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def _tip(self, at: QPointF) -> str:
        for name, bar in self.bars().items():
            if bar.adjusted(-3, -7, 3, 7).contains(at):
                return name if self._weights is None else f"{name}  {self._weights[name]:.2f}"
        return ""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter, palette, bars = QPainter(self), self.palette(), self.bars()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        small = self.font()
        small.setPixelSize(12)
        painter.setFont(small)
        for title, rows in COLUMNS:
            first = bars[rows[0][1][0]]
            left = first.left() - _LABEL_SHARE / (1 - _LABEL_SHARE) * self._room(rows, bars)
            self._write_title(painter, title, rows, bars, left)
            for label, names in rows:
                bar = bars[names[0]]
                place = QRectF(left, bar.top() - 8, bar.left() - left - 6, _BAR + 16)
                painter.setPen(palette.color(QPalette.ColorRole.WindowText))
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, label)
        painter.setPen(Qt.PenStyle.NoPen)
        for name, bar in bars.items():
            painter.setBrush(palette.color(QPalette.ColorRole.Mid))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
            weight = 0.0 if self._weights is None else self._weights[name]
            if weight > 0.004:
                full = QRectF(bar)
                full.setWidth(max(weight * bar.width(), _BAR))
                painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
                painter.drawRoundedRect(full, _BAR / 2, _BAR / 2)
        painter.end()

    @staticmethod
    def _room(rows: list[tuple[str, tuple[str, ...]]], bars: dict[str, QRectF]) -> float:
        names = rows[0][1]
        return bars[names[-1]].right() - bars[names[0]].left()

    def _write_title(
        self,
        painter: QPainter,
        title: str,
        rows: list[tuple[str, tuple[str, ...]]],
        bars: dict[str, QRectF],
        left: float,
    ) -> None:
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        place = QRectF(left, _MARGIN - 4, 200, _TITLE)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, title)
        pair = next((names for _, names in rows if len(names) == 2), None)
        for name, side in zip(pair or (), "LR", strict=False):
            bar = bars[name]
            place = QRectF(bar.left(), _MARGIN - 4, bar.width(), _TITLE)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, side)
