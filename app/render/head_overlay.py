"""The tracked head as vertex buffers, and its drawing."""

from __future__ import annotations

import moderngl
import numpy as np

from app.render.colour_map import uncertainty_colours
from app.render.head_mesh import (
    corners,
    drawing_order,
    front,
    materials,
    region_colours,
    vertex_normals,
)
from app.render.look import Look, Mode
from app.render.marks import Marks
from app.render.placement import Placement
from app.render.shaders import compile_program
from engine.fit.heads import HeadModel
from engine.geometry import transform_points
from engine.types import Alignment, Array, HeadState

# The colours end at this standard deviation, as a share of the face's size (the square root of
# the area of its box): three times what a good alignment is off.
FULL_SCALE = 0.04
_NEAREST_M = 0.02
_PICTURE_UNIT, _COLOUR_UNIT = 0, 1
_PER_VERTEX = 9  # floats: pixel 2, position 3, normal 3, sigma 1


class HeadOverlay:
    """Draws one head over a picture that the scene has put on texture unit 0.

    context  OpenGL 3.3 core
    head     the model that the results were fitted with
    """

    def __init__(self, context: moderngl.Context, head: HeadModel) -> None:
        material = materials(head)
        self._triangles, self._seen = drawing_order(head, material[:, 3])
        self._at, self._front = self._triangles.ravel(), front(head)
        self._program = compile_program(context, "head")
        self._program["picture"], self._program["colour_map"] = _PICTURE_UNIT, _COLOUR_UNIT
        self._colours = context.texture((256, 1), 3, uncertainty_colours().tobytes(), alignment=1)
        self._colours.repeat_x = False
        self._marks = Marks(context, head)
        encoded = np.round(255 * material).astype(np.uint8)[self._at]
        edges = corners(head.neutral, self._triangles).reshape(-1, 3)
        fixed = np.hstack([encoded, edges, region_colours(head)[self._at]])
        self._fixed = context.buffer(np.ascontiguousarray(fixed).tobytes())
        self._moving = context.buffer(reserve=len(self._at) * _PER_VERTEX * 4, dynamic=True)
        self._array = context.vertex_array(
            self._program,
            [
                (self._moving, "2f4 3f4 3f4 1f4", "point_px", "position", "normal", "sigma"),
                (self._fixed, "4f1 1f1 3f1 3f1", "material", "rim", "corner", "region"),
            ],
        )
        self._depth_range_m: tuple[float, float] | None = None
        self.full_scale_px = 0.0

    def show(self, head: HeadState | None, alignment: Alignment | None) -> None:
        """Take over the head to draw; None, or a head behind the camera, draws nothing."""
        self._depth_range_m = None
        if head is None:
            return
        position = transform_points(head.camera_from_head, head.vertices)
        near, far = float(position[:, 2].min()), float(position[:, 2].max())
        if not (near > _NEAREST_M and np.isfinite(head.points_px).all()):
            return
        self._depth_range_m = (0.9 * near, 1.1 * far)
        box = np.ptp(head.points_px[self._front], axis=0)
        self.full_scale_px = FULL_SCALE * float(np.sqrt(box.prod()))
        rows = np.empty((len(position), _PER_VERTEX), np.float32)
        rows[:, :2], rows[:, 2:5] = head.points_px, position
        rows[:, 5:8] = normals = vertex_normals(position, self._triangles)
        self._marks.show(head, alignment, normals, self.full_scale_px)
        rows[:, 8] = self._relative_sigma(len(position), alignment)
        self._moving.write(np.take(rows, self._at, axis=0))

    def _relative_sigma(self, count: int, alignment: Alignment | None) -> Array:
        sigma = np.full(count, -1.0)
        if alignment is not None:
            sigma[alignment.anchors] = np.clip(alignment.sigma_px / self.full_scale_px, 0.0, 1.0)
        return sigma

    @property
    def visible(self) -> bool:
        """Whether there is a head to draw."""
        return self._depth_range_m is not None

    def draw(self, placement: Placement, look: Look, line_width_px: float) -> None:
        """Draw into the bound framebuffer; needs depth test and scissors on the picture."""
        if self._depth_range_m is None or look.mode is Mode.OFF:
            return
        if look.mode in (Mode.POINTS, Mode.RESIDUALS):
            self._colours.use(_COLOUR_UNIT)
            self._marks.draw(placement, look.mode, look.opacity, 1.3 * line_width_px)
            return
        surface, line = {
            Mode.WIRE: (0.0, look.opacity),
            Mode.SHADED: (look.opacity, 0.0),
            Mode.UNCERTAINTY: (0.62 * look.opacity, look.opacity),
            Mode.REGIONS: (look.opacity, 0.0),
        }[look.mode]
        self._program["ndc_from_px"] = placement.ndc_from_image
        self._program["image_size_px"] = placement.image_size_px
        self._program["depth_range"] = self._depth_range_m
        self._program["by_sigma"] = float(look.mode is Mode.UNCERTAINTY)
        self._program["by_region"] = float(look.mode is Mode.REGIONS)
        self._program["surface_opacity"] = surface
        self._program["line_opacity"] = line
        self._program["line_width_px"] = line_width_px
        self._program["whole_head"] = float(look.whole_head)
        self._colours.use(_COLOUR_UNIT)
        count = len(self._triangles) if look.whole_head else self._seen
        self._array.render(moderngl.TRIANGLES, vertices=3 * count)

    def release(self) -> None:
        """Give the graphics memory back."""
        self._marks.release()
        for item in (self._array, self._moving, self._fixed, self._colours, self._program):
            item.release()
