"""Draws a fitted portrait in a new state: its own pixels on the head, over its own background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.spatial import KDTree

from engine.fit.heads import gaze_rotation
from engine.fit.heads.open_head import OpenHead
from engine.fit.skinning import joints_of, vertices
from engine.training.anchors import correspondences as c
from engine.training.anchors.placement import IRIS_RADIUS
from engine.training.portraits.backdrop import displacement_field, warped
from engine.training.portraits.landmark_model import FaceState
from engine.training.portraits.likeness import Likeness, prepare
from engine.training.portraits.registration import margins, neighbours, spreading
from engine.training.portraits.variation import Variation
from engine.training.render.device import (
    clip_from_camera,
    create_context,
    load_program,
    metres_from_depth,
    set_uniform,
)
from engine.training.render.shape import NormalMap
from engine.types import Array

OVERSAMPLING = 2
DEPTH_TOLERANCE_M = 0.003
LAYOUT = "3f 3f 2f 2f 4f"
ATTRIBUTES = ("in_position", "in_normal", "in_own", "in_twin", "in_mix")
SKIN, INSIDE, TEETH, TONGUE, EYEBALL = range(5)
PART_REGIONS = {
    TEETH: ("teeth",), TONGUE: ("tongue",), INSIDE: ("inner_mouth", "eye_sockets"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rerendered:
    """A picture and its exact labels.

    image (S, S, 3) uint8; points_px (V, 2); visible (V,); state: what the head does
    """

    image: NDArray[np.uint8]
    points_px: Array
    visible: NDArray[np.bool_]
    state: Variation


class PortraitRenderer:
    """Owns an OpenGL context and what does not change from portrait to portrait."""

    def __init__(self, head: OpenHead, side_px: int) -> None:
        self._head, self._side = head, side_px
        neutral = head.neutral.astype(np.float64)
        self._spreading, self._margins = spreading(head), margins(head)
        twins = KDTree(neutral).query(neutral * [-1, 1, 1])[1]
        self._twins = np.asarray(twins, dtype=np.int64)
        self._normals = NormalMap(head.triangles, len(neutral))
        joined = neighbours(head.triangles, len(neutral))
        self._mean_of = diags(1 / np.maximum(np.asarray(joined.sum(1)).ravel(), 1)) @ joined
        self._opacity = _opacity(head, self._mean_of)
        self._open = head.in_regions("face")
        self._skin = head.in_regions("face", "eyes", "nose", "mouth", "ears", "scalp", "neck")
        self._enamel = _enamel(head)
        self._lash_line = self._vertices(c.LASH_LOOP)
        self._lips = self._vertices(c.LIP_CONTACT_LOOP)
        self._context = create_context()
        self._program = load_program(self._context, "portrait", "portrait")
        self._table = self._context.buffer(reserve=len(neutral) * 56, dynamic=True)
        self._parts = [(kind, eye, self._array(triangles)) for kind, eye, triangles in _parts(head)]
        large = (side_px * OVERSAMPLING, side_px * OVERSAMPLING)
        self._backdrop = self._context.texture(large, 3, alignment=1)
        self._quad = self._context.vertex_array(
            load_program(self._context, "backdrop", "backdrop"),
            self._context.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4").tobytes()),
            "in_position",
        )
        self._colour = self._context.texture(large, 4, alignment=1)
        self._depth = self._context.depth_texture(large)
        self._target = self._context.framebuffer([self._colour], self._depth)

    def likeness(self, image: NDArray[np.uint8], state: FaceState, labels_px: Array) -> Likeness:
        """Prepare a portrait (S, S, 3) with its fit, a batch of one, and labels (478, 2)."""
        head = self._head
        posed = vertices(head, state.identity[0], state.expression[0], state.gaze[0], np.zeros(3))
        camera_from_head = np.eye(4)
        camera_from_head[:3, :3] = state.rotation[0]
        camera_from_head[:3, 3] = state.translation[0]
        focal_px = float(np.exp(state.log_focal[0]))
        projected, camera = self._project(posed, camera_from_head, focal_px)
        normals = self._normals(posed)
        blank = np.zeros((len(posed), 8))
        self._write(posed, normals, blank)
        self._frame(camera_from_head, focal_px)
        self._target.clear(depth=1.0)
        self._draw_parts(lambda kind, eye: None)
        facing = -(normals @ camera_from_head[:3, :3].T * camera).sum(1)
        facing /= np.linalg.norm(camera, axis=1)
        seen = np.clip((facing - 0.08) / 0.3, 0.0, 1.0) * self._unhidden(projected, camera)
        return prepare(head, image, projected, seen, labels_px, self._spreading)

    def draw(self, likeness: Likeness, new: Variation) -> Rerendered:
        """Draw the portrait's face in a new state."""
        head = self._head
        posed = vertices(head, new.identity, new.expression, new.gaze, new.neck)
        points, camera = self._project(posed, new.camera_from_head, new.focal_px)
        normals = self._normals(posed)
        self._write(posed, normals, self._sticking(likeness))
        self._frame(new.camera_from_head, new.focal_px)
        toward = -(normals @ new.camera_from_head[:3, :3].T * camera).sum(1) > 0
        self._paint(likeness, new, posed, points, toward)
        visible = toward & self._unhidden(points, camera)
        picture = np.frombuffer(self._colour.read(alignment=1), np.uint8)
        picture = picture.reshape(self._side * OVERSAMPLING, -1, 4)[..., :3]
        size = (self._side, self._side)
        image = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        inside = (points >= 0).all(1) & (points < self._side).all(1)
        return Rerendered(image, points, visible & inside & ~likeness.covered, new)

    def _paint(
        self,
        likeness: Likeness,
        new: Variation,
        posed: Array,
        points: Array,
        toward: NDArray[np.bool_],
    ) -> None:
        """Draw backdrop and head in colour; toward (V,): vertices that face the camera."""
        context, program = self._context, self._program
        anchor = toward & (likeness.seen > 0.05) & self._skin
        shifts = points - likeness.places_px
        field = displacement_field(points[anchor], shifts[anchor], self._side)
        backdrop = warped(likeness.image, field, OVERSAMPLING).astype(np.float32) * new.gain
        self._backdrop.write(np.clip(backdrop, 0, 255).astype(np.uint8).tobytes())
        self._target.clear(depth=1.0)
        context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._backdrop.use(0)
        self._quad.render(moderngl.TRIANGLE_STRIP)
        texture = context.texture(
            (self._side, self._side), 3, likeness.image.tobytes(), alignment=1
        )
        texture.use(0)
        for name, value in {
            "ambient": likeness.skin, "light_direction": new.light_direction,
            "light_tint": new.light_tint, "gain": new.gain, "iris_colour": likeness.iris,
            "sclera_colour": likeness.sclera, "highlight": new.highlight,
        }.items():  # fmt: skip
            set_uniform(program, name, np.asarray(value))
        set_uniform(program, "pupil", new.pupil)
        set_uniform(program, "seed", new.seed)
        set_uniform(program, "lips_z", float(posed[self._lips, 2].mean()))
        joints = joints_of(self._head, new.identity)

        def eye_uniforms(kind: int, eye: int) -> None:
            if kind != EYEBALL:
                return
            ball = self._head.in_regions(f"eyeball_{('left', 'right')[eye]}")
            radius = np.linalg.norm(posed[ball] - joints[2 + eye], axis=1).max()
            lid = self._lash_line if eye == 0 else self._twins[self._lash_line]
            set_uniform(program, "eye_centre", joints[2 + eye])
            set_uniform(program, "eye_axis", gaze_rotation(*new.gaze[eye]) @ [0.0, 0.0, -1.0])
            set_uniform(program, "iris_angle", float(np.arcsin(IRIS_RADIUS / radius)))
            lids = posed[lid, 1]
            set_uniform(program, "lid_y", (float(lids.min()), float(lids.max())))

        context.enable(moderngl.BLEND)
        self._draw_parts(eye_uniforms)
        context.disable(moderngl.BLEND)
        texture.release()

    def _draw_parts(self, before: object) -> None:
        self._context.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        for kind, eye, array in self._parts:
            set_uniform(self._program, "kind", kind)
            if callable(before):
                before(kind, eye)
            array.render()

    def _sticking(self, likeness: Likeness) -> Array:
        """Return (V, 8): own place, twin's place, and the four mixing values of every vertex."""
        places, seen = likeness.places_px.copy(), likeness.seen.copy()
        places[self._margins.inner] = places[self._margins.source]
        seen[self._margins.inner] = seen[self._margins.source]
        for _ in range(2):
            seen = np.minimum(seen, self._mean_of @ seen)
        other = seen[self._twins]
        opacity = self._opacity * np.where(
            self._open, np.clip(np.maximum(seen, other) / 0.15, 0.0, 1.0), 1.0
        )
        share = seen + (1 - seen) * np.clip(1 - 1.5 * other, 0.0, 1.0)
        mixing = np.stack([share, opacity, self._margins.lash, self._enamel], axis=1)
        return np.hstack([places / self._side, places[self._twins] / self._side, mixing])

    def _project(
        self, posed: Array, camera_from_head: Array, focal_px: float
    ) -> tuple[Array, Array]:
        camera = posed @ camera_from_head[:3, :3].T + camera_from_head[:3, 3]
        return focal_px * camera[:, :2] / camera[:, 2:] + self._side / 2, camera

    def _unhidden(self, points_px: Array, camera: Array) -> NDArray[np.bool_]:
        """Compare with the depth buffer; outside the picture counts as unhidden."""
        size = self._side * OVERSAMPLING
        stored = np.frombuffer(self._depth.read(alignment=1), "f4").reshape(size, size)
        nearest = metres_from_depth(stored.astype(np.float64))
        column, row = np.clip((points_px * OVERSAMPLING).astype(int), 0, size - 1).T
        return camera[:, 2] < nearest[row, column] + DEPTH_TOLERANCE_M

    def _frame(self, camera_from_head: Array, focal_px: float) -> None:
        half = self._side / 2
        intrinsics = np.array([[focal_px, 0, half], [0, focal_px, half], [0, 0, 1.0]])
        self._target.use()
        self._context.front_face = (
            "cw"  # row 0 is NDC y = -1: the picture is mirrored top to bottom
        )
        clip = clip_from_camera(intrinsics, self._side)
        set_uniform(self._program, "clip_from_camera", clip)
        set_uniform(self._program, "camera_from_head", camera_from_head)

    def _write(self, posed: Array, normals: Array, sticking: Array) -> None:
        self._table.write(np.hstack([posed, normals, sticking]).astype("f4").tobytes())

    def _array(self, triangles: NDArray[np.int32]) -> moderngl.VertexArray:
        index = self._context.buffer(np.ascontiguousarray(triangles, dtype="i4").tobytes())
        return self._context.vertex_array(
            self._program, [(self._table, LAYOUT, *ATTRIBUTES)], index
        )

    def _vertices(self, loop: tuple[int, ...]) -> NDArray[np.int64]:
        position = {int(v): i for i, v in enumerate(self._head.source_vertex)}
        return np.array([position[v] for v in loop], dtype=np.int64)


