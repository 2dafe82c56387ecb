"""Where the result is sent."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QSpinBox, QWidget

from app.panels.card import Card, text
from app.status_text import sink_text
from engine.config import Choice, output_choice
from engine.status import SessionStatus

_KIND = "vmc"


class OutputPanel(Card):
    """VMC over OSC: on or off, host, port, and how it fares."""

    chosen = Signal(object)  # tuple of Choice: all outputs

    def __init__(self, outputs: tuple[Choice, ...], parent: QWidget | None = None) -> None:
        super().__init__("Output", parent)
        self._others = tuple(choice for choice in outputs if choice.kind != _KIND)
        mine = [choice for choice in outputs if choice.kind == _KIND]
        self._settings = (mine[0] if mine else output_choice(_KIND)).settings
        self._more = tuple(mine[1:])  # further receivers from the settings file stay as they are
        self.on = QCheckBox("Send &VMC (OSC)")
        self.on.setChecked(bool(mine))
        self.host = QLineEdit(self._settings.host, placeholderText="Host")
        self.host.setAccessibleName("VMC host")
        self.port = QSpinBox()
        self.port.setRange(1, 65535)
        self.port.setValue(self._settings.port)
        self.port.setMinimumWidth(86)
        self.port.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.port.setAccessibleName("VMC port")
        self.on.toggled.connect(self._tell)
        self.host.editingFinished.connect(self._tell)
        self.port.editingFinished.connect(self._tell)
        address = QHBoxLayout()
        address.addWidget(self.host, 3)
        address.addWidget(self.port, 1)
        self.state = text("", "quiet", wrap=True)
        self.rows.addWidget(self.on)
        self.rows.addLayout(address)
        self.rows.addWidget(self.state)
        self._told = outputs

    def show_status(self, status: SessionStatus) -> None:
        """Say how the output fares."""
        mine = [sink for sink in status.sinks if sink.kind == _KIND]
        self.state.setText(
            sink_text(mine[0]) if mine else "Off." if not self.on.isChecked() else ""
        )

    def _tell(self) -> None:
        self._settings = replace(
            self._settings, host=self.host.text().strip() or "127.0.0.1", port=self.port.value()
        )
        mine = (Choice(_KIND, self._settings),) if self.on.isChecked() else ()
        outputs = tuple(dict.fromkeys(mine + self._more + self._others))
        if outputs != self._told:
            self._told = outputs
            self.chosen.emit(outputs)
