"""Everything that can be done from a menu or by a key, under names that stay."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import QObject, QSettings
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

_HOTKEYS = "hotkeys"


class Menu(Enum):
    """The menus, in their order."""

    FILE = "file"
    EDIT = "edit"
    TRACKING = "tracking"
    TAKES = "takes"
    PERSON = "person"
    VIEW = "view"
    HELP = "help"


class Actions(QObject):
    """Menus of a window and the actions in them; keys that the user has chosen are remembered.

    names  action by name, in the order in which they were added
    """

    def __init__(self, window: QMainWindow, memory: QSettings) -> None:
        super().__init__(window)
        self._window, self._memory = window, memory
        self.names: dict[str, QAction] = {}
        self._usual: dict[str, QKeySequence] = {}
        titles = {
            Menu.FILE: self.tr("&File"),
            Menu.EDIT: self.tr("&Edit"),
            Menu.TRACKING: self.tr("&Tracking"),
            Menu.TAKES: self.tr("Ta&kes"),
            Menu.PERSON: self.tr("&Person"),
            Menu.VIEW: self.tr("&View"),
            Menu.HELP: self.tr("&Help"),
        }
        self._menus = {menu: window.menuBar().addMenu(titles[menu]) for menu in Menu}

    def menu(self, menu: Menu) -> QMenu:
        """Return a menu, for separators and menus within it."""
        return self._menus[menu]

    def add(
        self,
        menu: Menu | QMenu,
        name: str,
        words: str,
        do: Callable[..., object],
        key: str | QKeySequence.StandardKey = "",
        *,
        checked: bool | None = None,
    ) -> QAction:
        """Put an action into a menu.

        name     stable, like "view.mirror": the user's key is kept under it
        do       called when it is triggered; gets the new state if it can be checked
        key      the usual one; empty for none
        checked  its state if it can be checked
        """
        action = QAction(words, self._window)
        action.setObjectName(name)
        if checked is not None:
            action.setCheckable(True)
            action.setChecked(checked)
        action.triggered.connect(do)
        self.enter(menu, name, action, key)
        return action

    def enter(
        self,
        menu: Menu | QMenu,
        name: str,
        action: QAction,
        key: str | QKeySequence.StandardKey = "",
    ) -> None:
        """Put an action that exists into a menu, as `add` does."""
        self._usual[name] = QKeySequence(key)
        kept = self._memory.value(f"{_HOTKEYS}/{name}")
        action.setShortcut(self._usual[name] if kept is None else QKeySequence(str(kept)))
        (self._menus[menu] if isinstance(menu, Menu) else menu).addAction(action)
        self._window.addAction(action)  # so that the key works with the menu bar hidden
        self.names[name] = action

    def usual_key(self, name: str) -> QKeySequence:
        """Return the key that an action has unless the user chooses another."""
        return self._usual[name]

    def set_key(self, name: str, key: QKeySequence) -> None:
        """Give an action another key, and remember it if it is not the usual one."""
        self.names[name].setShortcut(key)
        if key == self._usual[name]:
            self._memory.remove(f"{_HOTKEYS}/{name}")
        else:
            self._memory.setValue(f"{_HOTKEYS}/{name}", key.toString())
