"""One output: on or off, where to, how it fares; behind an arrow its settings and values."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import text
from app.settings_form import SettingsForm
from app.status_text import sink_text, sink_trouble
from engine.config import Choice
from engine.status import SinkStatus
from engine.trial import Trial

_POLL_MS = 100
_VALUES_HEIGHT = 190


class OutputCard(QFrame):
    """Tells what the user wants; shows what it is told.

    choice  the output; `name` is what it is called
    """

    changed = Signal(object)  # Choice
    removed = Signal()
    test_wanted = Signal()

    def __init__(self, name: str, choice: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.choice = choice
        self._trial: Trial | None = None
        self.on = QCheckBox(name)
        self.on.setObjectName("outputName")
        self.on.setChecked(choice.enabled)
        self.on.toggled.connect(self._enable)
        self.more = QToolButton(checkable=True, arrowType=Qt.ArrowType.RightArrow)
        self.more.setObjectName("section")
        self.more.setAccessibleName(self.tr("Settings of {0}").format(name))
        self.more.toggled.connect(self._expand)
        self.state = text("", "quiet", wrap=True)
        self.trouble = text("", "problem", wrap=True)
        self.form = SettingsForm(choice.settings)
        self.form.changed.connect(self._edit)
        self.test = QPushButton(self.tr("&Test"))
        self.test.setToolTip(self.tr("Sends a smile, blinks and head turns for 4 s."))
        self.test.clicked.connect(self.test_wanted)
        self.show_values = QPushButton(self.tr("&Values"), checkable=True)
        self.remove = QPushButton(self.tr("&Remove"))
        self.remove.clicked.connect(self.removed)
        self.values = _values_table(self.tr("Values sent last by {0}").format(name))
        self.show_values.toggled.connect(self.values.setVisible)
        self._watch = QTimer(self, interval=_POLL_MS)
        self._watch.timeout.connect(self._show_trial)
        self._arrange()

    def _arrange(self) -> None:
        top, buttons, self._body = QHBoxLayout(), QHBoxLayout(), QWidget()
        top.addWidget(self.on, 1)
        top.addWidget(self.more)
        for button in (self.test, self.show_values, self.remove):
            buttons.addWidget(button)
        inner = QVBoxLayout(self._body)
        inner.setContentsMargins(0, 4, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self.form)
        inner.addLayout(buttons)
        inner.addWidget(self.values)
        self._body.setVisible(False)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(16, 10, 16, 12)
        rows.setSpacing(4)
        rows.addLayout(top)
        for widget in (self.state, self.trouble, self._body):
            rows.addWidget(widget)
        self.trouble.hide()

    def show_choice(self, name: str, choice: Choice) -> None:
        """Show other settings of the same kind, without telling so."""
        self.choice = choice
        self.on.setText(name)
        self.on.blockSignals(True)
        self.on.setChecked(choice.enabled)
        self.on.blockSignals(False)
        self.form.show_settings(choice.settings)

    def show_status(self, sink: SinkStatus | None) -> None:
        """Say how it fares; None for one that is off or not open yet."""
        if self._trial is None:
            self.state.setText(self._address() if sink is None else sink_text(sink))
            self._tell("" if sink is None else sink_trouble(sink))
        if sink is not None and self.values.isVisible():
            self._show_values(sink.values)

    def follow(self, trial: Trial) -> None:
        """Show how a test goes."""
        self._trial = trial
        self.test.setEnabled(False)
        self._watch.start()

    def _show_trial(self) -> None:
        trial = self._trial
        if trial is None:
            return
        frames = self.tr("Test: {0} frames sent.").format(trial.sent)
        self.state.setText(frames)
        if not trial.running:
            self._watch.stop()
            self._trial = None
            self.test.setEnabled(True)
            self._tell(trial.error or "")

    def _tell(self, trouble: str) -> None:
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))

    def _address(self) -> str:
        host, port = (getattr(self.choice.settings, name, "") for name in ("host", "port"))
        where = f"{host}:{port}" if host and port else self.choice.kind
        return where if self.choice.enabled else self.tr("Off · {0}").format(where)

    def _show_values(self, values: tuple[tuple[str, float], ...]) -> None:
        if self.values.rowCount() != len(values):
            self.values.setRowCount(len(values))
            for row, (name, _) in enumerate(values):
                self.values.setItem(row, 0, QTableWidgetItem(name))
                self.values.setItem(row, 1, QTableWidgetItem())
        for row, (name, value) in enumerate(values):
            self.values.item(row, 0).setText(name)
            self.values.item(row, 1).setText(f"{value:.3f}")

    def _expand(self, on: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self._body.setVisible(on)

    def _enable(self, on: bool) -> None:
        self.changed.emit(replace(self.choice, enabled=on))

    def _edit(self, settings: object) -> None:
        self.changed.emit(replace(self.choice, settings=settings))


def _values_table(name: str) -> QTableWidget:
    table = QTableWidget(0, 2)
    table.setAccessibleName(name)
    table.horizontalHeader().hide()
    table.verticalHeader().hide()
    table.horizontalHeader().setStretchLastSection(True)
    table.setColumnWidth(0, 190)
    table.setShowGrid(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setFixedHeight(_VALUES_HEIGHT)
    table.setVisible(False)
    return table
