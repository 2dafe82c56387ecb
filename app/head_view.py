"""The head alone, to be turned with the mouse."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import moderngl
import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPalette, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.canvas import make_canvas
from app.render.look import Look, Mode
from app.render.orbit import Orbit, seen_from
from app.render.scene import Scene
from engine.errors import AssetError
from engine.fit.heads import HeadModel
from engine.types import TrackResult

_LOOK = Look(Mode.SHADED, opacity=1.0, whole_head=True, legend=False)
_NOTCH = 120.0  # of a wheel, in Qt's eighths of a degree
_KEY_STEP = 0.06
_KEYS = {
    Qt.Key.Key_Left: (-_KEY_STEP, 0.0),
    Qt.Key.Key_Right: (_KEY_STEP, 0.0),
    Qt.Key.Key_Up: (0.0, -_KEY_STEP),
    Qt.Key.Key_Down: (0.0, _KEY_STEP),
}


class HeadView(QWidget):
    """Draws the newest head while it is shown; empty while there is none.

    Drag or arrow keys turn it, the wheel goes nearer, a double click looks from the front again.

    canvas   where it is drawn
    cost_ms  what the newest picture took; 0 while it is hidden
    """

    def __init__(self, head: HeadModel) -> None:
        super().__init__()
        self._head, self.orbit = head, Orbit()
        self._middle = (head.neutral.min(axis=0) + head.neutral.max(axis=0)) / 2
        self._scene: Scene | None = None
        self._result: TrackResult | None = None
        self._held: QPointF | None = None
        self._cost_ms = 0.0
        self.canvas = make_canvas(self, self)
        self.canvas.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.canvas.drawn.connect(self._note_cost)
        self.setMinimumSize(200, 240)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("The head alone; arrow keys turn it"))
        self.setToolTip(self.tr("Drag to turn, wheel to zoom, double click to look from the front"))

    def sizeHint(self) -> QSize:
        return QSize(320, 480)

    @property
    def cost_ms(self) -> float:
        return self._cost_ms if self.isVisible() else 0.0

    def show_result(self, result: TrackResult | None) -> None:
        """Take over what was found; a lost face leaves the view empty."""
        self._result = result
        if self.isVisible():
            self.canvas.update()

    def look_from(self, orbit: Orbit) -> None:
        """Move the camera."""
        self.orbit = orbit
        self.canvas.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._held = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            moved = (event.position() - self._held) / max(self.height(), 1)
            self._held = event.position()
            self.look_from(self.orbit.dragged(moved.x(), moved.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._held = None
        self.look_from(Orbit())

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.look_from(self.orbit.nearer(event.angleDelta().y() / _NOTCH))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (step := _KEYS.get(Qt.Key(event.key()))) is not None:
            self.look_from(self.orbit.dragged(*step))
        else:
            super().keyPressEvent(event)

    def begin(self, context: moderngl.Context | None) -> None:
        """Make the scene; called by the canvas, as `draw` and `end`."""
        if context is not None:
            with suppress(moderngl.Error, AssetError, ValueError):  # the picture beside it says so
                self._scene = Scene(context, self._head)

    def draw(self, target: moderngl.Framebuffer, size_px: tuple[int, int], ratio: float) -> None:
        """Draw the newest head."""
        if self._scene is None:
            return
        colour = self.palette().color(QPalette.ColorRole.AlternateBase)
        ground = (colour.red(), colour.green(), colour.blue())
        empty = np.full((size_px[1], size_px[0], 3), ground, np.uint8)
        self._scene.show(empty, self._seen(size_px))
        self._scene.draw(target, size_px, _LOOK, ratio)

    def end(self) -> None:
        """Give the graphics memory back."""
        if self._scene is not None:
            self._scene.release()
            self._scene = None

    def _seen(self, size_px: tuple[int, int]) -> TrackResult | None:
        result = self._result
        if result is None or result.head is None:
            return None
        head = seen_from(self.orbit, result.head, self._middle, size_px)
        return replace(result, head=head, alignment=None)

    def release(self) -> None:
        """Give the graphics memory back while the context still exists."""
        self.canvas.release()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.canvas.setGeometry(self.rect())

    def _note_cost(self, milliseconds: float) -> None:
        self._cost_ms = milliseconds
