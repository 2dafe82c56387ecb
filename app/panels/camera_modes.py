"""The list of what the camera in use offers: size, rate and pixel format."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from engine.capture.cameras import FORMAT_NAMES, Mode


class ModeList(QComboBox):
    """Shown while the system says what a camera offers; the form below takes any numbers."""

    chosen = Signal(object)  # Mode

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._modes: tuple[Mode, ...] = ()
        self.setAccessibleName(self.tr("Picture formats of the camera"))
        self.setToolTip(self.tr("What the camera offers: size, pictures a second, pixel format."))
        # The longest entry must not make the page wider.
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setPlaceholderText(self.tr("Formats of the camera…"))
        self.activated.connect(lambda index: self.chosen.emit(self._modes[index]))
        self.hide()

    def offer(self, modes: tuple[Mode, ...], settings: Any) -> None:
        """List formats and mark the one that is asked for, if it is among them.

        settings  of a camera
        """
        if modes != self._modes:
            self._modes = modes
            self.clear()
            self.addItems([in_words(mode) for mode in modes])
        at = next((i for i, mode in enumerate(modes) if _asked(mode, settings)), -1)
        if at != self.currentIndex():
            self.setCurrentIndex(at)
        self.setVisible(bool(modes))


def in_words(mode: Mode) -> str:
    """Return size, rate and format, like "1280 × 720 · 30 fps · MJPEG"."""
    name = FORMAT_NAMES[mode.pixel_format]
    return f"{mode.width_px} × {mode.height_px} · {mode.frame_rate:.3g} fps · {name}"


def _asked(mode: Mode, settings: Any) -> bool:
    asked = (settings.width_px, settings.height_px, settings.frame_rate, settings.pixel_format)
    return asked == (mode.width_px, mode.height_px, mode.frame_rate, mode.pixel_format)
