"""Remote control: on or off, where it listens, how it fares."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.panels.card import Card, text
from app.settings_form import SettingsForm
from app.status_text import remote_text
from engine.remote.settings import RemoteSettings
from engine.status import SessionStatus


class RemoteCard(Card):
    """Tells what the user wants; shows what it is told.

    settings  in force
    """

    changed = Signal(object)  # RemoteSettings

    def __init__(self, settings: RemoteSettings, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Remote control"), parent)
        self.state = text("", "quiet", wrap=True)
        self.form = SettingsForm(settings)
        self.form.changed.connect(self.changed)
        self.rows.addWidget(self.state)
        self.rows.addWidget(self.form)

    def show_status(self, status: SessionStatus) -> None:
        """Say how it fares."""
        self.state.setText(remote_text(status.remote))
