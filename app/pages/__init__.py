"""The pages of the window, one module each: a new page is a new file here.

A module offers

    PLACE           where it stands: beside the picture, or in the strip below it
    ORDER           pages of one place are sorted by it
    ICON            SVG path data on a field of 24 x 24 (pages beside the picture)
    title()         what the button says
    create(desk)    its widget, which connects itself to desk.bridge and adds its own actions
    LATER           true: made when it is first shown. For what takes long and adds no actions;
                    `create` imports what takes long
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import ModuleType

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.desk import Desk
from engine import plugins


class Place(Enum):
    """Where a page stands."""

    SIDE = "side"
    BELOW = "below"


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """A page of the window.

    shown  what stands in the window: the page, or where it is made when that is first shown
    """

    name: str
    title: str
    place: Place
    icon: str
    shown: QWidget

    @property
    def widget(self) -> QWidget:
        """The page itself, made if it is not yet."""
        return self.shown.page if isinstance(self.shown, Later) else self.shown


class Later(QWidget):
    """Stands where a page is to be, and makes it when it is first seen."""

    def __init__(self, make: Callable[[], QWidget]) -> None:
        super().__init__()
        self.setObjectName("page")
        self._make = make
        self._page: QWidget | None = None
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)

    @property
    def page(self) -> QWidget:
        """The page, made if it is not yet."""
        if self._page is None:
            self._page = self._make()
            self.layout().addWidget(self._page)
        return self._page

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.page.show()


def open_all(desk: Desk) -> dict[str, Page]:
    """Make all pages; returns them by name, in their order."""
    package = sys.modules[__name__]
    modules = {name: plugins.load(package, name) for name in plugins.kinds(package)}
    ordered = sorted(modules, key=lambda name: modules[name].ORDER)
    return {
        name: Page(
            name,
            modules[name].title(),
            modules[name].PLACE,
            getattr(modules[name], "ICON", ""),
            _made(modules[name], desk),
        )
        for name in ordered
    }


def _made(module: ModuleType, desk: Desk) -> QWidget:
    if getattr(module, "LATER", False):
        return Later(lambda: module.create(desk))
    return module.create(desk)
