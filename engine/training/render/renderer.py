"""Draws a scene with OpenGL and reads back picture and labels.

Use::

    renderer = HeadRenderer(head, side_px=256)
    rendered = renderer.draw(scene)      # Rendered: image, points_px, visible, depth, alpha
"""

from __future__ import annotations

from pathlib import Path

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import gaze_rotation
from engine.fit.heads.open_head import OpenHead
from engine.geometry import project, transform_points
from engine.resources import data_folder
from engine.training.render.body import MATERIALS, Body, Drawable
from engine.training.render.device import (
    clip_from_camera,
    create_context,
    load_program,
    make_texture,
    metres_from_depth,
    orthographic,
    set_uniform,
)
from engine.training.render.light import Lamp
from engine.training.render.scene import Rendered, Scene
from engine.training.render.wardrobe import Wardrobe
from engine.types import Array

SUPERSAMPLING = 1.5
SHADOW_SIDE_PX, SHADOW_HALF_EXTENT_M = 384, 0.22
VISIBLE_TOLERANCE_M = 0.0012
STRAND_CORE, STRAND_FRINGE, EVERYTHING = (0.5, 2.0), (0.02, 0.5), (0.01, 2.0)


class HeadRenderer:
    """Owns an OpenGL context and everything of one head that stays on the device."""

    def __init__(self, head: OpenHead, side_px: int = 256, folder: Path | None = None) -> None:
        """Prepare a head (V vertices) for square pictures of side_px.

        folder  MakeHuman assets; the data folder's if None; without them heads are plain
        """
        self.head, self.side_px = head, side_px
        self._context = create_context()
        self._surfaces = {
            name: load_program(self._context, "surface", "surface", MATERIAL=number)
            for number, name in enumerate(MATERIALS)
        }
        self._depth = load_program(self._context, "surface", "depth")
        self._backdrop = load_program(self._context, "backdrop", "backdrop")
        self.wardrobe = Wardrobe(self._context, head, folder or data_folder() / "makehuman")
        self.body = Body(self._context, head, self.wardrobe)
        side = self._fine_px = round(side_px * SUPERSAMPLING)
        self._colour_map = self._context.texture((side, side), 4)
        self._depth_map = self._context.depth_texture((side, side))
        self._target = self._context.framebuffer([self._colour_map], self._depth_map)
        self._shadow_map = self._context.depth_texture((SHADOW_SIDE_PX, SHADOW_SIDE_PX))
        self._shadow_map.compare_func = ""
        self._shadow_map.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow_target = self._context.framebuffer(depth_attachment=self._shadow_map)
        noise = np.random.default_rng(1).normal(128, 110, (256, 256, 4)).astype(np.float32)
        noise = cv2.GaussianBlur(np.tile(noise, (3, 3, 1)), (0, 0), 1.0)[256:512, 256:512]
        self._noise = make_texture(
            self._context, np.clip(noise, 0, 255).astype(np.uint8), mipmaps=False
        )
        quad = self._context.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4").tobytes())
        self._quad = self._context.vertex_array(self._backdrop, [(quad, "2f", "in_position")])

    def draw(self, scene: Scene) -> Rendered:
        """Draw one picture and compute its labels."""
        context = self._context
        vertices, drawn = self.body.pose(scene)
        context.enable_only(moderngl.DEPTH_TEST)
        shadow = self._draw_shadow(scene, drawn)
        self._target.use()
        self._target.clear(depth=1.0)
        context.enable_only(moderngl.NOTHING)
        self._draw_backdrop(scene)
        context.blend_func = (  # pyright: ignore[reportAttributeAccessIssue]
            moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA,
            moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA,
        )  # fmt: skip
        self._set_scene(scene, vertices, shadow)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        for item in drawn:
            if item.stage == "opaque":
                strands = item.material == "hair"
                self._draw_item(item, scene, STRAND_CORE if strands else EVERYTHING)
        side = self._fine_px
        depth = np.frombuffer(self._depth_map.read(alignment=1), "f4").reshape(side, side)
        self._target.depth_mask = False
        for item in drawn:
            if item.stage == "soft":
                strands = item.material == "hair"
                self._draw_item(item, scene, STRAND_FRINGE if strands else EVERYTHING)
        self._target.depth_mask = True
        pixels = np.frombuffer(self._colour_map.read(alignment=1), np.uint8)
        small = cv2.resize(
            pixels.reshape(side, side, 4),
            (self.side_px, self.side_px),
            interpolation=cv2.INTER_AREA,
        )
        return self._labelled(scene, vertices, small.astype(np.uint8), metres_from_depth(depth))

    def _labelled(
        self, scene: Scene, vertices: Array, pixels: NDArray[np.uint8], depth: Array
    ) -> Rendered:
        points = project(vertices, scene.camera_from_head, scene.intrinsics)
        distance = transform_points(scene.camera_from_head, vertices)[:, 2]
        farthest = cv2.dilate(depth.astype(np.float32), np.ones((3, 3), np.uint8))
        at = np.nan_to_num(points * SUPERSAMPLING, nan=-1.0)
        inside = ((at >= 0) & (at < depth.shape[0])).all(axis=1)
        column, row = np.clip(at, 0, depth.shape[0] - 1).astype(int).T
        return Rendered(
            image=np.ascontiguousarray(pixels[:, :, :3]),
            points_px=points,
            visible=inside & (distance <= farthest[row, column] + VISIBLE_TOLERANCE_M),
            depth=distance,
            alpha=pixels[:, :, 3].astype(np.float32) / 255.0,
        )

    def _draw_shadow(self, scene: Scene, drawn: list[Drawable]) -> Array | None:
        """Fill the shadow map of the first lamp; return shadow_from_camera (4, 4)."""
        if not scene.lamps:
            return None
        centre = scene.camera_from_head[:3, 3] + scene.camera_from_head[:3, 2] * 0.05
        view = orthographic(scene.lamps[0].direction, centre, SHADOW_HALF_EXTENT_M)
        set_uniform(self._depth, "camera_from_head", scene.camera_from_head)
        set_uniform(self._depth, "clip_from_camera", view)
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0)
        for item in drawn:
            if item.casts_shadow and item.stage == "opaque":
                item.texture.use(0)
                set_uniform(self._depth, "cut_out", item.material == "hair")
                item.mesh.draw(self._depth)
        return view

    def _draw_backdrop(self, scene: Scene) -> None:
        pixels = scene.background
        if pixels is None:
            pixels = np.full((4, 4, 3), 96, np.uint8)
        if pixels.dtype != np.uint8:
            pixels = displayed(pixels * scene.exposure)
        texture = make_texture(self._context, pixels, mipmaps=False)
        texture.repeat_x = texture.repeat_y = False
        texture.use(0)
        self._quad.render(moderngl.TRIANGLE_STRIP)
        texture.release()

    def _set_scene(self, scene: Scene, vertices: Array, shadow: Array | None) -> None:
        environment = scene.environment
        sky, _ = self.wardrobe.textures.get(
            f"sky/{environment.name}", lambda: sky_pixels(environment.radiance)
        )
        sky.use(1)
        self._shadow_map.use(2)
        self._noise.use(3)
        dark = Lamp(np.array([0.0, 0.0, -1.0]), np.zeros(3))
        lamps = (*scene.lamps, dark, dark)[:2]
        pose = scene.camera_from_head
        mouth = self.body.mouth(vertices)
        mouth[:3] = transform_points(pose, mouth[:3])
        jaw = scene.performance.expression[self.head.expression_names.index("jawOpen")]
        maps = ("albedo_map", "sky_map", "shadow_map", "noise_map")
        values: dict[str, object] = {
            **{name: unit for unit, name in enumerate(maps)},
            "camera_from_head": pose,
            "clip_from_camera": clip_from_camera(
                scene.intrinsics * np.array([[SUPERSAMPLING], [SUPERSAMPLING], [1.0]]),
                self._fine_px,
            ),
            "shadow_from_camera": np.eye(4) if shadow is None else shadow,
            "shadow_strength": 0.0 if shadow is None else 0.92,
            "sky_sh": environment.irradiance_sh,
            "sky_from_camera": environment.environment_from_camera,
            "lamp_direction": np.stack([lamp.direction for lamp in lamps]),
            "lamp_colour": np.stack([lamp.colour for lamp in lamps]),
            "exposure": float(scene.exposure),
            "sky_gain": tuple(scene.sky_gain),
            "jaw_open": float(np.clip(jaw, 0.0, 1.0)),
            "mouth": tuple(mouth),
            "mouth_inward": tuple(pose[:3, 2]),
        }
        for program in self._surfaces.values():
            for name, value in values.items():
                set_uniform(program, name, value)

    def _draw_item(self, item: Drawable, scene: Scene, alpha_range: tuple[float, float]) -> None:
        program = self._surfaces[item.material]
        item.texture.use(0)
        set_uniform(program, "alpha_range", alpha_range)
        for name, value in item.uniforms.items():
            if name == "eye":
                centre, gaze = value  # pyright: ignore[reportGeneralTypeIssues]
                pose = scene.camera_from_head
                set_uniform(program, "eye_centre", tuple(transform_points(pose, centre)))
                set_uniform(program, "eye_from_camera", (pose[:3, :3] @ gaze_rotation(*gaze)).T)
            else:
                set_uniform(program, name, value)
        item.mesh.draw(program)


def displayed(light: Array) -> NDArray[np.uint8]:
    """Encode exposed linear light (..., 3) as sRGB with the shaders' soft shoulder."""
    x = np.maximum(light, 0.0).astype(np.float32)
    x /= np.sqrt(1.0 + x * x)
    root2 = np.sqrt(x)
    root4 = np.sqrt(root2)
    encoded = 0.662003 * root2 + 0.684122 * root4 - 0.323584 * np.sqrt(root4) - 0.022541 * x
    return (255.0 * np.clip(encoded, 0.0, 1.0) + 0.5).astype(np.uint8)


def sky_pixels(radiance: Array) -> NDArray[np.float16]:
    """Shrink an environment map to what reflections need."""
    return cv2.resize(radiance, (128, 64), interpolation=cv2.INTER_AREA).astype(np.float16)
