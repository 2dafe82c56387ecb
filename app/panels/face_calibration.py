"""The guided calibration in the window: prompts with a countdown, then what was found."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import text
from engine.errors import CalibrationError
from engine.fit.guided import GuidedCalibration, Outcome
from engine.fit.person import PersonCalibration
from engine.fit.retarget import RetargetSettings
from engine.types import Frame, TrackResult


class FaceCalibrationDialog(QDialog):
    """Leads through the poses; emits `kept` with name and calibration if the user keeps it.

    name  of the person expected, offered as the name to keep it under
    """

    kept = Signal(str, object)  # name, PersonCalibration

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Calibrate face")
        self.setMinimumWidth(460)
        self._guide, self._outcome = GuidedCalibration(), None
        self.prompt = text("", "title", wrap=True)
        self.phase = text("", "quiet")
        self.progress = QProgressBar(textVisible=False)
        self.summary = QPlainTextEdit(readOnly=True, visible=False)
        self.summary.setAccessibleName("What the calibration found")
        self.name = QLineEdit(name, placeholderText="Name to keep it under")
        self.name.setAccessibleName("Name of the person")
        self.keep, self.discard = QPushButton("&Keep"), QPushButton("&Discard")
        self.keep.clicked.connect(self._keep)
        self.discard.clicked.connect(self.reject)
        self.name.textChanged.connect(self._enable)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.discard)
        buttons.addWidget(self.keep)
        rows = QVBoxLayout(self)
        for widget in (self.prompt, self.phase, self.progress, self.summary, self.name):
            rows.addWidget(widget)
        rows.addLayout(buttons)
        self._show_prompt()
        self._enable()

    def show_result(self, _frame: Frame, result: TrackResult) -> None:
        """Take in a result of the session."""
        if self._guide.prompt.done:
            return
        self._guide.offer(result)
        self._show_prompt()
        if result.readings is None:
            self.phase.setText("No face found: the countdown waits.")
        if self._guide.prompt.done:
            self._conclude()

    def show_problem(self, words: str) -> None:
        """Say why it could not be kept; the name may be changed and kept again."""
        self.phase.setText(words)

    def _show_prompt(self) -> None:
        prompt = self._guide.prompt
        self.prompt.setText(prompt.text)
        phase = "Hold" if prompt.holding else "Get ready"
        self.phase.setText("" if prompt.done else f"{phase}: {math.ceil(prompt.seconds_left)}")
        self.progress.setRange(0, prompt.steps)
        self.progress.setValue(prompt.step)

    def _conclude(self) -> None:
        try:
            self._outcome: Outcome | None = self._guide.outcome(RetargetSettings())
        except CalibrationError as error:
            self.phase.setText(str(error))
            return
        self.prompt.setText("Keep this calibration?")
        self.summary.setPlainText("\n".join(self._outcome.changes) or "Nothing to change.")
        self.summary.setVisible(True)
        self._enable()

    def _enable(self) -> None:
        self.keep.setEnabled(self._outcome is not None and bool(self.name.text().strip()))

    def _keep(self) -> None:
        if self._outcome is not None:
            calibration: PersonCalibration = self._outcome.calibration
            self.kept.emit(self.name.text().strip(), calibration)
