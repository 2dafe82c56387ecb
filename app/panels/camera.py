"""Where the picture comes from, and how it is shown."""

from __future__ import annotations

from dataclasses import asdict, replace

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QWidget,
)

from app.panels.camera_modes import ModeList
from app.panels.card import Card, text
from app.panels.playing import PlayBar
from app.render.look import Look, Mode
from app.settings_form import SettingsForm
from engine.capture import cameras
from engine.capture.player import Player
from engine.config import Choice, source_choice
from engine.status import SessionStatus, State

_tr = QCoreApplication.translate
_SHOWN_ELSEWHERE = ("device", "path", "loop")
_PLAYED = ("video_file", "demo")
_ACROSS = 3  # overlay buttons beside one another
_VIDEOS = "Videos (*.mp4 *.mov *.mkv *.webm *.avi *.mpg *.gif);;All files (*)"


class SourcePanel(Card):
    """A list of the cameras, the demo, and a way to open a file."""

    chosen = Signal(object)  # Choice

    def __init__(self, current: Choice, parent: QWidget | None = None) -> None:
        super().__init__(_tr("panels", "Source"), parent)
        self._choices: list[Choice] = []
        self.list = QComboBox()
        self.list.setAccessibleName(self.tr("Camera or video"))
        self.list.activated.connect(lambda index: self.chosen.emit(self._choices[index]))
        self.open = QPushButton(self.tr("&Open video…"))
        self.open.clicked.connect(self.ask_for_file)
        self.refresh = QPushButton(self.tr("&Find cameras"))
        self.refresh.clicked.connect(lambda: self.fill(self._choices[self.list.currentIndex()]))
        buttons = QHBoxLayout()
        buttons.addWidget(self.open)
        buttons.addWidget(self.refresh)
        self.rows.addWidget(self.list)
        self.rows.addLayout(buttons)
        self.bar = PlayBar()
        self.bar.loop_wanted.connect(self._loop)
        self.rows.addWidget(self.bar)
        self.form: SettingsForm | None = None
        self.modes = ModeList()
        self.modes.chosen.connect(self._use_mode)
        self.rows.addWidget(self.modes)
        self.refused = text("", "small", wrap=True)
        self.rows.addWidget(self.refused)
        self.refused.hide()
        self.fill(current)

    def fill(self, current: Choice) -> None:
        """List what there is; `current` is always among it and is marked."""
        devices = cameras.listed()
        offers = [
            (device.name, source_choice("webcam", device=cameras.lasting_name(device, devices)))
            for device in devices
        ]
        offers.append(("Demo clip", source_choice("demo")))
        at = next((i for i, (_, offer) in enumerate(offers) if _same(offer, current)), None)
        if at is None:
            offers.insert(0, (_name(current), current))
            at = 0
        offers[at] = (offers[at][0], current)  # with the settings that it has
        self.list.clear()
        self.list.addItems([name for name, _ in offers])
        self.list.setCurrentIndex(at)
        self._choices = [choice for _, choice in offers]
        self._show_form(current)

    def _show_form(self, current: Choice) -> None:
        """Offer the settings of the source; those of another kind have another form."""
        self.bar.setVisible(current.kind in _PLAYED)
        if self.form is not None and type(self.form.settings) is type(current.settings):
            self.form.show_settings(current.settings)
            return
        if self.form is not None:
            self.rows.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
        self.form = SettingsForm(current.settings, without=_SHOWN_ELSEWHERE)
        self.form.changed.connect(self._edited)
        self.rows.insertWidget(self.rows.indexOf(self.modes) + 1, self.form)

    def _loop(self, on: bool) -> None:
        self._edited(replace(self._choices[self.list.currentIndex()].settings, loop=on))

    def _use_mode(self, mode: cameras.Mode) -> None:
        asked = replace(self._choices[self.list.currentIndex()].settings, **asdict(mode))
        if self.form is not None:
            self.form.show_settings(asked)
        self._edited(asked)

    def _edited(self, settings: object) -> None:
        at = self.list.currentIndex()
        self._choices[at] = replace(self._choices[at], settings=settings)
        self.chosen.emit(self._choices[at])

    def show_status(self, status: SessionStatus, player: Player | None) -> None:
        """Say what the camera's driver would not do, or where a video is."""
        current = self._choices[self.list.currentIndex()]
        if current.kind in _PLAYED:
            ended = status.state is State.ENDED
            self.bar.show_player(player, loop=current.settings.loop, ended=ended)
        self.modes.offer(status.modes if current.kind == "webcam" else (), current.settings)
        self.refused.setText(self.tr("The camera refuses: {0}.").format(", ".join(status.refused)))
        self.refused.setVisible(bool(status.refused))

    def follow(self, current: Choice) -> None:
        """Mark the source that is in use, if another one is marked."""
        marked = self._choices[self.list.currentIndex()]
        if marked != current:
            self.fill(current)

    def ask_for_file(self) -> None:
        """Let the user pick a video."""
        path, _ = QFileDialog.getOpenFileName(self, "Open video", "", _VIDEOS)
        if path:
            choice = source_choice("video_file", path=path)
            self.fill(choice)
            self.chosen.emit(choice)


