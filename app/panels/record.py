"""The record button, what the next take is called, and how loud it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.panels.card import Card, text
from app.panels.level_meter import LevelMeter
from app.recorder import Phase, Recorder
from engine.recording.microphone import Level
from engine.recording.settings import SoundSettings

_OFF, _USUAL = 0, 1


class RecordCard(Card):
    """Tells what the user wants of the sound; the take itself is the recorder's."""

    sound_changed = Signal(object)  # SoundSettings

    def __init__(
        self,
        recorder: Recorder,
        sound: SoundSettings,
        level: Callable[[], Level | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", parent)
        self._recorder, self._sound, self._devices = recorder, sound, list[str]()
        self.setAccessibleName(self.tr("Record"))
        self.rows.itemAt(0).widget().hide()  # the button says it
        self.button = QPushButton(checkable=True)
        self.button.setObjectName("record")
        self.button.clicked.connect(self._press)
        self.time = text("", "title")
        self.time.setAccessibleName(self.tr("Length of the take"))
        self.time.setMinimumWidth(64)
        self.time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.slate, self.number = QLineEdit(recorder.slate), text("", "quiet")
        self.slate.setAccessibleName(self.tr("Slate"))
        self.slate.setPlaceholderText(self.tr("Slate"))
        self.slate.setToolTip(self.tr("What takes are filed under; each gets the next number."))
        self.slate.textEdited.connect(recorder.set_slate)
        self.device, self.meter = QComboBox(), LevelMeter(level)
        self.device.setAccessibleName(self.tr("Sound"))
        self.device.setMinimumContentsLength(12)
        self.device.activated.connect(self._choose_sound)
        self.told = text("", "problem", wrap=True)
        self.silent = text("", "small", wrap=True)
        self._arrange()
        self.show_devices([])
        recorder.changed.connect(self.refresh)
        self.refresh()

    def _arrange(self) -> None:
        top, names, sound = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.button, 1)
        top.addWidget(self.time)
        names.addWidget(text(self.tr("Slate"), "quiet"))
        names.addWidget(self.slate, 1)
        names.addWidget(self.number)
        sound.addWidget(text(self.tr("Sound"), "quiet"))
        sound.addWidget(self.device, 1)
        for row in (top, names, sound):
            self.rows.addLayout(row)
        self.rows.addWidget(self.meter)
        self.rows.addWidget(self.silent)
        self.rows.addWidget(self.told)

    def refresh(self) -> None:
        """Bring button, time and words in line with the recorder."""
        recorder, phase = self._recorder, self._recorder.phase
        words = {
            Phase.IDLE: self.tr("●  Record"),
            Phase.COUNTING: self.tr("Cancel ({0})").format(recorder.left),
            Phase.RECORDING: self.tr("■  Stop"),
            Phase.SAVING: self.tr("Saving…"),
        }
        self.button.setText(words[phase])
        self.button.setChecked(phase in (Phase.COUNTING, Phase.RECORDING))
        self.button.setEnabled(phase is not Phase.SAVING)
        self.time.setText(clock_text(recorder.seconds))
        self.time.setVisible(phase in (Phase.RECORDING, Phase.SAVING))
        if phase is Phase.IDLE:
            self.number.setText(self.tr("Take {0}").format(f"{recorder.next_take:03d}"))
        self.slate.setEnabled(phase is Phase.IDLE)
        silent = recorder.sound_problem if self._sound.on else ""
        problems = [part for part in (recorder.problem, recorder.warning) if part]
        for label, words in ((self.silent, silent), (self.told, "\n".join(problems))):
            label.setText(words)
            label.setVisible(bool(words))
        self.meter.setVisible(self._sound.on and not silent)

    def show_sound(self, sound: SoundSettings) -> None:
        """Show other settings, without telling so."""
        self._sound = sound
        self.show_devices(self._devices)

    def show_devices(self, names: list[str]) -> None:
        """List the inputs that there are; the one in use is always among them."""
        self._devices, chosen = names, self._sound.device
        self.device.clear()
        self.device.addItem(self.tr("No sound"))
        self.device.addItem(self.tr("The system's usual input"))
        for name in names:
            self.device.addItem(name, name)
        if chosen is not None and chosen not in names:
            self.device.addItem(self.tr("{0} (not found)").format(chosen), chosen)
        found = _USUAL if chosen is None else self.device.findData(chosen)
        self.device.setCurrentIndex(found if self._sound.on else _OFF)

    def _choose_sound(self, index: int) -> None:
        if index == _OFF:
            sound = replace(self._sound, on=False)
        else:
            sound = replace(self._sound, on=True, device=self.device.itemData(index))
        if sound != self._sound:
            self.sound_changed.emit(sound)

    def _press(self) -> None:
        self._recorder.toggle()
        self.refresh()  # a checked button has changed by itself


def clock_text(seconds: float) -> str:
    """Return a length as m:ss, with hours where there are some."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    tail = f"{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
    return f"{hours}:{tail}" if hours else tail
