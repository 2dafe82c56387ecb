"""The menu of the profiles: load, save, duplicate, rename, delete."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QMessageBox, QWidget

from app.actions import Menu
from app.desk import Desk
from engine.errors import ConfigError
from engine.profiles import Profiles

_CURRENT = "profile/current"


class ProfilesMenu(QObject):
    """Fills File > Profiles. Loading one is a step that can be taken back.

    ask      asks for a name: (title, suggestion) -> the name, or None
    confirm  asks whether to go on: (question) -> yes or no
    """

    changed = Signal(str)  # name of the current profile, empty if there is none

    def __init__(self, desk: Desk, profiles: Profiles, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._profiles, self._parent = desk, profiles, parent
        self.ask: Callable[[str, str], str | None] = self._ask
        self.confirm: Callable[[str], bool] = self._confirm
        self.tell: Callable[[str], object] = self._tell
        self._menu = desk.actions.menu(Menu.FILE).addMenu(self.tr("&Profiles"))
        self._group = QActionGroup(self)
        add = desk.actions.add
        save_as = self.tr("Save &as…")
        add(self._menu, "profile.save", self.tr("&Save"), self.save, "Ctrl+S")
        add(self._menu, "profile.save_as", save_as, self.save_as, "Ctrl+Shift+S")
        self._named = [
            add(self._menu, "profile.duplicate", self.tr("&Duplicate…"), self.duplicate),
            add(self._menu, "profile.rename", self.tr("&Rename…"), self.rename),
            add(self._menu, "profile.delete", self.tr("De&lete…"), self.delete),
        ]
        self._menu.addSeparator()
        self._fill()

    @property
    def current(self) -> str:
        """Name of the profile that was loaded or saved last; empty if it is gone."""
        name = str(self._desk.memory.value(_CURRENT, ""))
        return name if name in self._profiles.names() else ""

    def load(self, name: str) -> None:
        """Put a profile in force."""
        config = self._tried(lambda: self._profiles.load(name))
        if config is not None:
            parts = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
            words = self.tr("Load profile {0}").format(name)
            self._desk.undo.change(words, **parts)
            self._choose(name)

    def save(self) -> None:
        """Save what is in force under the current name; asks for one if there is none."""
        if self.current:
            self._store(self.current)
        else:
            self.save_as()

    def save_as(self) -> None:
        """Save what is in force under another name."""
        name = self.ask(self.tr("Save profile as"), self.current)
        if name is None:
            return
        question = self.tr("There is a profile {0} already. Replace it?").format(name)
        if name not in self._profiles.names() or self.confirm(question):
            self._store(name)

    def duplicate(self) -> None:
        """Copy the current profile as it was saved."""
        name = self.current
        copy = self.ask(self.tr("Duplicate profile"), self.tr("{0} copy").format(name))
        if copy is not None and self._done(lambda: self._profiles.duplicate(name, copy)):
            self._choose(copy)

    def rename(self) -> None:
        """Give the current profile another name."""
        name = self.current
        new = self.ask(self.tr("Rename profile"), name)
        if new is not None and self._done(lambda: self._profiles.rename(name, new)):
            self._choose(new)

    def delete(self) -> None:
        """Remove the current profile; what is in force stays in force."""
        name = self.current
        if self.confirm(self.tr("Delete the profile {0}?").format(name)) and self._done(
            lambda: self._profiles.delete(name)
        ):
            self._choose("")

    def _store(self, name: str) -> None:
        config = self._desk.bridge.kept
        if self._done(lambda: self._profiles.save(name, config)):
            self._choose(name)

    def _choose(self, name: str) -> None:
        self._desk.memory.setValue(_CURRENT, name.strip())
        self._fill()
        self.changed.emit(self.current)

    def _fill(self) -> None:
        for action in self._group.actions():
            self._group.removeAction(action)
            self._menu.removeAction(action)
        for name in self._profiles.names():
            action = QAction(name.replace("&", "&&"), self, checkable=True)
            action.setChecked(name == self.current)
            action.triggered.connect(lambda _=False, n=name: self.load(n))
            self._group.addAction(action)
            self._menu.addAction(action)
        for action in self._named:
            action.setEnabled(bool(self.current))

    def _done(self, do: Callable[[], None]) -> bool:
        return self._tried(lambda: (do(), True)[1]) is not None

    def _tried(self, do: Callable[[], object]) -> object | None:
        try:
            return do()
        except ConfigError as error:
            self.tell(str(error))
            return None

    def _ask(self, title: str, suggestion: str) -> str | None:
        name, given = QInputDialog.getText(self._parent, title, self.tr("Name"), text=suggestion)
        return name.strip() if given and name.strip() else None

    def _confirm(self, question: str) -> bool:
        button = QMessageBox.question(self._parent, self.tr("Profiles"), question)
        return button is QMessageBox.StandardButton.Yes

    def _tell(self, problem: str) -> object:
        return QMessageBox.warning(self._parent, self.tr("Profiles"), problem)
