"""The menus that belong to no page: tracking, undo, keys, theme, help."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, QSettings
from PySide6.QtGui import QActionGroup, QKeySequence
from PySide6.QtWidgets import QDialog, QWidget

from app.about import AboutDialog
from app.actions import Menu
from app.desk import Desk
from app.hotkeys import HotkeyDialog
from app.log_window import LogKeeper, LogWindow
from app.style import Theme, set_theme
from engine.status import SessionStatus

THEME = "window/theme"
D = TypeVar("D", bound=QDialog)


class Menus(QObject):
    """Fills the menus and keeps their words in line with the session.

    log  what the log window shows
    """

    def __init__(self, desk: Desk, log: LogKeeper, window: QWidget) -> None:
        super().__init__(window)
        self._desk, self._log, self._window = desk, log, window
        self._add_undo()
        self._add_tracking()
        self._add_person()
        self._add_themes()
        add = desk.actions.add
        add(Menu.HELP, "help.log", self.tr("&Log…"), self.show_log)
        add(Menu.HELP, "help.about", self.tr("&About FlowFace Live…"), self.show_about)
        desk.bridge.status_changed.connect(self._on_status)

    def show_hotkeys(self) -> HotkeyDialog:
        """Open the dialog of the keys."""
        return self._opened(HotkeyDialog(self._desk.actions, self._window))

    def show_log(self) -> LogWindow:
        """Open the log."""
        return self._opened(LogWindow(self._log, self._window))

    def show_about(self) -> AboutDialog:
        """Say what this is."""
        return self._opened(AboutDialog(self._window))

    def set_theme(self, theme: Theme) -> None:
        """Change the colours, now and for the next start."""
        self._desk.memory.setValue(THEME, theme.value)
        set_theme(theme)

    @staticmethod
    def _opened(dialog: D) -> D:
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()
        return dialog

    def _add_undo(self) -> None:
        stack, actions, standard = (
            self._desk.undo.stack,
            self._desk.actions,
            QKeySequence.StandardKey,
        )
        undo = stack.createUndoAction(self, self.tr("&Undo"))
        redo = stack.createRedoAction(self, self.tr("&Redo"))
        actions.enter(Menu.EDIT, "edit.undo", undo, standard.Undo)
        actions.enter(Menu.EDIT, "edit.redo", redo, standard.Redo)
        actions.menu(Menu.EDIT).addSeparator()
        actions.add(Menu.EDIT, "edit.hotkeys", self.tr("&Hotkeys…"), self.show_hotkeys)

    def _add_tracking(self) -> None:
        add, bridge = self._desk.actions.add, self._desk.bridge
        self._run = add(Menu.TRACKING, "tracking.run", self.tr("&Stop"), self._toggle, "Ctrl+T")
        words = self.tr("&Recentre head")
        add(Menu.TRACKING, "tracking.recentre", words, lambda: bridge.recentre(), "Ctrl+R")
        words = self.tr("Straight ahead is the &camera")
        add(Menu.TRACKING, "tracking.uncentre", words, lambda: bridge.recentre(False))

    def _add_person(self) -> None:
        bridge, words = self._desk.bridge, self.tr("Learn my face at &rest")
        learns = bridge.config.tracker.learn_rest
        add = self._desk.actions.add
        action = add(Menu.PERSON, "person.learn_rest", words, self._learn_rest, checked=learns)
        bridge.configured.connect(lambda config: action.setChecked(config.tracker.learn_rest))

    def _learn_rest(self, on: bool) -> None:
        tracker = replace(self._desk.bridge.config.tracker, learn_rest=on)
        words = self.tr("Learn the rest") if on else self.tr("Do not learn the rest")
        self._desk.undo.change(words, tracker=tracker)

    def _add_themes(self) -> None:
        menu = self._desk.actions.menu(Menu.VIEW).addMenu(self.tr("&Theme"))
        group = QActionGroup(self)
        words = {
            Theme.SYSTEM: self.tr("As the &system"),
            Theme.LIGHT: self.tr("&Light"),
            Theme.DARK: self.tr("&Dark"),
        }
        present = remembered_theme(self._desk.memory)
        for theme in Theme:
            do, on = partial(self.set_theme, theme), theme is present
            action = self._desk.actions.add(
                menu, f"view.theme_{theme.value}", words[theme], lambda _, do=do: do(), checked=on
            )
            group.addAction(action)

    def _toggle(self) -> None:
        if self._desk.bridge.running:
            self._desk.bridge.pause()
        else:
            self._desk.bridge.resume()

    def _on_status(self, status: SessionStatus) -> None:
        on = status.state.active
        self._run.setText(self.tr("&Stop") if on else self.tr("&Start"))


def remembered_theme(memory: QSettings) -> Theme:
    """Return the theme that was chosen last; the system's where none is known."""
    kept = memory.value(THEME)
    return next((theme for theme in Theme if theme.value == kept), Theme.SYSTEM)
