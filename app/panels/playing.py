"""The controls of a video, the demo or a take: play, wind, step, speed, loop."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QToolButton, QVBoxLayout, QWidget

from app.icons import line_icon
from app.panels.card import text
from engine.capture.player import Player

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
_PLAY, _PAUSE = "M8 5v14l11-7z", "M8 5v14 M16 5v14"
_BACK, _ON = "M17 6v12l-8-6z M7 6v12", "M7 6v12l8-6z M17 6v12"
_LOOP = "M17 3l3 3-3 3 M20 6H8a4 4 0 0 0-4 4v1 M7 21l-3-3 3-3 M4 18h12a4 4 0 0 0 4-4v-1"


class PlayBar(QWidget):
    """Commands a player and shows where it is; to be told of the state every now and then."""

    loop_wanted = Signal(bool)
    again_wanted = Signal()  # from the beginning, as the video has ended

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._player: Player | None = None
        self._icons: dict[QToolButton, str] = {}
        self._ended, self._playing = False, True
        self.place = QSlider(Qt.Orientation.Horizontal)
        self.place.setAccessibleName(self.tr("Place in the video, milliseconds"))
        self.place.valueChanged.connect(self._wind)
        self.time = text("", "small")
        self.back = self._button(_BACK, self.tr("One picture back"), lambda: self._step(-1))
        self.play = self._button(_PAUSE, self.tr("Pause"), self._play)
        self.on = self._button(_ON, self.tr("One picture on"), lambda: self._step(1))
        self.loop = self._button(_LOOP, self.tr("Start again at the end"), self._ask_for_loop)
        self.loop.setCheckable(True)
        self.speed = QComboBox()
        self.speed.setAccessibleName(self.tr("Speed"))
        self.speed.setToolTip(self.tr("Speed"))
        self.speed.addItems([f"{speed:g} ×" for speed in SPEEDS])
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.activated.connect(self._set_speed)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for widget in (self.back, self.play, self.on, self.loop, self.speed):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        buttons.addWidget(self.time)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        rows.addWidget(self.place)
        rows.addLayout(buttons)

    def show_player(self, player: Player | None, *, loop: bool, ended: bool) -> None:
        """Show where a player is; None while there is nothing to play."""
        self._player, self._ended = player, ended
        at_hand = player is not None and not ended
        for widget in (self.place, self.back, self.on, self.speed):
            widget.setEnabled(at_hand)
        self.play.setEnabled(at_hand or ended)
        self.loop.setChecked(loop)
        self._show_playing(at_hand and player is not None and player.playing)
        if player is None:
            return
        self.speed.setCurrentIndex(SPEEDS.index(player.speed) if player.speed in SPEEDS else -1)
        if not self.place.isSliderDown():
            length_s = player.duration_s or 0.0
            with QSignalBlocker(self.place):
                self.place.setRange(0, round(1000 * length_s))
                self.place.setSingleStep(max(1, round(1000 * player.frame_s)))
                self.place.setPageStep(max(1, round(100 * length_s)))
                self.place.setValue(round(1000 * player.position_s))
        self.place.setEnabled(at_hand and player.duration_s is not None)
        length = "" if player.duration_s is None else f" / {clock_words(player.duration_s)}"
        self.time.setText(clock_words(player.position_s) + length)

    def _show_playing(self, playing: bool) -> None:
        if playing != self._playing:
            self._playing = playing
            words = self.tr("Pause") if playing else self.tr("Play")
            self._dress(self.play, _PAUSE if playing else _PLAY, words)

    def _play(self) -> None:
        if self._ended:
            self.again_wanted.emit()
        elif self._player is not None:
            self._player.playing = not self._player.playing
            self._show_playing(self._player.playing)

    def _step(self, pictures: int) -> None:
        if self._player is not None:
            self._player.step(pictures)
            self._show_playing(False)

    def _wind(self, place_ms: int) -> None:
        if self._player is not None:
            self._player.seek(place_ms / 1000)

    def _ask_for_loop(self) -> None:
        self.loop_wanted.emit(self.loop.isChecked())

    def _set_speed(self, index: int) -> None:
        if self._player is not None:
            self._player.speed = SPEEDS[index]

    def _button(self, path: str, words: str, do: Callable[[], object]) -> QToolButton:
        button = QToolButton(autoRaise=True, iconSize=QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._dress(button, path, words)
        button.clicked.connect(do)
        return button

    def _dress(self, button: QToolButton, path: str, words: str) -> None:
        self._icons[button] = path
        button.setToolTip(words)
        button.setAccessibleName(words)
        self._draw_icons()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._draw_icons()

    def _draw_icons(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        chosen = self.palette().color(QPalette.ColorRole.Highlight)
        for button, path in self._icons.items():
            button.setIcon(line_icon(path, ink, chosen))


def clock_words(seconds: float) -> str:
    """Return minutes, seconds and hundredths: 65.5 is "1:05.50"."""
    hundredths = round(100 * seconds)
    return f"{hundredths // 6000}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
