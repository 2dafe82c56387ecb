"""The icon in the system tray: show, start and stop, recentre, quit."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from app.actions import Actions
from app.status_text import Light
from app.style import LAMPS

_SIZE = 64


class Tray(QSystemTrayIcon):
    """Its colour is the lamp's. Where the desktop has no tray it is made, but never seen."""

    def __init__(self, window: QWidget, actions: Actions) -> None:
        super().__init__(window)
        self._window, self._light = window, Light.GREY
        self.setToolTip("FlowFace Live")
        self.menu = QMenu(window)
        show = self.menu.addAction(self.tr("Show window"))
        show.triggered.connect(self.show_window)
        for name in ("tracking.run", "tracking.recentre", "file.quit"):
            self.menu.addAction(actions.names[name])
        self.setContextMenu(self.menu)
        self.activated.connect(self._on_activated)
        self.set_light(Light.GREY)
        if self.available():
            self.show()

    def set_light(self, light: Light) -> None:
        """Show how it goes."""
        if light is not self._light or self.icon().isNull():
            self._light = light
            self.setIcon(app_icon(LAMPS[light]))

    def show_window(self) -> None:
        """Bring the window to the front, from wherever it is."""
        self._window.setVisible(True)
        self._window.setWindowState(self._window.windowState() & ~Qt.WindowState.WindowMinimized)
        self._window.raise_()
        self._window.activateWindow()

    def available(self) -> bool:
        """Whether the desktop has a tray."""
        return self.isSystemTrayAvailable()

    def tell(self, words: str) -> None:
        """Show a notice beside the icon."""
        self.showMessage("FlowFace Live", words)

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.show_window()


def app_icon(colour: QColor) -> QIcon:
    """Return the program's sign: a face of points with a lamp."""
    pixmap = QPixmap(_SIZE, _SIZE)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(0, 0, 0, 0))
    painter.setBrush(QColor("#1d2025"))
    painter.drawRoundedRect(2, 2, 60, 60, 16, 16)
    painter.setBrush(QColor("#e9edf1"))
    for x, y in ((20, 26), (44, 26), (22, 42), (32, 47), (42, 42), (32, 35)):
        painter.drawEllipse(x - 4, y - 4, 8, 8)
    painter.setBrush(colour)
    painter.drawEllipse(44, 4, 16, 16)
    painter.end()
    return QIcon(pixmap)
