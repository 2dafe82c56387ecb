"""What every page of the window is given to work with."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSettings

from app.actions import Actions
from app.bridge import Bridge
from app.undo import Undo
from app.viewport import Viewport


@dataclass(frozen=True, eq=False, slots=True)
class Desk:
    """The session, the picture, the menus, undo, and what the window remembers.

    undo    the way to change the configuration: what goes past it cannot be taken back
    memory  of the window alone: place, size, theme, hotkeys; what the session needs is in Config
    """

    bridge: Bridge
    viewport: Viewport
    actions: Actions
    undo: Undo
    memory: QSettings
