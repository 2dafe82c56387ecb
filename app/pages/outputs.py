"""Where the result is sent."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.pages import Place
from app.pages._column import column
from app.panels.output_card import OutputCard
from app.panels.outputs import OutputPanel
from app.panels.remote import RemoteCard
from engine import output_presets
from engine.config import Choice, Config
from engine.remote.settings import RemoteSettings

PLACE, ORDER, LATER = Place.SIDE, 30, True
ICON = "M4 12h11 M10 6l6 6-6 6 M20 4v16"


def title() -> str:
    return QCoreApplication.translate("pages", "Outputs")


def create(desk: Desk) -> QWidget:
    panel = OutputPanel(desk.bridge.config.outputs, output_presets.listed())

    def edit(words: str, gesture: str, outputs: tuple[Choice, ...]) -> None:
        desk.undo.change(words, gesture=gesture or None, outputs=outputs)

    def configured(config: Config) -> None:
        panel.show_outputs(config.outputs)

    def test(card: OutputCard) -> None:
        card.follow(desk.bridge.test_output(card.choice))

    panel.edited.connect(edit)
    panel.test_wanted.connect(test)
    desk.bridge.configured.connect(configured)
    desk.bridge.status_changed.connect(panel.show_status)
    remote = RemoteCard(desk.bridge.config.remote)
    words = QCoreApplication.translate("pages", "Change remote control")

    def edit_remote(wish: RemoteSettings) -> None:
        desk.undo.change(words, gesture="remote", remote=wish)

    remote.changed.connect(edit_remote)
    desk.bridge.configured.connect(lambda config: remote.form.show_settings(config.remote))
    desk.bridge.status_changed.connect(remote.show_status)
    return column(panel, remote)