def _same(offer: Choice, current: Choice) -> bool:
    if offer.kind != current.kind:
        return False
    return offer.kind != "webcam" or offer.settings.device == current.settings.device


def _name(choice: Choice) -> str:
    if choice.kind == "video_file":
        return choice.settings.path.replace("\\", "/").rsplit("/", 1)[-1]
    return (
        f"Camera {choice.settings.device} (not found)" if choice.kind == "webcam" else choice.kind
    )


class ViewPanel(Card):
    """Overlay mode, opacity, mirror: they change what is seen, never what is sent."""

    changed = Signal(object)  # Look

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(_tr("panels", "Overlay"), parent)
        self.look = look
        self._modes = QButtonGroup(self)
        row = QGridLayout()
        row.setSpacing(4)
        for number, mode in enumerate(Mode):
            button = QPushButton(mode.value)
            button.setCheckable(True)
            button.setChecked(mode is look.mode)
            button.setAccessibleName(self.tr("Overlay {0}").format(mode.value))
            self._modes.addButton(button, number)
            row.addWidget(button, number // _ACROSS, number % _ACROSS)
        self._modes.idClicked.connect(lambda number: self.change(mode=list(Mode)[number]))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(round(100 * look.opacity))
        self.opacity.setAccessibleName(self.tr("Overlay opacity, per cent"))
        self._percent = QLabel()
        self._percent.setMinimumWidth(40)
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.opacity.valueChanged.connect(lambda value: self.change(opacity=value / 100))
        slider = QHBoxLayout()
        slider.addWidget(text(self.tr("Opacity"), "quiet"))
        slider.addWidget(self.opacity, 1)
        slider.addWidget(self._percent)
        self.mirror, self.whole_head = (
            QCheckBox(self.tr("&Mirror")),
            QCheckBox(self.tr("&Whole head")),
        )
        self.mirror.setChecked(look.mirror)
        self.whole_head.setChecked(look.whole_head)
        self.mirror.toggled.connect(lambda on: self.change(mirror=on))
        self.whole_head.toggled.connect(lambda on: self.change(whole_head=on))
        boxes = QHBoxLayout()
        boxes.addWidget(self.mirror)
        boxes.addWidget(self.whole_head)
        for part in (row, slider, boxes):
            self.rows.addLayout(part)
        self._show_percent()

    def change(self, **parts: object) -> None:
        """Change display options and tell so.

        parts  fields of Look
        """
        self.look = replace(self.look, **parts)  # pyright: ignore[reportArgumentType]
        self._modes.button(list(Mode).index(self.look.mode)).setChecked(True)
        self._show_percent()
        self.changed.emit(self.look)

    def _show_percent(self) -> None:
        self._percent.setText(f"{100 * self.look.opacity:.0f} %")
