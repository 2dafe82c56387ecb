"""Where the picture comes from, and how it is shown."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.actions import Menu
from app.desk import Desk
from app.pages import Place
from app.pages._column import column
from app.panels.camera import SourcePanel, ViewPanel
from app.render.look import Look, Mode
from engine.config import Choice

PLACE, ORDER = Place.SIDE, 10
ICON = "M3 8h3l2-3h8l2 3h3v11H3z M12 10a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7"
_tr = QCoreApplication.translate


def title() -> str:
    return _tr("pages", "Camera")


def create(desk: Desk) -> QWidget:
    source, view = SourcePanel(desk.bridge.config.source), ViewPanel(Look())
    source.chosen.connect(lambda choice: _choose(desk, choice))
    desk.undo.changed.connect(lambda config: source.follow(config.source))
    desk.bridge.status_changed.connect(
        lambda status: source.show_status(status, desk.bridge.player)
    )
    source.bar.again_wanted.connect(desk.bridge.resume)
    view.changed.connect(desk.viewport.set_look)
    _add_actions(desk, source, view)
    return column(source, view)


def _choose(desk: Desk, choice: Choice) -> None:
    if choice == desk.bridge.config.source:
        desk.bridge.change(source=choice)  # once more, perhaps it works now: nothing to take back
    else:
        desk.undo.change(_tr("pages", "Choose source"), source=choice)


def _add_actions(desk: Desk, source: SourcePanel, view: ViewPanel) -> None:
    add, menu = desk.actions.add, desk.actions.menu(Menu.VIEW)
    open_words, open_key = _tr("pages", "&Open video…"), QKeySequence.StandardKey.Open
    add(Menu.FILE, "file.open_video", open_words, source.ask_for_file, open_key)
    for number, mode in enumerate(Mode, start=1):
        words = _tr("pages", "Overlay: {0}").format(mode.value)
        name = f"view.overlay_{mode.name.lower()}"
        add(menu, name, words, lambda _=False, m=mode: view.change(mode=m), f"Ctrl+{number}")
    menu.addSeparator()
    add(menu, "view.mirror", _tr("pages", "&Mirror"), view.mirror.toggle, "Ctrl+M")
    add(menu, "view.whole_head", _tr("pages", "&Whole head"), view.whole_head.toggle, "Ctrl+H")
