"""The guided calibration in the window: picture, countdown and tone; then what would change."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPalette, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import text
from app.panels.shape_bars import spoken
from app.render.pose_picture import PoseArtist
from engine.cues import Cue, Cues
from engine.errors import CalibrationError
from engine.fit.guided import POSES, GuidedCalibration, Outcome, Prompt, compared
from engine.fit.heads import HeadModel
from engine.fit.person import PersonCalibration
from engine.fit.retarget import RetargetSettings
from engine.types import Frame, TrackResult

_PICTURE_PX, _FINE = 240, 100


class FaceCalibrationDialog(QDialog):
    """Leads through the poses; emits `kept` with name and calibration if the user keeps it.

    Until then nothing of the person is touched: what is discarded leaves everything as it was.

    name   of the person expected, offered as the name to keep it under
    head   that the poses are shown on
    known  returns the calibration of a person so far, None if there is none
    """

    kept = Signal(str, object)  # name, PersonCalibration

    def __init__(
        self,
        name: str,
        head: HeadModel,
        known: Callable[[str], PersonCalibration | None] = lambda _name: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Calibrate face"))
        self._guide, self._outcome, self._known = GuidedCalibration(), None, known
        self._told: tuple[int, bool] = (-1, False)
        self.picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.picture.setFixedSize(_PICTURE_PX, _PICTURE_PX)
        self.picture.setAccessibleName(self.tr("The pose"))
        self.step, self.prompt = text("", "quiet"), text("", "title", wrap=True)
        self.phase, self.count = text("", "quiet", wrap=True), text("", "countdown")
        self.progress = QProgressBar(textVisible=False)
        self.progress.setRange(0, len(POSES) * _FINE)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.tones = QCheckBox(self.tr("&Tones"))
        self.tones.setChecked(True)
        self.summary, self.notes = _Summary(), text("", "small", wrap=True)
        self.name = QLineEdit(name, placeholderText=self.tr("Name to keep it under"))
        self.name.setAccessibleName(self.tr("Name of the person"))
        self.keep, self.discard = QPushButton(self.tr("&Keep")), QPushButton(self.tr("&Discard"))
        self.keep.clicked.connect(self._keep)
        self.discard.clicked.connect(self.reject)
        self.name.textChanged.connect(self._compare)
        self._arrange()
        shade = self.palette().color(QPalette.ColorRole.Window)
        background = (shade.red(), shade.green(), shade.blue())
        self._artist, self._cues = PoseArtist(head, _PICTURE_PX, background), Cues()
        self._open = True
        self._show_prompt()
        self._enable()

    def show_result(self, _frame: Frame, result: TrackResult) -> None:
        """Take in a result of the session."""
        if self._guide.prompt.done:
            return
        self._guide.offer(result)
        self._show_prompt()
        if result.readings is None:
            self.phase.setText(self.tr("No face found: the countdown waits."))
        if self._guide.prompt.done:
            self._conclude()

    def show_problem(self, words: str) -> None:
        """Say why it could not be kept; the name may be changed and kept again."""
        self.phase.setText(words)

    def done(self, result: int) -> None:
        """Close, however it ends."""
        if self._open:
            self._open = False
            self._artist.close()
            self._cues.close()
        super().done(result)

    def _arrange(self) -> None:
        words = QVBoxLayout()
        words.addWidget(self.step)
        words.addWidget(self.prompt)
        words.addStretch(1)
        words.addWidget(self.count)
        words.addWidget(self.phase)
        words.addWidget(self.tones)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(self.picture)
        top.addLayout(words, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.name, 1)
        buttons.addWidget(self.discard)
        buttons.addWidget(self.keep)
        rows = QVBoxLayout(self)
        rows.addLayout(top)
        for widget in (self.progress, self.summary, self.notes):
            rows.addWidget(widget)
        rows.addLayout(buttons)
        self.summary.setVisible(False)
        self.notes.setVisible(False)
        self.setMinimumWidth(600)

    def _show_prompt(self) -> None:
        prompt = self._guide.prompt
        self.prompt.setText(prompt.text)
        self.progress.setValue(round(_FINE * prompt.share))
        if prompt.done:
            return
        words = self.tr("Step {0} of {1}").format(prompt.step + 1, prompt.steps)
        self.step.setText(words)
        self.phase.setText(self.tr("Hold") if prompt.holding else self.tr("Get ready"))
        self.count.setText(str(max(math.ceil(prompt.seconds_left), 1)))
        self._tell(prompt)
        picture = self._artist.picture(POSES[prompt.step])
        if picture is not None:
            height, width = picture.shape[:2]
            image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            self.picture.setPixmap(QPixmap.fromImage(image))

    def _tell(self, prompt: Prompt) -> None:
        """Sound a tone, and ask for the picture, once a step and once for its hold."""
        now = (prompt.step, prompt.holding)
        if now == self._told:
            return
        if prompt.step != self._told[0]:
            self._artist.ask(POSES[prompt.step])
        self._told = now
        self._sound(Cue.HOLD if prompt.holding else Cue.READY)

    def _sound(self, cue: Cue) -> None:
        if self.tones.isChecked():
            self._cues.play(cue)

    def _conclude(self) -> None:
        self._sound(Cue.DONE)
        self.count.setText("")
        self.step.setText("")
        try:
            self._outcome: Outcome | None = self._guide.outcome(RetargetSettings())
        except CalibrationError as error:
            self.phase.setText(str(error))
            return
        self.prompt.setText(self.tr("Keep this calibration?"))
        self.phase.setText(self.tr("Nothing has been changed yet."))
        for widget in (self.picture, self.tones, self.progress, self.step, self.count):
            widget.setVisible(False)
        self._compare()

    def _compare(self) -> None:
        """Show what would change for the person of this name."""
        self._enable()
        if self._outcome is None:
            return
        before, after = self._known(self.name.text().strip()), self._outcome.calibration
        self.summary.show_changes(before, after)
        self.summary.setVisible(True)
        self.notes.setText("\n".join(self._outcome.unchanged))
        self.notes.setVisible(bool(self._outcome.unchanged))

    def _enable(self) -> None:
        self.keep.setEnabled(self._outcome is not None and bool(self.name.text().strip()))

    def _keep(self) -> None:
        if self._outcome is not None:
            calibration: PersonCalibration = self._outcome.calibration
            self.kept.emit(self.name.text().strip(), calibration)


class _Summary(QTableWidget):
    """A line per shape that is read differently: where it rests and where it is whole."""

    def __init__(self) -> None:
        super().__init__(0, 3)
        self.setHorizontalHeaderLabels([self.tr("Shape"), self.tr("At rest"), self.tr("Whole at")])
        self.setAccessibleName(self.tr("What changes"))
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.setMinimumHeight(260)

    def show_changes(self, before: PersonCalibration | None, after: PersonCalibration) -> None:
        changes = compared(before, after, RetargetSettings())
        self.setRowCount(max(len(changes), 1))
        if not changes:
            self.setItem(0, 0, QTableWidgetItem(self.tr("Nothing changes.")))
        for row, change in enumerate(changes):
            cells = [spoken(change.name)]
            cells += [f"{old:.2f} → {new:.2f}" for old, new in (change.rest, change.full)]
            for column, words in enumerate(cells):
                self.setItem(row, column, QTableWidgetItem(words))

    def texts(self) -> list[tuple[str, ...]]:
        """Return the lines, for tests and screen readers."""
        items = [[self.item(r, c) for c in range(3)] for r in range(self.rowCount())]
        return [tuple(item.text() if item else "" for item in row) for row in items]
