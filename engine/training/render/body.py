"""A person on the device: head, eyes, mouth, hair, garment, props, posed for one scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.training.render.device import Mesh, StaticVertices
from engine.training.render.head_mesh import cheek_and_scalp, head_mesh, surface_masks
from engine.training.render.occlusion import openness
from engine.training.render.scene import Look, Prop, Scene
from engine.training.render.shape import (
    NormalMap,
    Performance,
    joint_transforms,
    person,
    shaped,
    skinned,
)
from engine.training.render.torso import build_torso, neck_rim, torso_colours
from engine.training.render.wardrobe import Wardrobe
from engine.types import Array

MATERIALS = ("skin", "eye", "teeth", "tongue", "hair", "fur", "cloth", "prop", "lens")
INNER_LIPS = (13, 14)  # MediaPipe's upper and lower inner lip, middle


@dataclass(frozen=True, eq=False)
class Drawable:
    """A mesh, how it is drawn, and the uniforms that are its own.

    stage  "opaque" writes depth, "soft" is blended over it afterwards
    """

    mesh: Mesh
    material: str
    texture: moderngl.Texture
    uniforms: dict[str, object] = field(default_factory=dict[str, object])
    stage: str = "opaque"
    casts_shadow: bool = True


def at_rest(head: OpenHead, jaw_open: float = 0.0) -> Performance:
    """Return the mean person, doing nothing but opening the jaw."""
    expression = np.zeros(len(head.expression_names))
    expression[head.expression_names.index("jawOpen")] = jaw_open
    return Performance(
        np.zeros(len(head.identity_basis)), expression, np.zeros((2, 2)), np.zeros(3)
    )


def posed(head: OpenHead, performance: Performance) -> Array:
    """Return the head's vertices (V, 3), metres in head space."""
    return skinned(
        shaped(head, performance), head.skin_weights, joint_transforms(head, performance)
    )


