"""What lies over the picture: the red frame and the countdown, and an offer to mend takes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.panels.card import text
from app.panels.record import clock_text
from app.recorder import Phase, Recorder

_RED, _FRAME_PX, _MARGIN_PX = QColor("#ef3b43"), 4, 12
_OFFER_WIDTH = 420


class RecordingFrame(QWidget):
    """Red while a take is recorded, with its length; a number while it is counted down."""

    def __init__(self, recorder: Recorder, picture: QWidget) -> None:
        super().__init__(picture)
        self._recorder = recorder
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        picture.installEventFilter(self)
        recorder.changed.connect(self._follow)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self.resize(self.parentWidget().size())
        return False

    def _follow(self) -> None:
        shown = self._recorder.phase in (Phase.COUNTING, Phase.RECORDING)
        if shown:
            self.resize(self.parentWidget().size())
            self.raise_()
            self.update()
        self.setVisible(shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._recorder.phase is Phase.COUNTING:
            self._paint_count(painter)
        else:
            self._paint_frame(painter)
        painter.end()

    def _paint_count(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setPixelSize(max(48, self.height() // 3))
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(255, 255, 255, 220))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, str(self._recorder.left))

    def _paint_frame(self, painter: QPainter) -> None:
        half = _FRAME_PX / 2
        painter.setPen(QPen(_RED, _FRAME_PX))
        painter.drawRect(QRectF(self.rect()).adjusted(half, half, -half, -half))
        words = f"●  {clock_text(self._recorder.seconds)}"
        width = painter.fontMetrics().horizontalAdvance(words) + 20
        plate = QRectF(_MARGIN_PX, _MARGIN_PX, width, 26)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_RED)
        painter.drawRoundedRect(plate, 6, 6)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)


class MendOffer(QFrame):
    """Asks once, over the picture, and holds nothing up."""

    accepted = Signal()

    def __init__(self, picture: QWidget) -> None:
        super().__init__(picture)
        self.setObjectName("offer")
        self.words = text("", "", wrap=True)
        self.mend, self.later = QPushButton(self.tr("&Mend")), QPushButton(self.tr("&Later"))
        self.mend.clicked.connect(self._accept)
        self.later.clicked.connect(self.hide)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.later)
        buttons.addWidget(self.mend)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(16, 12, 16, 12)
        rows.addWidget(self.words)
        rows.addLayout(buttons)
        self.hide()
        picture.installEventFilter(self)

    def offer(self, names: list[str]) -> None:
        """Say which takes were cut off."""
        words = self.tr("Cut off while recording: {0}. What was written can be mended.")
        listed = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        self.words.setText(words.format(listed))
        self._place()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self._place()
        return False

    def _accept(self) -> None:
        self.hide()
        self.accepted.emit()

    def _place(self) -> None:
        room = self.parentWidget().width()
        width = min(_OFFER_WIDTH, room - 2 * _MARGIN_PX)
        self.setFixedWidth(width)
        self.adjustSize()
        self.move((room - width) // 2, _MARGIN_PX)
