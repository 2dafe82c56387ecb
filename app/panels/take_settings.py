"""How takes are recorded: folder, pre-roll, countdown, codecs, sound."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.panels.card import Card
from app.settings_form import SettingsForm
from engine.recording.settings import RecordSettings, SoundSettings


class TakeSettings(Card):
    """Behind an arrow, since it is seldom needed."""

    recording_changed = Signal(object)  # RecordSettings
    sound_changed = Signal(object)  # SoundSettings

    def __init__(
        self, recording: RecordSettings, sound: SoundSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__("", parent)
        self.rows.itemAt(0).widget().hide()
        self.more = QToolButton(text=self.tr("Settings of recording"), checkable=True)
        self.more.setObjectName("section")
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.recording = SettingsForm(recording)
        self.sound = SettingsForm(sound, without=("device", "on"))
        self.browse = QPushButton(self.tr("Choose &folder…"))
        self._body = QWidget()
        inner = QVBoxLayout(self._body)
        inner.setContentsMargins(0, 4, 0, 0)
        for widget in (self.recording, self.browse, self.sound):
            inner.addWidget(widget)
        self.rows.addWidget(self.more)
        self.rows.addWidget(self._body)
        self._body.setVisible(False)
        self.more.toggled.connect(self._expand)
        self.browse.clicked.connect(self._ask)
        self.recording.changed.connect(self.recording_changed)
        self.sound.changed.connect(self.sound_changed)

    def show_settings(self, recording: RecordSettings, sound: SoundSettings) -> None:
        """Show other settings, without telling so."""
        self.recording.show_settings(recording)
        self.sound.show_settings(sound)

    def _expand(self, on: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self._body.setVisible(on)

    def _ask(self) -> None:
        present = self.recording.settings
        folder = QFileDialog.getExistingDirectory(
            self, self.tr("Folder of the takes"), present.folder or ""
        )
        if folder:
            self.recording_changed.emit(replace(present, folder=folder))
