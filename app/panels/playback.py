"""The bar below the picture while a take or a video is played: its place, how it goes on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from app.actions import Menu
from app.desk import Desk
from app.icons import line_icon
from app.panels.card import text
from engine.capture.player import Player

_POLL_MS = 40
SPEEDS = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0)
_PLAY, _PAUSE = "M8 5l11 7-11 7z", "M8 5v14 M16 5v14"
_BACK, _ON = "M17 6l-8 6 8 6z M6 6v12", "M7 6l8 6-8 6z M18 6v12"
_LOOP = "M17 2l4 4-4 4 M3 11v-1a4 4 0 0 1 4-4h14 M7 22l-4-4 4-4 M21 13v1a4 4 0 0 1-4 4H3"


class PlaybackBar(QFrame):
    """Asks for the place only while it is seen, which is while something is played."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._bridge, self._player = desk.bridge, None
        self._icons: dict[QToolButton, str] = {}
        self.back = self._button(_BACK, self.tr("One picture back"))
        self.play = self._button(_PAUSE, self.tr("Play or pause"))
        self.on = self._button(_ON, self.tr("One picture on"))
        self.loop = self._button(_LOOP, self.tr("Again and again"), checkable=True)
        self.place, self.time = QSlider(Qt.Orientation.Horizontal), text("", "quiet")
        self.place.setAccessibleName(self.tr("Place in the take"))
        self.time.setAccessibleName(self.tr("Time in the take"))
        self.time.setMinimumWidth(112)
        self.speed = QComboBox()
        self.speed.setAccessibleName(self.tr("Speed"))
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g} ×", speed)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.leave = QPushButton(self.tr("Back to the &camera"))
        self._timer = QTimer(self, interval=_POLL_MS)
        self._resume = False
        self._arrange()
        self._connect(desk)
        self.hide()

    def _button(self, icon: str, words: str, *, checkable: bool = False) -> QToolButton:
        button = QToolButton(autoRaise=True, checkable=checkable, iconSize=QSize(20, 20))
        button.setAccessibleName(words)
        button.setToolTip(words)
        self._icons[button] = icon
        return button

    def _arrange(self) -> None:
        columns = QHBoxLayout(self)
        columns.setContentsMargins(10, 6, 10, 6)
        columns.setSpacing(6)
        for widget in (self.back, self.play, self.on):
            columns.addWidget(widget)
        columns.addWidget(self.place, 1)
        for widget in (self.time, self.loop, self.speed, self.leave):
            columns.addWidget(widget)
        self._draw_icons()

    def _connect(self, desk: Desk) -> None:
        self._timer.timeout.connect(self.refresh)
        self.play.clicked.connect(self.toggle)
        self.back.clicked.connect(lambda: self._step(-1))
        self.on.clicked.connect(lambda: self._step(1))
        self.place.sliderPressed.connect(self._grip)
        self.place.sliderReleased.connect(self._let_go)
        self.place.valueChanged.connect(self._seek)
        self.loop.toggled.connect(self._wish)
        self.speed.currentIndexChanged.connect(self._wish)
        self.leave.clicked.connect(desk.bridge.end_playing)
        desk.bridge.configured.connect(lambda _: self._follow())
        desk.bridge.status_changed.connect(lambda _: self._follow())
        add, menu, camera = desk.actions.add, Menu.TAKES, self.tr("Back to the &camera")
        add(menu, "takes.play", self.tr("&Play or pause"), self.toggle, "Ctrl+Space")
        add(menu, "takes.back", self.tr("Picture &back"), lambda: self._step(-1), "Alt+Left")
        add(menu, "takes.on", self.tr("Picture &on"), lambda: self._step(1), "Alt+Right")
        add(menu, "takes.leave", camera, desk.bridge.end_playing)

    def _follow(self) -> None:
        """Be seen while a take is played."""
        take = self._bridge.playing is not None
        self.setVisible(take)  # a video has its controls on the Camera page

    @property
    def _going(self) -> Player | None:
        """What is played; loop and speed are shown as it has them when it is new."""
        player = self._bridge.player if self.isVisible() else None
        if player is not self._player and player is not None:
            self._player = None
            self.loop.setChecked(player.loop)
            self.speed.setCurrentIndex(self.speed.findData(player.speed))
        self._player = player
        return player

    def toggle(self) -> None:
        """Play, or pause; at the end begin anew."""
        if (player := self._going) is None:
            return
        if not player.playing and player.position_s >= length_s(player) - 1.5 * player.frame_s:
            player.seek(0.0)
        player.playing = not player.playing
        self.refresh()

    def refresh(self) -> None:
        """Show the place."""
        player = self._going
        for widget in (self.back, self.play, self.on, self.place):
            widget.setEnabled(player is not None)
        if player is None:
            self.time.setText(self.tr("Opening…"))
            return
        position_s, whole_s = player.position_s, length_s(player)
        if not self.place.isSliderDown():
            self.place.blockSignals(True)
            self.place.setRange(0, round(1000 * (whole_s - player.frame_s)))
            self.place.setValue(round(1000 * position_s))
            self.place.blockSignals(False)
        self.time.setText(self.tr("{0:.2f} / {1:.2f} s").format(position_s, whole_s))
        icon = _PAUSE if player.playing else _PLAY
        if self._icons[self.play] != icon:
            self._icons[self.play] = icon
            self._draw_icons()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._draw_icons()

    def _step(self, pictures: int) -> None:
        if (player := self._going) is not None:
            player.step(pictures)

    def _grip(self) -> None:
        if (player := self._going) is not None:
            self._resume, player.playing = player.playing, False

    def _let_go(self) -> None:
        if (player := self._going) is not None and self._resume:
            player.playing = True

    def _seek(self, position_ms: int) -> None:
        if (player := self._going) is not None:
            player.seek(position_ms / 1000)

    def _wish(self) -> None:
        if self._player is not None:
            self._player.loop = self.loop.isChecked()
            self._player.speed = self.speed.currentData()

    def _draw_icons(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        chosen = self.palette().color(QPalette.ColorRole.Highlight)
        for button, icon in self._icons.items():
            button.setIcon(line_icon(icon, ink, chosen))


def length_s(player: Player) -> float:
    """Return how long it is, as far as that is known."""
    return player.duration_s or player.position_s + player.frame_s