def _parts(head: OpenHead) -> list[tuple[int, int, NDArray[np.int32]]]:
    """Return (kind, eye or -1, triangles), the skin first; lashes are left out."""
    left = np.ones(len(head.triangles), bool)
    left &= ~head.in_regions("lashes")[head.triangles].all(1)
    found = list[tuple[int, int, NDArray[np.int32]]]()
    for eye, side in enumerate(("left", "right")):
        ball = head.in_regions(f"eyeball_{side}")[head.triangles].all(1)
        found.append((EYEBALL, eye, head.triangles[ball]))
        left &= ~ball
    for kind, names in PART_REGIONS.items():
        part = left & head.in_regions(*names)[head.triangles].any(1)
        found.append((kind, -1, head.triangles[part]))
        left &= ~part
    return [(SKIN, -1, head.triangles[left]), *found]


def _opacity(head: OpenHead, mean_of: csr_matrix) -> Array:
    """Return (V,): 1 on the face, fading to the warped portrait towards ears, scalp and neck."""
    face = head.in_regions("face", "eyes", "nose", "mouth", "inner_mouth", "eye_sockets")
    value = face.astype(np.float64)
    for _ in range(4):
        value = np.minimum(value, 0.5 * value + 0.5 * (mean_of @ value))
    return value


def _enamel(head: OpenHead) -> Array:
    """Return (V,): 1 towards the cutting edges of the teeth, 0 at their gums."""
    result, teeth = np.zeros(len(head.neutral)), head.in_regions("teeth")
    height = head.neutral[:, 1].astype(np.float64)
    lower = teeth & (head.skin_weights[:, 2] > 0.5)
    for part, way in ((teeth & ~lower, 1.0), (lower, -1.0)):
        if part.any():
            along = way * height[part]
            result[part] = np.clip((along - along.min()) / np.ptp(along) / 0.3, 0.0, 1.0)
    return result
