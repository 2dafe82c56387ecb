"""What the network measured, point by point: rings of its uncertainty, lines from the fit to it."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

from app.render.head_mesh import front
from app.render.look import Mode
from app.render.placement import Placement
from app.render.shaders import compile_program
from engine.fit.heads import HeadModel
from engine.types import Alignment, Array, HeadState

RING_SIGMAS = 3.0  # of a circular Gaussian, 98.9 % lie within
MAGNIFICATION = 5.0  # of the way from the fit to the network
_SPACING_M = 0.007
_FLOATS = 6  # start 2, end 2, radius, share


class Marks:
    """Draws some of the alignment's points, evenly spread over the face.

    context  OpenGL 3.3 core
    head     the model that the results were fitted with
    """

    def __init__(self, context: moderngl.Context, head: HeadModel) -> None:
        self._context, self._chosen = context, spread(head.neutral, front(head))
        self._program = compile_program(context, "marks")
        self._buffer = context.buffer(reserve=max(len(self._chosen), 1) * _FLOATS * 4, dynamic=True)
        layout = (self._buffer, "2f4 2f4 1f4 1f4/i", "start_px", "end_px", "radius_px", "share")
        self._array = context.vertex_array(self._program, [layout])
        self._fitted = self._measured = np.zeros((0, 2))
        self._sigma = self._share = np.zeros(0)

    def show(
        self, head: HeadState | None, alignment: Alignment | None, normals: Array, scale_px: float
    ) -> None:
        """Take over what to draw.

        normals   (V, 3) camera space
        scale_px  the sigma at the end of the colours
        """
        self._sigma = np.zeros(0)
        if head is None or alignment is None:
            return
        count = len(head.vertices)
        at = np.full(count, -1)
        at[alignment.anchors] = np.arange(len(alignment.anchors))
        chosen = self._chosen[at[self._chosen] >= 0]
        position = head.vertices[chosen] @ head.camera_from_head[:3, :3].T
        position = position + head.camera_from_head[:3, 3]
        chosen = chosen[(normals[chosen] * position).sum(axis=1) < 0]  # towards the camera
        measured = at[chosen]
        self._fitted, self._measured = head.points_px[chosen], alignment.points_px[measured]
        self._sigma = alignment.sigma_px[measured]
        self._share = np.clip(self._sigma / scale_px, 0.0, 1.0)

    def draw(self, placement: Placement, mode: Mode, opacity: float, width_px: float) -> None:
        """Draw into the bound framebuffer, with the colours on texture unit 1."""
        if not len(self._sigma):
            return
        rows = np.empty((len(self._sigma), _FLOATS), np.float32)
        if mode is Mode.POINTS:
            rows[:, :2] = rows[:, 2:4] = self._measured
            rows[:, 4] = RING_SIGMAS * self._sigma
        else:
            rows[:, :2], rows[:, 4] = self._fitted, 0.0
            rows[:, 2:4] = self._fitted + MAGNIFICATION * (self._measured - self._fitted)
        rows[:, 5] = self._share
        self._buffer.write(rows)
        self._program["ndc_from_px"] = placement.ndc_from_image
        self._program["target_px"] = placement.target_size_px
        self._program["px_per_image_px"] = placement.scale
        self._program["width_px"], self._program["opacity"] = width_px, opacity
        self._program["colour_map"] = 1
        self._context.enable_only(moderngl.BLEND)
        self._context.blend_func = (moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
        self._array.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(rows))

    def release(self) -> None:
        """Give the graphics memory back."""
        for item in (self._array, self._buffer, self._program):
            item.release()


def spread(vertices: Array, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return vertices out of those wanted (V,), about one in every cube of _SPACING_M."""
    among = np.flatnonzero(wanted)
    cubes = np.floor(vertices[among] / _SPACING_M).astype(np.int64)
    _, first = np.unique(cubes, axis=0, return_index=True)
    return among[np.sort(first)]
