"""The picture in the window."""

from __future__ import annotations

import moderngl
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.canvas import make_canvas
from app.render.look import Look
from app.render.scene import Scene
from engine.errors import AssetError
from engine.fit.heads import HeadModel
from engine.types import Frame, TrackResult

_BACKGROUND = (0.043, 0.047, 0.055)
_NO_GRAPHICS = "The picture needs OpenGL 3.3, which is not available here.\nTracking goes on."


class Viewport(QWidget):
    """Hosts the scene; a message lies over it while there is no picture.

    canvas  where it is drawn
    """

    drawn = Signal(float)  # milliseconds that a picture took

    def __init__(self, head: HeadModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._head, self._look = head, Look()
        self._scene: Scene | None = None
        self._shown: tuple[Frame, TrackResult | None] | None = None
        self._fresh = self._gone = False
        self._failure = ""
        self.canvas = make_canvas(self, self)
        self.canvas.drawn.connect(self.drawn)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 240)
        self.setAccessibleName(self.tr("Camera picture with the tracked head"))
        self._message = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._message.setObjectName("viewportMessage")
        QVBoxLayout(self).addWidget(self._message)

    def sizeHint(self) -> QSize:
        return QSize(880, 560)

    def show_message(self, text: str) -> None:
        """Lay a text over the picture; an empty one takes it away, unless nothing can be drawn."""
        text = text or self._failure
        self._message.setText(text)
        self._message.setVisible(bool(text))

    @property
    def message(self) -> str:
        """The text that lies over the picture; empty if there is none."""
        return "" if self._message.isHidden() else self._message.text()

    def show_result(self, frame: Frame, result: TrackResult | None) -> None:
        """Draw a frame and what was found in it."""
        self._shown, self._fresh = (frame, result), True
        if not (self.canvas.isValid() or self._failure):
            self._failure = _NO_GRAPHICS
        if self._failure:
            self.show_message(self._failure)
        self.canvas.update()

    def forget(self) -> None:
        """Show no picture until there is a new one."""
        if self._shown is not None:
            self._shown, self._gone = None, True
            self.canvas.update()

    def set_look(self, look: Look) -> None:
        """Change the display options."""
        self._look = look
        self.canvas.update()

    def begin(self, context: moderngl.Context | None) -> None:
        """Make the scene; called by the canvas, as `draw` and `end`."""
        if context is None:
            self._failure = _NO_GRAPHICS
            return
        try:
            self._scene = Scene(context, self._head)
        except (moderngl.Error, AssetError, ValueError) as error:
            self._failure = f"{_NO_GRAPHICS}\n{error}"
        self._fresh = self._shown is not None

    def draw(self, target: moderngl.Framebuffer, size_px: tuple[int, int], ratio: float) -> None:
        """Draw the newest picture."""
        if self._scene is None:
            return
        if self._gone:
            self._scene.forget()
            self._gone = False
        if self._fresh and self._shown is not None:
            frame, result = self._shown
            self._scene.show(frame.image, result)
            self._fresh = False
        self._scene.draw(target, size_px, self._look, ratio, _BACKGROUND)

    def end(self) -> None:
        """Give the graphics memory back."""
        if self._scene is not None:
            self._scene.release()
            self._scene = None

    def release(self) -> None:
        """Give the graphics memory back while the context still exists."""
        self.canvas.release()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.canvas.setGeometry(self.rect())
