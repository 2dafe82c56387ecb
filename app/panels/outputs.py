"""Where the result is sent: receivers by name, a card for every output."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.panels.card import Card, text
from app.panels.output_card import OutputCard
from engine.config import Choice, output_names
from engine.output_presets import Preset
from engine.status import SessionStatus, SinkStatus


class OutputPanel(QWidget):
    """Tells what the outputs should be; shows what they are, by whatever way they changed.

    presets  what can be added
    """

    edited = Signal(str, str, object)  # what was done, mark of the gesture, tuple of Choice: all
    test_wanted = Signal(object)  # OutputCard

    def __init__(
        self,
        outputs: tuple[Choice, ...],
        presets: tuple[Preset, ...],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._outputs, self._presets = (), presets
        self.cards: list[OutputCard] = []
        self.preset, self.add = QComboBox(), QPushButton(self.tr("&Add"))
        self.preset.addItems([preset.name for preset in presets])
        self.preset.setAccessibleName(self.tr("Receiver"))
        self.hint = text("", "quiet", wrap=True)
        self.preset.currentIndexChanged.connect(self._show_hint)
        self.add.clicked.connect(self._add)
        chooser = Card(self.tr("Send to"))
        line = QHBoxLayout()
        line.addWidget(self.preset, 1)
        line.addWidget(self.add)
        chooser.rows.addLayout(line)
        chooser.rows.addWidget(self.hint)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(10)
        self._rows.addWidget(chooser)
        self._show_hint()
        self.show_outputs(outputs)

    def show_outputs(self, outputs: tuple[Choice, ...]) -> None:
        """Bring the cards in line."""
        if outputs == self._outputs and self.cards:
            return
        if [choice.kind for choice in outputs] != [card.choice.kind for card in self.cards]:
            self._remake(outputs)
        self._outputs = outputs
        for card, name, choice in zip(self.cards, output_names(outputs), outputs, strict=True):
            card.show_choice(name, choice)

    def show_status(self, status: SessionStatus) -> None:
        """Say how the outputs fare."""
        sinks = list(status.sinks)  # those that are on, in their order, then recorders
        for card in self.cards:
            sink: SinkStatus | None = None
            if card.choice.enabled and sinks and sinks[0].kind == card.choice.kind:
                sink = sinks.pop(0)
            card.show_status(sink)

    def _remake(self, outputs: tuple[Choice, ...]) -> None:
        for card in self.cards:
            self._rows.removeWidget(card)
            card.deleteLater()
        self.cards = []
        for name, choice in zip(output_names(outputs), outputs, strict=True):
            card = OutputCard(name, choice)
            card.changed.connect(lambda new, card=card: self._change(card, new))
            card.removed.connect(lambda card=card: self._remove(card))
            card.test_wanted.connect(lambda card=card: self.test_wanted.emit(card))
            self.cards.append(card)
            self._rows.addWidget(card)

    def _add(self) -> None:
        preset = self._presets[self.preset.currentIndex()]
        choice = preset.output
        while choice in self._outputs:  # each is listed once: a second one wants another port
            port = choice.settings.port % 65535 + 1
            choice = replace(choice, settings=replace(choice.settings, port=port))
        self.edited.emit(self.tr("Add {0}").format(preset.name), "", (*self._outputs, choice))
        self.cards[-1].more.setChecked(True)

    def _change(self, card: OutputCard, choice: Choice) -> None:
        at = self.cards.index(card)
        if choice in self._outputs:
            card.show_choice(card.on.text(), self._outputs[at])  # there is such a one already
            return
        outputs = (*self._outputs[:at], choice, *self._outputs[at + 1 :])
        words = self.tr("Change {0}").format(card.on.text())
        self.edited.emit(words, f"output {at}", outputs)

    def _remove(self, card: OutputCard) -> None:
        at = self.cards.index(card)
        outputs = (*self._outputs[:at], *self._outputs[at + 1 :])
        self.edited.emit(self.tr("Remove {0}").format(card.on.text()), "", outputs)

    def _show_hint(self) -> None:
        self.hint.setText(self._presets[self.preset.currentIndex()].about)
        self.hint.setVisible(bool(self.hint.text()))
