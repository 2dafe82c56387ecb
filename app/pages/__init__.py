"""The pages of the window, one module each: a new page is a new file here.

A module offers

    PLACE           where it stands: beside the picture, or in the strip below it
    ORDER           pages of one place are sorted by it
    ICON            SVG path data on a field of 24 x 24 (pages beside the picture)
    title()         what the button says
    create(desk)    its widget, which connects itself to desk.bridge and adds its own actions
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum

from PySide6.QtWidgets import QWidget

from app.desk import Desk
from engine import plugins


class Place(Enum):
    """Where a page stands."""

    SIDE = "side"
    BELOW = "below"


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """A page that has been made."""

    name: str
    title: str
    place: Place
    icon: str
    widget: QWidget


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
            modules[name].create(desk),
        )
        for name in ordered
    }
