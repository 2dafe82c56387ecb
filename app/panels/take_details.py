"""One take: its slate, notes and stars, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import text
from engine.recording.library import Listed
from engine.recording.take import COMPLETE, MOST_STARS

_NOTES_HEIGHT = 54


class TakeDetails(QWidget):
    """Shows a take and tells what the user wants of it."""

    renamed = Signal(object, str)  # folder, slate
    noted = Signal(object, str)  # folder, notes
    rated = Signal(object, int)  # folder, stars
    play = Signal(object)  # folder, as all that follow
    export = Signal(object)
    verify = Signal(object)
    reveal = Signal(object)
    bin = Signal(object)
    mend = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.take: Listed | None = None
        self.slate, self.number, self.stars = QLineEdit(), text("", "quiet"), Stars()
        self.slate.setAccessibleName(self.tr("Slate of the take"))
        self.slate.setToolTip(self.tr("Another slate gives the take that slate's next number."))
        self.notes = Notes()
        self.notes.setAccessibleName(self.tr("Notes"))
        self.notes.setPlaceholderText(self.tr("Notes"))
        self.notes.setFixedHeight(_NOTES_HEIGHT)
        self.notes.setTabChangesFocus(True)
        self.facts = text("", "small", wrap=True)
        self.facts.setMinimumHeight(2 * self.facts.fontMetrics().lineSpacing())
        self.buttons = {
            "play": QPushButton(self.tr("&Play")),
            "export": QPushButton(self.tr("&Export…")),
            "verify": QPushButton(self.tr("Chec&k")),
            "reveal": QPushButton(self.tr("Fol&der")),
            "bin": QPushButton(self.tr("To &bin")),
            "mend": QPushButton(self.tr("&Mend")),
        }
        for name, button in self.buttons.items():
            button.clicked.connect(lambda _=False, name=name: self._tell(name))
        self.slate.editingFinished.connect(self._rename)
        self.notes.left.connect(self.store)
        self.stars.chosen.connect(self._rate)
        self._arrange()
        self.show_take(None)

    def _arrange(self) -> None:
        names, grid = QHBoxLayout(), QGridLayout()
        names.addWidget(self.slate, 1)
        names.addWidget(self.number)
        names.addWidget(self.stars)
        for place, name in enumerate(("play", "export", "verify", "reveal", "bin", "mend")):
            grid.addWidget(self.buttons[name], place // 3, place % 3)
        grid.setSpacing(6)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        rows.addLayout(names)
        rows.addWidget(self.notes)
        rows.addWidget(self.facts)
        rows.addLayout(grid)

    def show_take(self, take: Listed | None) -> None:
        """Show another take, or the same as it is now; what was being written of it stays."""
        if self.take is not None and (take is None or take.folder != self.take.folder):
            self.store()
        same = take is not None and self.take is not None and take.folder == self.take.folder
        self.take, info = take, None if take is None else take.info
        self.setVisible(take is not None)
        complete = info is not None and info.status == COMPLETE
        for name, button in self.buttons.items():
            button.setVisible(name != "mend" or (info is not None and not complete))
            button.setEnabled(complete or name in ("reveal", "mend"))
        self.buttons["bin"].setEnabled(info is not None)
        for widget in (self.slate, self.notes, self.stars):
            widget.setEnabled(complete)
        if info is None:
            self.facts.setText("" if take is None else take.problem)
            return
        self.number.setText(f"{info.take:03d}")
        self.stars.show_stars(info.rating)
        self.facts.setText(facts(take))
        if not (same and self.slate.hasFocus()):
            self.slate.setText(info.slate)
        if not (same and self.notes.hasFocus()):
            self.notes.setPlainText(info.notes)

    def store(self) -> None:
        """Tell the notes if they were changed."""
        if self.take is None or self.take.info is None or not self.notes.isEnabled():
            return
        notes = self.notes.toPlainText()
        if notes != self.take.info.notes:
            self.noted.emit(self.take.folder, notes)

    def _rename(self) -> None:
        slate = self.slate.text().strip()
        if self.take is None or self.take.info is None or slate == self.take.info.slate:
            return
        self.renamed.emit(self.take.folder, slate)

    def _rate(self, stars: int) -> None:
        if self.take is not None:
            self.rated.emit(self.take.folder, stars)

    def _tell(self, name: str) -> None:
        if self.take is not None:
            getattr(self, name).emit(self.take.folder)


class Notes(QPlainTextEdit):
    """Tells when it has been left: then notes are kept."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class Stars(QWidget):
    """Five stars to press; the one that is the last takes all away again."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.value = 0
        self.buttons = [QToolButton(autoRaise=True) for _ in range(MOST_STARS)]
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        for number, button in enumerate(self.buttons, start=1):
            button.setObjectName("section")
            button.setAccessibleName(self.tr("{0} stars").format(number))
            button.clicked.connect(lambda _=False, number=number: self._press(number))
            columns.addWidget(button)
        self.show_stars(0)

    def show_stars(self, stars: int) -> None:
        """Show how many there are."""
        self.value = stars
        for number, button in enumerate(self.buttons, start=1):
            button.setText("★" if number <= stars else "☆")

    def _press(self, number: int) -> None:
        self.chosen.emit(0 if number == self.value else number)


def facts(take: Listed) -> str:
    """Return what was recorded, in a line."""
    info = take.info
    if info is None:
        return take.problem
    parts = [f"{info.width_px} × {info.height_px}", f"{info.frames} frames"]
    if info.frames:
        parts.append(f"{100 * info.tracked / info.frames:.0f} % tracked")
    if info.timecode.start:
        parts.append(f"{info.timecode.start} at {info.timecode.rate}")
    if info.film is not None:
        parts.append(info.film.codec)
    parts.append(info.sound.codec if info.sound is not None else "no sound")
    lost = info.dropped_by_camera + (0 if info.film is None else info.film.refused)
    if lost:
        parts.append(f"{lost} pictures missing")
    if info.recovered:
        parts.append("mended")
    return " · ".join(parts)
