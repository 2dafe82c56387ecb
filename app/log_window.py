"""What the program has noted since it started, to be read and copied."""

from __future__ import annotations

import logging
from collections import deque

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.version import program_version

_KEPT = 2000
_REFRESH_MS = 500


class LogKeeper(logging.Handler):
    """Keeps the last lines of the log. Any thread may log; the window reads when it wants."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self.lines: deque[str] = deque(maxlen=_KEPT)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        self.count += 1


class LogWindow(QDialog):
    """Shows the kept lines, and follows them while it is open."""

    def __init__(self, keeper: LogKeeper, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Log"))
        self.resize(760, 420)
        self._keeper, self._shown = keeper, -1
        self.lines = QPlainTextEdit(readOnly=True)
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.lines.setAccessibleName(self.tr("Log"))
        self.copy = QPushButton(self.tr("&Copy all"))
        self.copy.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(self.lines.toPlainText())
        )
        close = QPushButton(self.tr("C&lose"))
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.copy)
        buttons.addWidget(close)
        rows = QVBoxLayout(self)
        rows.addWidget(self.lines, 1)
        rows.addLayout(buttons)
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._timer.start()
        self._refresh()

    def _refresh(self) -> None:
        if self._keeper.count != self._shown:
            self._shown = self._keeper.count
            head = f"FlowFace Live {program_version()}"
            self.lines.setPlainText("\n".join([head, *tuple(self._keeper.lines)]))
            bar = self.lines.verticalScrollBar()
            bar.setValue(bar.maximum())
