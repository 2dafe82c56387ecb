"""Drawing without a window."""

from __future__ import annotations

import sys

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.errors import OutputError

SAMPLES = 4
_SOFTWARE = ("llvmpipe", "softpipe", "SwiftShader", "Basic Render")  # where samples cost time


def create_context() -> moderngl.Context:
    """Return an OpenGL context without a window, current on this thread.

    Raises OutputError where there is no OpenGL 3.3, not even in software.
    """
    try:
        if sys.platform == "linux":
            return moderngl.create_standalone_context(require=330, backend="egl")  # pyright: ignore[reportArgumentType]
        return moderngl.create_standalone_context(require=330)
    except Exception as error:  # what the loader raises has no type of its own
        raise OutputError(
            f"the overlay needs OpenGL 3.3, which this machine does not offer ({error}); "
            "on Linux, Mesa's software driver (libegl1, libgl1-mesa-dri) will do"
        ) from error


def samples(context: moderngl.Context) -> int:
    """Return how many samples a pixel should have: 0, for none but its centre, in software."""
    if in_software(context.info["GL_RENDERER"]):
        return 0
    return min(SAMPLES, context.max_samples)


def in_software(renderer: str) -> bool:
    """Return whether what OpenGL calls its renderer is the processor."""
    return any(name in renderer for name in _SOFTWARE)


class Canvas:
    """A colour and depth target that can be read back; smoothed where that is cheap."""

    def __init__(self, context: moderngl.Context, size_px: tuple[int, int]) -> None:
        self.size_px = size_px
        count = samples(context)
        self.target = context.framebuffer(
            [context.renderbuffer(size_px, 4, samples=count)],
            context.depth_renderbuffer(size_px, samples=count),
        )
        self._resolved = context.framebuffer([context.renderbuffer(size_px, 4)])
        self._context = context

    def release(self) -> None:
        """Give the graphics memory back."""
        for buffer in (self.target, self._resolved):
            buffer.color_attachments[0].release()
            buffer.release()

    def read(self) -> NDArray[np.uint8]:
        """Return what was drawn, (H, W, 3) RGB, top row first."""
        self._context.copy_framebuffer(self._resolved, self.target)
        width, height = self.size_px
        data = self._resolved.read(components=3, alignment=1)
        return np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(height, width, 3)[::-1])
