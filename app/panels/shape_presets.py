"""Presets of the shapes: choose, save, rename, delete; of people and of avatars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from engine.errors import ConfigError
from engine.presets import Presets, Whose
from engine.tuning import Tuning


class ShapePresets(QWidget):
    """A list of presets and a menu for them.

    folder  where they are kept; the user's if None
    """

    loaded = Signal(object, str)  # Tuning, name
    failed = Signal(str)  # why something could not be done; empty once something could

    def __init__(self, folder: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tuning = Tuning()
        self._presets = {whose: Presets(whose, folder) for whose in Whose}
        self._words = {Whose.PERSON: self.tr("Person"), Whose.AVATAR: self.tr("Avatar")}
        self.list = QComboBox()
        self.list.setAccessibleName(self.tr("Preset"))
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.list.setMinimumContentsLength(8)
        self.list.activated.connect(lambda _: self.load())
        self.button = QToolButton(text=self.tr("Preset…"))
        self.button.setObjectName("menuButton")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self.actions_by_name = {
            "save_person": menu.addAction(self.tr("Save for a person…"), self._save_as_person),
            "save_avatar": menu.addAction(self.tr("Save for an avatar…"), self._save_as_avatar),
            "rename": menu.addAction(self.tr("Rename…"), self._ask_rename),
            "delete": menu.addAction(self.tr("Delete"), self.delete),
        }
        self.button.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.list, 1)
        row.addWidget(self.button)
        self.fill()

    def show_tuning(self, tuning: Tuning) -> None:
        """Take note of what would be saved."""
        self._tuning = tuning

    def fill(self, chosen: tuple[Whose, str] | None = None) -> None:
        """List what there is."""
        self.list.clear()
        self.list.addItem(self.tr("No preset"), None)
        for whose, presets in self._presets.items():
            for name in presets.names():
                self.list.addItem(f"{self._words[whose]}: {name}", (whose, name))
        at = [self.list.itemData(i) for i in range(self.list.count())].index(chosen)
        self.list.setCurrentIndex(at)
        for key in ("rename", "delete"):
            self.actions_by_name[key].setEnabled(self.list.count() > 1)

    def load(self) -> None:
        """Read the preset that is chosen."""
        chosen = self._chosen()
        if chosen is None:
            return
        try:
            tuning = self._presets[chosen[0]].load(chosen[1])
        except ConfigError as error:
            self.failed.emit(str(error))
            return
        self.failed.emit("")
        self.loaded.emit(tuning, chosen[1])

    def save(self, whose: Whose, name: str) -> None:
        """Keep the present tuning under a name."""
        self._try(lambda: self._presets[whose].save(name, self._tuning), (whose, name))

    def rename(self, new: str) -> None:
        """Give the chosen preset another name."""
        chosen = self._chosen()
        if chosen is not None:
            whose, name = chosen
            self._try(lambda: self._presets[whose].rename(name, new), (whose, new))

    def delete(self) -> None:
        """Remove the chosen preset; the tuning stays as it is."""
        chosen = self._chosen()
        if chosen is not None:
            self._try(lambda: self._presets[chosen[0]].delete(chosen[1]), None)

    def _chosen(self) -> tuple[Whose, str] | None:
        chosen = self.list.currentData()
        if chosen is None:
            self.failed.emit(self.tr("Choose a preset first."))
            return None
        return tuple(chosen)

    def _try(self, do: Callable[[], object], chosen: tuple[Whose, str] | None) -> None:
        try:
            do()
        except ConfigError as error:
            self.failed.emit(str(error))
            return
        self.failed.emit("")
        self.fill(chosen)

    def _save_as_person(self) -> None:
        self._ask_save(Whose.PERSON)

    def _save_as_avatar(self) -> None:
        self._ask_save(Whose.AVATAR)

    def _ask_save(self, whose: Whose) -> None:
        chosen = self.list.currentData()
        usual = chosen[1] if chosen is not None and chosen[0] is whose else ""
        label = self._words[whose]
        name, sure = QInputDialog.getText(self, self.tr("Save preset"), label, text=usual)
        if sure:
            self.save(whose, name.strip())

    def _ask_rename(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        title, label = self.tr("Rename preset"), self.tr("New name")
        name, sure = QInputDialog.getText(self, title, label, text=chosen[1])
        if sure:
            self.rename(name.strip())
