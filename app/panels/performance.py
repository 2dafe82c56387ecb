"""How fast it goes, where the time goes, what is lost where, and what to do about it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.panels.card import Card, text
from app.panels.figures import FiguresPanel
from app.panels.stage_strip import StageStrip
from app.remedies import Offer, explained, offers
from engine import clock
from engine.config import Choice
from engine.machine import Load, Machine
from engine.status import SessionStatus
from engine.strain import Strain, Watch
from engine.types import TrackResult

_LOOK_EVERY_NS = clock.NS_PER_S


class PerformancePanel(QWidget):
    """Figures, stages, losses and the machine; above them a warning while it does not keep up.

    machine  that is looked at, once a second
    """

    chosen = Signal(object)  # Offer

    def __init__(self, machine: Machine, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._machine, self._watch = machine, Watch()
        self._load, self._looked_ns = machine.look(), clock.now_ns()
        self.warning, self.figures, self.strip = _Warning(), FiguresPanel(), StageStrip()
        self.warning.chosen.connect(self.chosen)
        stages = Card(self.tr("Latency by stage"))
        stages.rows.addWidget(self.strip)
        self.lost = _Table(self.tr("Lost pictures"))
        self.busy = _Table(self.tr("Machine"))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(10)
        for card in (self.warning, self.figures, stages, self.lost, self.busy):
            rows.addWidget(card)
        rows.addStretch(1)

    def show_result(self, result: TrackResult) -> None:
        """Take note of a result; shown with the next status."""
        self.strip.add(result)

    def note_drawn(self, milliseconds: float) -> None:
        """Take note of what drawing the preview took."""
        self._watch.drawn(clock.now_ns(), milliseconds)

    def forget(self) -> None:
        """Begin anew with another source."""
        self.strip.clear()

    def show_status(self, status: SessionStatus, source: Choice) -> None:
        """Bring everything up to date.

        source  in use, for the remedies
        """
        now_ns = clock.now_ns()
        if now_ns - self._looked_ns >= _LOOK_EVERY_NS:
            self._load, self._looked_ns = self._machine.look(), now_ns
        self.warning.show_strains(self._watch.offer(now_ns, status, self._load), source)
        if not self.isVisible():
            return
        self.figures.show_status(status)
        tracked_ms = status.tracker_latency.median_ms
        sent = [sink.latency.median_ms for sink in status.sinks if sink.sent]
        self.strip.refresh(max(sent) - tracked_ms if sent else math.nan)
        self.lost.show_rows(_losses(status))
        self.busy.show_rows(_busy(self._load))


class _Warning(Card):
    chosen = Signal(object)  # Offer

    def __init__(self) -> None:
        super().__init__(self.tr("Not keeping up"))
        self.words = text("", "", wrap=True)
        self.rows.addWidget(self.words)
        self.buttons: list[QPushButton] = []
        self._offers: list[Offer] = []
        self.setVisible(False)

    def show_strains(self, strains: tuple[Strain, ...], source: Choice) -> None:
        self.setVisible(bool(strains))
        self.words.setText("\n".join(map(explained, strains)))
        found = list(
            {offer.remedy: offer for strain in strains for offer in offers(strain, source)}.values()
        )
        if found == self._offers:
            return  # a button that is being pressed stays
        self._offers = found
        for button in self.buttons:
            button.hide()
            self.rows.removeWidget(button)
            button.deleteLater()
        self.buttons = [QPushButton(offer.words) for offer in found]
        for button, offer in zip(self.buttons, found, strict=True):
            button.clicked.connect(lambda _=False, offer=offer: self.chosen.emit(offer))
            self.rows.addWidget(button)


class _Table(Card):
    def __init__(self, heading: str) -> None:
        super().__init__(heading)
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        self._grid.setVerticalSpacing(4)
        self.rows.addLayout(self._grid)
        self.values: dict[str, QLabel] = {}
        self._labels: dict[str, QLabel] = {}

    def show_rows(self, rows: dict[str, str]) -> None:
        for label, value in rows.items():
            if label not in self.values:
                self._add(label)
            self.values[label].setText(value)
        for label in self.values:
            for part in (self.values[label], self._labels[label]):
                part.setVisible(label in rows)

    def _add(self, label: str) -> None:
        value = QLabel(alignment=Qt.AlignmentFlag.AlignRight)
        value.setAccessibleName(label)
        self.values[label], self._labels[label] = value, text(label, "quiet")
        row = len(self.values)
        self._grid.addWidget(self._labels[label], row, 0)
        self._grid.addWidget(value, row, 1)


def _losses(status: SessionStatus) -> dict[str, str]:
    def of(lost: int, whole: int) -> str:
        return f"{lost} ({100 * lost / whole:.1f} %)" if whole else "–"

    captured, gaps = status.captured, status.dropped_by_camera
    rows = {
        "By the camera": of(gaps, captured + gaps),
        "By the tracker": of(status.dropped_by_tracker, captured),
    }
    for sink in status.sinks:
        rows[f"By {sink.name}"] = of(sink.dropped, sink.dropped + sink.sent)
    return rows


def _busy(load: Load) -> dict[str, str]:
    rows = {
        "Processor": f"{100 * load.processor:.0f} % · ours {100 * load.ours:.0f} %",
        "Memory": f"{load.memory_mib:.0f} MiB · {load.memory_free_mib / 1024:.1f} GiB free",
    }
    if load.card is not None:
        card = load.card
        rows["Graphics"] = f"{100 * card.busy:.0f} % · {card.memory_mib / 1024:.1f} GiB"
        rows["Card"] = card.name
    return rows