class Body:
    """Everything of one head that stays on the device between pictures."""

    def __init__(
        self,
        context: moderngl.Context,
        head: OpenHead,
        wardrobe: Wardrobe,
    ) -> None:
        self._context = context
        self.head, self.wardrobe = head, wardrobe
        self._layout = head_mesh(head)
        self._normals = NormalMap(head.triangles, len(head.neutral))
        self.masks = surface_masks(head, wardrobe.redness(self._layout, len(head.neutral)))
        self._shade = np.hstack([self._openness(), cheek_and_scalp(head)])
        self._rim = neck_rim(head)
        self._torso = build_torso()
        self._torso_normals = NormalMap(self._torso.triangles, len(self._torso.uv))
        self._meshes = {
            part: self._head_mesh(triangles) for part, triangles in self._layout.triangles.items()
        }
        self._passing: list[Mesh] = []

    def pose(self, scene: Scene) -> tuple[Array, list[Drawable]]:
        """Return the posed vertices (V, 3) in head space and what is to be drawn, in order."""
        for thing in self._passing:
            thing.release()
        self._passing = []
        performance, look = scene.performance, scene.look
        unposed = shaped(self.head, performance)
        transforms = joint_transforms(self.head, performance)
        vertices = skinned(unposed, self.head.skin_weights, transforms)
        normals = self._normals(vertices)
        drawn = [*self._head(scene, vertices, normals), *self._eyes(scene, vertices, normals)]
        drawn += self._mouth(look, vertices, normals, unposed, transforms)
        drawn.append(self._shoulders(look, unposed, transforms))
        drawn += self._strands(scene, unposed, transforms)
        drawn += [self._prop(prop) for prop in scene.props]
        return vertices, drawn

    def mouth(self, vertices: Array) -> Array:
        """Return (4,): the middle between the inner lips, and how far they are apart, metres."""
        upper, lower = landmarks(self.head, vertices)[list(INNER_LIPS)]
        return np.append(0.5 * (upper + lower), np.linalg.norm(lower - upper))

    def _openness(self) -> Array:
        result: list[Array] = []
        for jaw in (0.0, 1.0):
            vertices = posed(self.head, at_rest(self.head, jaw))
            normals = self._normals(vertices)
            result.append(openness(self._context, vertices, normals, self.head.triangles))
        return np.stack(result, axis=1)

    def _head_mesh(self, triangles: NDArray[np.int32]) -> Mesh:
        of = self._layout.vertex_of
        white = np.ones((len(of), 4))
        static = StaticVertices(self._layout.uv, self.masks[of], self._shade[of], white)
        return Mesh(self._context, triangles, static)

    def _write(self, mesh: Mesh, vertices: Array, normals: Array) -> Mesh:
        of = self._layout.vertex_of
        mesh.write(vertices[of], normals[of])
        return mesh

    def _head(self, scene: Scene, vertices: Array, normals: Array) -> Iterator[Drawable]:
        look = scene.look
        texture, mean = self.wardrobe.texture("skin", look.skin)
        uniforms: dict[str, object] = {
            "gain": look.skin_gain,
            "skin_mean": tuple(mean),
            "skin_style": (look.skin_contrast, look.freckles, look.oiliness, look.seed),
            "lips": look.lips,
            "eye_shadow": look.eye_shadow,
            "beard": look.beard,
            "blush": look.blush,
            "saturation": look.skin_saturation,
            "hair": (*look.hair_colour, 0.0 if look.hair is None else 1.0),
        }
        mesh = self._write(self._meshes["skin"], vertices, normals)
        yield Drawable(mesh, "skin", texture, uniforms)

    def _eyes(self, scene: Scene, vertices: Array, normals: Array) -> Iterator[Drawable]:
        texture, _ = self.wardrobe.texture("iris", scene.look.iris)
        for part, region, eye in (
            ("left_eye", "eyeball_left", 0),
            ("right_eye", "eyeball_right", 1),
        ):
            uniforms: dict[str, object] = {
                "eye": (vertices[self.head.in_regions(region)].mean(axis=0),
                        scene.performance.gaze[eye]),
                "iris_radius_rad": scene.look.iris_radius_rad,
                "gain": scene.look.eye_gain,
            }  # fmt: skip
            mesh = self._write(self._meshes[part], vertices, normals)
            yield Drawable(mesh, "eye", texture, uniforms)

    def _mouth(
        self, look: Look, vertices: Array, normals: Array, unposed: Array, transforms: Array
    ) -> Iterator[Drawable]:
        if look.teeth is not None:
            for kind, name, gain in (
                ("teeth", look.teeth, look.teeth_gain),
                ("tongue", "tongue01", (0.8, 0.7, 0.7)),
            ):
                part = self.wardrobe.part(kind, name)
                part.write(unposed, transforms)
                texture, _ = self.wardrobe.texture(kind, kind if kind == "teeth" else name)
                yield Drawable(part.mesh, kind, texture, {"gain": gain})
            return
        for kind, gain in (("teeth", (1.2, 1.15, 1.0)), ("tongue", (0.8, 0.3, 0.3))):
            texture, _ = self.wardrobe.texture(kind, None)
            mesh = self._write(self._meshes[kind], vertices, normals)
            yield Drawable(mesh, kind, texture, {"gain": gain})

    def _shoulders(self, look: Look, unposed: Array, transforms: Array) -> Drawable:
        texture, mean = self.wardrobe.texture("skin", look.skin)
        grey = float(mean @ [0.3, 0.59, 0.11])
        skin = (grey + look.skin_saturation * (mean - grey)) * np.array(look.skin_gain)
        vertices = self._torso.vertices(unposed[self._rim])
        vertices = vertices @ transforms[1, :3, :3].T + transforms[1, :3, 3]
        plain = StaticVertices.plain(self._torso.uv)
        colours = torso_colours(self._torso, look.clothes, look.collar)
        static = StaticVertices(plain.uv, plain.mask, plain.shade, colours)
        mesh = Mesh(self._context, self._torso.triangles, static)
        mesh.write(vertices, self._torso_normals(vertices))
        self._passing.append(mesh)
        uniforms: dict[str, object] = {
            "gloss": 0.05,
            "skin_style": (1.0, 0.0, 0.0, look.seed),
            "gain": tuple(skin),
        }
        return Drawable(mesh, "cloth", texture, uniforms)

    def _strands(self, scene: Scene, unposed: Array, transforms: Array) -> Iterator[Drawable]:
        look = scene.look
        if look.hair is not None:
            part = self.wardrobe.part("hair", look.hair)
            part.write(person(self.head, scene.performance), None)
            texture, mean = self.wardrobe.texture("hair", look.hair)
            uniforms: dict[str, object] = {
                "hair": (*look.hair_colour, look.hair_recolour),
                "skin_mean": tuple(mean),
                "gain": (1.0, 1.0, 1.0),
            }
            for stage in ("opaque", "soft"):
                yield Drawable(part.mesh, "hair", texture, uniforms, stage)
        for kind, name in (("brows", look.brows), ("lashes", look.lashes)):
            if name is None:
                continue
            part = self.wardrobe.part(kind, name)
            part.write(unposed, transforms)
            texture, mean = self.wardrobe.texture(kind, name)
            colour = look.hair_colour if kind == "brows" else (0.012, 0.01, 0.01)
            fur: dict[str, object] = {
                "hair": (*(0.6 * np.array(colour)), 1.0),
                "skin_mean": tuple(mean),
                "gain": (1.0, 1.0, 1.0),
            }
            yield Drawable(part.mesh, "fur", texture, fur, "soft", casts_shadow=False)

    def _prop(self, prop: Prop) -> Drawable:
        static = StaticVertices.plain(np.zeros((len(prop.vertices), 2)))
        static = StaticVertices(static.uv, static.mask, static.shade, prop.colours)
        mesh = Mesh(self._context, prop.triangles, static)
        mesh.write(prop.vertices, NormalMap(prop.triangles, len(prop.vertices))(prop.vertices))
        self._passing.append(mesh)
        texture, _ = self.wardrobe.texture("plain", None)
        if prop.screen is not None:
            lens: dict[str, object] = {"gloss": prop.gloss, "screen": tuple(prop.screen[:4]),
                                       "screen_colour": tuple(prop.screen[4:])}  # fmt: skip
            return Drawable(mesh, "lens", texture, lens, "soft", casts_shadow=False)
        clear = bool(prop.colours[:, 3].min() < 0.95)
        return Drawable(
            mesh, "prop", texture, {"gloss": prop.gloss}, "soft" if clear else "opaque", not clear
        )
