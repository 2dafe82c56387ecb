"""Takes: record, keep, look through, play, export."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QDesktopServices, QHideEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.actions import Menu
from app.desk import Desk
from app.pages import Place
from app.pages._column import column
from app.panels.export_dialog import ExportDialog
from app.panels.over_picture import MendOffer, RecordingFrame
from app.panels.record import RecordCard
from app.panels.take_settings import TakeSettings
from app.panels.takes import TakesCard
from app.recorder import Phase, Recorder
from app.take_shelf import TakeShelf
from engine.config import Config
from engine.errands import Errand
from engine.recording import microphone
from engine.recording.settings import RecordSettings, SoundSettings
from engine.status import SessionStatus

PLACE, ORDER = Place.SIDE, 25
ICON = "M3 6h18v12H3z M3 10h18 M7 6l-1.5 4 M12 6l-1.5 4 M17 6l-1.5 4"
_tr = QCoreApplication.translate


def title() -> str:
    return _tr("pages", "Takes")


def create(desk: Desk) -> QWidget:
    return TakesPage(desk)


class TakesPage(QWidget):
    """Listens to the microphone while it is shown, for the meter and the sound of the pre-roll."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.setObjectName("page")
        bridge, config = desk.bridge, desk.bridge.config
        self._desk, self._begun, self._folder = desk, False, config.recording.folder
        self.recorder = Recorder(bridge, desk.memory, self)
        self.shelf = TakeShelf(bridge, desk.undo.stack, self)
        self.record = RecordCard(self.recorder, config.sound, lambda: bridge.level)
        self.takes = TakesCard(self.shelf)
        self.settings = TakeSettings(config.recording, config.sound)
        self.frame = RecordingFrame(self.recorder, desk.viewport)
        self.offer = MendOffer(desk.viewport)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(column(self.record, self.takes, self.settings))
        self._connect()
        key, words = "Ctrl+Shift+R", _tr("pages", "&Record")
        self._action = desk.actions.add(
            Menu.TAKES, "takes.record", words, self.recorder.toggle, key
        )
        show = _tr("pages", "Show &folder")
        desk.actions.add(Menu.TAKES, "takes.folder", show, lambda: self.reveal(self.shelf.root))
        self.record.button.setToolTip(self._action.shortcut().toString())

    def _connect(self) -> None:
        bridge = self._desk.bridge
        self.recorder.finished.connect(lambda _: self.shelf.refresh())
        self.recorder.changed.connect(self._name_action)
        self.record.sound_changed.connect(self._change_sound)
        self.settings.sound_changed.connect(self._change_sound)
        self.settings.recording_changed.connect(self._change_recording)
        self.takes.list.wanted.connect(self.play)
        self.takes.details.play.connect(self.play)
        self.takes.details.reveal.connect(self.reveal)
        self.takes.details.export.connect(self.export)
        self.shelf.cut_off.connect(self._offer)
        bridge.status_changed.connect(self._begin)
        bridge.configured.connect(self._on_configured)

    def play(self, folder: Path) -> None:
        """Play a take in the camera's place."""
        if self.recorder.phase is Phase.IDLE:
            self._desk.bridge.play(folder)
        else:
            self.takes.tell(_tr("pages", "A take is being recorded: end it first."), True)

    def export(self, folder: Path) -> ExportDialog:
        """Ask how a take is to be exported."""
        dialog = ExportDialog(folder, self._desk.bridge.exports, self.window())
        dialog.show()
        return dialog

    def reveal(self, folder: Path) -> None:
        """Show a folder as the desktop does."""
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self.takes.tell(_tr("pages", "{0}: no takes yet").format(folder), True)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._desk.bridge.listen(True)
        if self._begun:
            self.shelf.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._desk.bridge.listen(False)
        self.takes.details.store()
        if not self.window().isVisible():
            self.recorder.stop()

    def _begin(self, status: SessionStatus) -> None:
        """When the session has begun: list takes, find inputs, and look for what was cut off."""
        if self._begun or status.takes is None:
            return
        self._begun = True
        chores = self._desk.bridge.chores
        chores.do(lambda _: microphone.devices(), self._show_devices)
        self.shelf.refresh()
        self.shelf.look_for_cut_off()
        if self.isVisible():
            self._desk.bridge.listen(True)

    def _show_devices(self, errand: Errand) -> None:
        self.record.show_devices(errand.result or [])

    def _offer(self, folders: list[Path]) -> None:
        self.offer.accepted.connect(lambda: self.shelf.mend(folders))
        self.offer.offer([folder.name for folder in folders])

    def _name_action(self) -> None:
        idle = self.recorder.phase is Phase.IDLE
        self._action.setText(_tr("pages", "&Record") if idle else _tr("pages", "Stop &recording"))

    def _change_recording(self, recording: RecordSettings) -> None:
        words = _tr("pages", "Change settings of recording")
        self._desk.undo.change(words, gesture="recording", recording=recording)

    def _change_sound(self, sound: SoundSettings) -> None:
        self._desk.undo.change(_tr("pages", "Change sound"), gesture="sound", sound=sound)

    def _on_configured(self, config: Config) -> None:
        self.record.show_sound(config.sound)
        self.settings.show_settings(config.recording, config.sound)
        self.record.refresh()
        if self._begun and self._folder != config.recording.folder:
            self.shelf.refresh()
        self._folder = config.recording.folder
