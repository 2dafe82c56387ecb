"""The first run, in three steps beside the picture: camera, see yourself tracked, where to send."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import Card, text
from engine.status import SessionStatus
from engine.types import Status, TrackResult

DONE = "first_run/done"


class FirstSteps(Card):
    """Leads through the pages that a beginner needs; every step can be skipped.

    Shows itself once: `wanted` is False after it has been finished or skipped.
    """

    page_wanted = Signal(str)  # name of the page that the step is about; empty for none
    finished = Signal()

    def __init__(self, memory: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("First steps"), parent)
        self._memory, self._found = memory, False
        self.steps = QStackedWidget()
        self.steps.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._pages = ("camera", "", "outputs")
        for title, words in (
            (
                self.tr("1 of 3 · Your camera"),
                self.tr("Choose it below. Do you see yourself in the picture? Then go on."),
            ),
            (
                self.tr("2 of 3 · See yourself tracked"),
                self.tr("Look into the camera, with light on your face."),
            ),
            (
                self.tr("3 of 3 · Where to send"),
                self.tr("Add the program that shows your avatar below, and start it."),
            ),
        ):
            self.steps.addWidget(_step(title, words))
        self.seen = text("", "quiet", wrap=True)
        self.skip = QPushButton(self.tr("&Skip"))
        self.back, self.next = QPushButton(self.tr("&Back")), QPushButton(self.tr("&Next"))
        self.skip.clicked.connect(self.end)
        self.back.clicked.connect(lambda: self._go(-1))
        self.next.clicked.connect(lambda: self._go(1))
        buttons = QHBoxLayout()
        buttons.addWidget(self.skip)
        buttons.addStretch(1)
        buttons.addWidget(self.back)
        buttons.addWidget(self.next)
        self.rows.addWidget(self.steps)
        self.rows.addWidget(self.seen)
        self.rows.addLayout(buttons)

    @property
    def wanted(self) -> bool:
        """Whether this is the first run."""
        return not self._memory.value(DONE, False, bool)

    @property
    def step(self) -> int:
        """Which of the three it is, from 0."""
        return self.steps.currentIndex()

    def begin(self) -> None:
        """Start with the first step."""
        self._found = False
        self.steps.setCurrentIndex(0)
        self._show_step()
        self.show()

    def end(self) -> None:
        """Be done, for good."""
        self._memory.setValue(DONE, True)
        self.hide()
        self.finished.emit()

    def show_result(self, result: TrackResult) -> None:
        """Tell when the user is tracked."""
        found = result.status is Status.TRACKING
        if self.isVisible() and found is not self._found:
            self._found = found
            self._show_seen()

    def show_status(self, status: SessionStatus) -> None:
        """Tell, in the last step, whether something is sent."""
        if self.isVisible() and self.step == 2:
            sent = sum(sink.sent for sink in status.sinks)
            self.seen.setText(self.tr("{0} frames have been sent.").format(sent) if sent else "")
            self.seen.setVisible(bool(sent))

    def _go(self, by: int) -> None:
        if self.step + by == len(self._pages):
            self.end()
        else:
            self.steps.setCurrentIndex(self.step + by)
            self._show_step()

    def _show_step(self) -> None:
        self.back.setEnabled(self.step > 0)
        last = self.step == len(self._pages) - 1
        self.next.setText(self.tr("&Done") if last else self.tr("&Next"))
        self._show_seen()
        self.page_wanted.emit(self._pages[self.step])

    def _show_seen(self) -> None:
        found = self.tr("That is you: the net over your face moves as you do.")
        waiting = self.tr("No face found yet.")
        self.seen.setText(found if self._found else waiting)
        self.seen.setVisible(self.step == 1)


def _step(title: str, words: str) -> QWidget:
    page = QWidget()
    rows = QVBoxLayout(page)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.addWidget(text(title, "title"))
    rows.addWidget(text(words, "quiet", wrap=True))
    return page
