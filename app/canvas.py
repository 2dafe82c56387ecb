"""Where OpenGL draws in the window: straight into it, or into memory that is painted like the rest.

A window that holds a QOpenGLWidget is put together by OpenGL, all of it for every picture. A
graphics card does not notice; the processor needs longer for it than for the picture itself.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Protocol

import moderngl
from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QOffscreenSurface,
    QOpenGLContext,
    QPainter,
    QPaintEvent,
    QSurfaceFormat,
)
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from app.render.offscreen import SAMPLES, in_software

_GL_RENDERER = 0x1F01


class Drawing(Protocol):
    """What is drawn; OpenGL is current at every call."""

    def begin(self, context: moderngl.Context | None) -> None:
        """Make what is needed; None where there is no OpenGL."""
        ...

    def draw(self, target: moderngl.Framebuffer, size_px: tuple[int, int], ratio: float) -> None:
        """Draw into a target with a depth buffer; `ratio` target pixels are one of the window."""
        ...

    def end(self) -> None:
        """Give the graphics memory back."""
        ...


class DirectCanvas(QOpenGLWidget):
    """Draws into the window."""

    drawn = Signal(float)  # milliseconds that it took

    def __init__(self, drawing: Drawing, parent: QWidget) -> None:
        super().__init__(parent)
        self._drawing = drawing
        self._context: moderngl.Context | None = None
        surface = QSurfaceFormat.defaultFormat()
        surface.setSamples(SAMPLES)
        self.setFormat(surface)

    def initializeGL(self) -> None:
        self._context = _moderngl_context()
        self._drawing.begin(self._context)
        self.context().aboutToBeDestroyed.connect(self.release)

    def paintGL(self) -> None:
        if self._context is None:
            return
        started = time.perf_counter()
        target = self._context.detect_framebuffer(self.defaultFramebufferObject())
        self._drawing.draw(target, _size_px(self), self.devicePixelRatio())
        self._context.finish()
        self.drawn.emit(1000 * (time.perf_counter() - started))

    def release(self) -> None:
        """Give the graphics memory back while the context still exists."""
        if self._context is not None:
            self.makeCurrent()
            self._drawing.end()
            self._context.release()
            self._context = None
            self.doneCurrent()


class PaintedCanvas(QWidget):
    """Draws into memory, and paints that."""

    drawn = Signal(float)  # milliseconds that it took

    def __init__(self, drawing: Drawing, parent: QWidget) -> None:
        super().__init__(parent)
        self._drawing, self._begun = drawing, False
        self._surface, self._qt = QOffscreenSurface(), QOpenGLContext()
        self._context: moderngl.Context | None = None
        self._target: moderngl.Framebuffer | None = None
        self._memory = bytearray()

    def isValid(self) -> bool:
        """Whether OpenGL can draw, as far as is known."""
        return self._context is not None or not self._begun

    def grabFramebuffer(self) -> QImage:
        """Return what is drawn now."""
        if not self._begin():
            return QImage()
        started = time.perf_counter()
        (width, height), ratio = _size_px(self), self.devicePixelRatio()
        target = self._target_of((width, height))
        self._drawing.draw(target, (width, height), ratio)
        target.read_into(self._memory, components=4)
        self._qt.doneCurrent()
        image = QImage(self._memory, width, height, 4 * width, QImage.Format.Format_RGBX8888)
        image = image.flipped(Qt.Orientation.Vertical)  # OpenGL counts rows from below
        self.drawn.emit(1000 * (time.perf_counter() - started))
        return image

    def paintEvent(self, event: QPaintEvent) -> None:
        image = self.grabFramebuffer()
        if image.isNull():
            return
        painter = QPainter(self)
        painter.drawImage(QRect(0, 0, self.width(), self.height()), image)
        painter.end()

    def release(self) -> None:
        """Give the graphics memory back."""
        if self._context is None or not self._qt.makeCurrent(self._surface):
            return
        self._drawing.end()
        self._release_target()
        self._context.release()
        self._context = None
        self._qt.doneCurrent()

    def _begin(self) -> bool:
        """Make OpenGL current; false where there is none."""
        if self._begun:
            return self._context is not None and self._qt.makeCurrent(self._surface)
        self._begun = True
        self._surface.create()
        if self._qt.create() and self._qt.makeCurrent(self._surface):
            self._context = _moderngl_context()
        self._drawing.begin(self._context)
        return self._context is not None

    def _target_of(self, size_px: tuple[int, int]) -> moderngl.Framebuffer:
        if self._target is None or self._target.size != size_px:
            assert self._context is not None
            self._release_target()
            self._target = self._context.framebuffer(
                [self._context.renderbuffer(size_px, 4)], self._context.depth_renderbuffer(size_px)
            )
            self._memory = bytearray(4 * size_px[0] * size_px[1])
        return self._target

    def _release_target(self) -> None:
        if self._target is not None:
            self._target.color_attachments[0].release()
            self._target.depth_attachment.release()
            self._target.release()
            self._target = None


def make_canvas(drawing: Drawing, parent: QWidget) -> DirectCanvas | PaintedCanvas:
    """Return the canvas that suits this machine."""
    return PaintedCanvas(drawing, parent) if drawn_in_software() else DirectCanvas(drawing, parent)


@cache
def drawn_in_software() -> bool:
    """Whether OpenGL is drawn by the processor, or is not to be had; asks once."""
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    if not (context.create() and context.makeCurrent(surface)):
        return True
    renderer = context.functions().glGetString(_GL_RENDERER)
    context.doneCurrent()
    return in_software(renderer)


def _moderngl_context() -> moderngl.Context | None:
    try:
        return moderngl.create_context(require=330)
    except (moderngl.Error, ValueError):
        return None


def _size_px(widget: QWidget) -> tuple[int, int]:
    ratio = widget.devicePixelRatio()
    return max(round(widget.width() * ratio), 1), max(round(widget.height() * ratio), 1)
