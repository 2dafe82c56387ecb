"""The picture with its overlay, drawn into any framebuffer: a window's or an offscreen one."""

from __future__ import annotations

from collections.abc import Callable

import moderngl
import numpy as np
from numpy.typing import NDArray

from app.render.head_mesh import named_regions
from app.render.head_overlay import HeadOverlay
from app.render.legend import draw_key, draw_legend
from app.render.look import Look, Mode
from app.render.marks import MAGNIFICATION, RING_SIGMAS
from app.render.placement import Placement
from app.render.shaders import compile_program
from engine.fit.heads import HeadModel
from engine.types import TrackResult

_MINIFIED = 0.75  # below this scale the picture is filtered over several sizes, against shimmer
_LEGEND_MARGIN = 14
_TOLD_ANEW = 0.03  # change of the scale, relative: a legend takes as long as the rest of a picture
_TITLES = {
    Mode.UNCERTAINTY: "Alignment uncertainty",
    Mode.POINTS: f"Network, ring = {RING_SIGMAS:.0f} σ, colour = σ",
    Mode.RESIDUALS: f"Fit to network × {MAGNIFICATION:.0f}, colour = σ",
}


class Scene:
    """Holds the newest picture and result, and draws them.

    context  OpenGL 3.3 core; current on the calling thread at every call
    head     the model that the results were fitted with
    """

    def __init__(self, context: moderngl.Context, head: HeadModel) -> None:
        self._context = context
        self._program = compile_program(context, "camera")
        self._rectangle = context.vertex_array(self._program, [])
        for name in ("head", "marks"):  # a driver that rejects them says so now
            compile_program(context, name).release()
        self._head = head
        self._overlay: HeadOverlay | None = None
        self._regions = {whole: named_regions(head, whole) for whole in (False, True)}
        self._picture: moderngl.Texture | None = None
        self._legend: moderngl.Texture | None = None
        self._legend_key: tuple[str, float, str] | None = None
        self._told_px = 0.0

    def show(self, image: NDArray[np.uint8], result: TrackResult | None) -> None:
        """Take over what to draw.

        image   (H, W, 3) RGB, sRGB-encoded
        result  of this image; None or a face that is not tracked draws no overlay
        """
        size = image.shape[1::-1]
        found = None if result is None else result.head
        if self._overlay is None and (found is not None or self._picture is not None):
            # Not with the very first picture: it takes longer than all else at the start.
            self._overlay = HeadOverlay(self._context, self._head)
        if self._picture is None or self._picture.size != size:
            if self._picture is not None:
                self._picture.release()
            self._picture = self._context.texture(size, 3, alignment=1)
            self._picture.repeat_x = self._picture.repeat_y = False
        self._picture.write(np.ascontiguousarray(image))
        if self._overlay is not None:
            self._overlay.show(found, None if result is None else result.alignment)

    def forget(self) -> None:
        """Have nothing to draw until `show` brings it."""
        if self._picture is not None:
            self._picture.release()
            self._picture = None

    def draw(
        self,
        target: moderngl.Framebuffer,
        size_px: tuple[int, int],
        look: Look,
        scale: float = 1.0,
        background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Draw the picture, as large as fits, with its overlay.

        target      with a depth buffer
        size_px     width, height of the target
        scale       target pixels per nominal pixel, for line widths and texts
        background  sRGB in [0, 1], beside the picture
        """
        target.use()
        target.viewport = target.scissor = (0, 0, *size_px)
        target.clear(*background, 1.0, depth=1.0)
        if self._picture is None:
            return
        placement = Placement(self._picture.size, size_px, look.mirror)
        self._draw_picture(placement)
        if self._overlay is None or not self._overlay.visible:
            return
        self._context.enable_only(moderngl.DEPTH_TEST)
        target.scissor = placement.scissor
        self._overlay.draw(placement, look, line_width_px=1.1 * scale)
        target.scissor = (0, 0, *size_px)
        if look.mode in _TITLES and look.legend:
            title = _TITLES[look.mode]
            full_scale_px = self._told_scale_px(self._overlay.full_scale_px)
            key = (f"{full_scale_px:.1f}", scale, title)
            self._draw_legend(placement, key, lambda: draw_legend(full_scale_px, scale, title))
        elif look.mode is Mode.REGIONS and look.legend:
            entries = self._regions[look.whole_head]
            key = ("regions", scale, str(look.whole_head))
            self._draw_legend(placement, key, lambda: draw_key(entries, scale))

    def _told_scale_px(self, true_px: float) -> float:
        """Return the end of the colours as the legend has it: it trembles with every frame."""
        if abs(true_px - self._told_px) > _TOLD_ANEW * true_px:
            self._told_px = true_px
        return self._told_px

    def _draw_picture(self, placement: Placement) -> None:
        assert self._picture is not None
        if placement.scale < _MINIFIED:
            self._picture.build_mipmaps()
            self._picture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        else:
            self._picture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self._context.enable_only(moderngl.NOTHING)
        width, height = placement.image_size_px
        step_x, step_y, *shift = placement.ndc_from_image
        self._draw_rectangle(self._picture, (width * step_x, height * step_y, *shift))

    def _draw_legend(
        self,
        placement: Placement,
        key: tuple[str, float, str],
        made: Callable[[], NDArray[np.uint8]],
    ) -> None:
        scale = key[1]
        if self._legend is None or key != self._legend_key:
            if self._legend is not None:
                self._legend.release()
            plate = made()
            self._legend = self._context.texture(plate.shape[1::-1], 4, plate.tobytes())
            self._legend_key = key
        (width, height), (across, down) = self._legend.size, placement.target_size_px
        left, top, *_ = placement.rectangle_px
        margin = round(_LEGEND_MARGIN * scale)
        x, y = round(left) + margin, down - round(top) - margin - height  # whole pixels stay sharp
        self._context.enable_only(moderngl.BLEND)
        self._context.blend_func = (moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
        self._draw_rectangle(
            self._legend,
            (2 * width / across, -2 * height / down, 2 * x / across - 1, 1 - 2 * y / down),
        )

    def _draw_rectangle(
        self, texture: moderngl.Texture, ndc_from_picture: tuple[float, ...]
    ) -> None:
        texture.use(0)
        self._program["ndc_from_picture"] = ndc_from_picture
        self._rectangle.render(moderngl.TRIANGLE_STRIP, vertices=4)

    def release(self) -> None:
        """Give the graphics memory back."""
        overlay = self._overlay
        for item in (overlay, self._picture, self._legend, self._rectangle, self._program):
            if item is not None:
                item.release()
