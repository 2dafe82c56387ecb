"""What closing the window does: quit, or go on in the tray; a recording is asked about."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from app.actions import Menu
from app.desk import Desk
from app.tray import Tray
from engine.status import SessionStatus

KEEP, TOLD = "window/keep_in_tray", "window/tray_told"


class Leaving(QObject):
    """Decides for the window's close event.

    tray     where the program goes on
    stays    the action that says whether closing the window keeps the program running
    confirm  asks whether to go on: (question) -> yes or no
    """

    def __init__(self, desk: Desk, window: QWidget) -> None:
        super().__init__(window)
        self._memory, self._window = desk.memory, window
        self.tray: Tray | None = None
        self.confirm: Callable[[str], bool] = self._confirm
        self._recording = self._quitting = self._sure = False
        add, words = desk.actions.add, self.tr("&Keep running in the tray")
        kept = bool(desk.memory.value(KEEP, False, bool))
        self.stays = add(Menu.FILE, "file.keep_in_tray", words, self._keep, checked=kept)
        add(Menu.FILE, "file.quit", self.tr("&Quit"), self.quit, "Ctrl+Q")
        desk.bridge.status_changed.connect(self._on_status)

    def quit(self) -> None:
        """End the program; the tray does not keep it."""
        self._quitting = True
        hidden = not self._window.isVisible()
        if self._window.close() and hidden:
            QCoreApplication.quit()  # Qt ends by itself only when it sees a window go
        self._quitting = False

    def at_once(self) -> None:
        """End the program without a question: nobody may be there to answer it."""
        self._sure = True
        self.quit()

    def allowed(self) -> bool:
        """Whether the window may close; hides it into the tray if that is wanted."""
        if not (self._sure or self._quitting) and self._into_tray():
            return False
        question = self.tr("A take is being recorded. End it and quit?")
        if self._recording and not self._sure and not self.confirm(question):
            return False
        self._recording = False
        QApplication.setQuitOnLastWindowClosed(True)
        return True

    def _into_tray(self) -> bool:
        tray = self.tray
        if tray is None or not self.stays.isChecked() or not tray.available():
            return False
        QApplication.setQuitOnLastWindowClosed(False)  # a dialog may still come and go
        self._window.hide()
        if not self._memory.value(TOLD, False, bool):
            self._memory.setValue(TOLD, True)
            words = self.tr("Tracking and sending go on. Quit from the menu of this icon.")
            tray.tell(words)
        return True

    def _keep(self, on: bool) -> None:
        self._memory.setValue(KEEP, on)

    def _on_status(self, status: SessionStatus) -> None:
        self._recording = status.takes is not None and status.takes.recording is not None

    def _confirm(self, question: str) -> bool:
        return (
            QMessageBox.question(self._window, "FlowFace Live", question)
            is QMessageBox.StandardButton.Yes
        )
