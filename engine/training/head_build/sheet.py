"""Draws contact sheets of an asset: every shape, random people, the UV layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import moderngl
import numpy as np

from engine.training.head_build.posing import pose
from engine.training.head_build.source import Array

Asset = Mapping[str, np.ndarray]
Image = np.ndarray  # (H, W, 3) uint8 RGB

DISTANCE = 0.9  # metres
HEAD_FOCAL, FACE_FOCAL = 6.0, 9.5  # in units of half the picture's side
COLOURS = {
    "eyes": (0.80, 0.62, 0.54),
    "mouth": (0.80, 0.60, 0.53),
    "inner_mouth": (0.45, 0.15, 0.15),
    "eye_sockets": (0.5, 0.25, 0.22),
    "teeth": (0.93, 0.92, 0.86),
    "tongue": (0.85, 0.40, 0.42),
    "eyeball_left": (0.95, 0.94, 0.93),
    "eyeball_right": (0.95, 0.94, 0.93),
}
SKIN = (0.82, 0.65, 0.56)

VERTEX_SHADER = """#version 330
uniform float focal; uniform float away;
in vec3 position; in vec3 normal; in vec3 colour; in vec3 ball;
out vec3 n; out vec3 c; out vec3 b;
void main() {
    float z = position.z + away;
    gl_Position = vec4(focal * position.x, -focal * position.y, (z - 0.7) / 0.6 * z, z);
    n = normal; c = colour; b = ball;
}"""
FRAGMENT_SHADER = """#version 330
in vec3 n; in vec3 c; in vec3 b; out vec4 pixel;
void main() {
    vec3 unit = normalize(n), base = c;
    float radius = length(b.xy);
    if (b.z < -0.5 && radius < 0.39) base = radius < 0.17 ? vec3(0.03) : vec3(0.30, 0.42, 0.50);
    float key = max(dot(unit, normalize(vec3(-0.5, -0.6, -0.8))), 0.0);
    float fill = max(dot(unit, normalize(vec3(0.8, 0.1, -0.6))), 0.0);
    float edge = gl_FrontFacing ? 1.0 : 0.5;
    pixel = vec4(pow(base * edge * (0.16 + 0.75 * key + 0.28 * fill), vec3(0.9)), 1.0);
}"""


def vertex_normals(points: Array, triangles: np.ndarray) -> Array:
    """Return unit normals (V, 3), averages of the adjacent triangles' weighted by their area."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    normal = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normal, triangles[:, corner], np.cross(b - a, c - a))
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15)


@dataclass(frozen=True, eq=False)
class Camera:
    """A small software renderer for one asset; `side` is the picture's side in pixels."""

    asset: Asset
    context: moderngl.Context
    program: moderngl.Program
    side: int

    @classmethod
    def open(cls, asset: Asset, side: int) -> Camera:
        """Create an off-screen OpenGL context and compile the shaders."""
        context = moderngl.create_standalone_context(backend="egl")  # pyright: ignore[reportArgumentType]
        program = context.program(vertex_shader=VERTEX_SHADER, fragment_shader=FRAGMENT_SHADER)
        program["away"].value = DISTANCE  # pyright: ignore[reportAttributeAccessIssue]
        return cls(asset, context, program, side)

    def picture(self, points: Array, yaw_rad: float = 0.0, focal: float = HEAD_FOCAL) -> Image:
        """Draw vertices (V, 3), metres, turned about the vertical axis."""
        self.program["focal"].value = focal  # pyright: ignore[reportAttributeAccessIssue]
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        pivot = np.array([0.0, 0.03, 0.05])
        placed = (points - pivot) @ turn.T + np.array([0.0, 0.0, 0.05])
        names = self.asset["region_names"][self.asset["region"]]
        colour = np.array([COLOURS.get(str(name), SKIN) for name in names])
        triangles = self.asset["triangles"]
        lashes = np.flatnonzero(names == "lashes")
        drawn = triangles[~np.isin(triangles, lashes).any(axis=1)]
        data = np.hstack([placed, vertex_normals(placed, triangles), colour, self._balls()])
        context = self.context
        context.enable(moderngl.DEPTH_TEST)
        target = context.simple_framebuffer((2 * self.side, 2 * self.side), components=3)
        target.use()
        target.clear(0.13, 0.14, 0.16)
        mesh = context.vertex_array(
            self.program,
            [(context.buffer(data.astype("f4").tobytes()), "3f 3f 3f 3f",
              "position", "normal", "colour", "ball")],
            context.buffer(drawn.astype("i4").tobytes()),
        )  # fmt: skip
        mesh.render()
        raw = np.frombuffer(target.read(components=3, alignment=1), dtype=np.uint8)
        large = raw.reshape(2 * self.side, 2 * self.side, 3)[::-1]
        mesh.release()
        target.release()
        return cv2.resize(large, (self.side, self.side), interpolation=cv2.INTER_AREA)

    def _balls(self) -> Array:
        """Return positions on the unit eyeball (V, 3), zero off the eyeballs."""
        local = np.zeros(self.asset["neutral"].shape)
        for joint, name in ((2, "eyeball_left"), (3, "eyeball_right")):
            ball = self.asset["region_names"][self.asset["region"]] == name
            offset = self.asset["neutral"][ball] - self.asset["joint_neutral"][joint]
            local[ball] = offset / np.linalg.norm(offset, axis=1, keepdims=True)
        return local


def _labelled(image: Image, text: str) -> Image:
    place = (6, image.shape[0] - 8)
    return cv2.putText(
        image.copy(), text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA
    )


def grid(pictures: Sequence[Image], columns: int) -> Image:
    """Put pictures of one size side by side, row by row."""
    blank = np.zeros_like(pictures[0])
    padded = [*pictures, *[blank] * (-len(pictures) % columns)]
    rows = [np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)]
    return np.vstack(rows)


def shapes_sheet(asset: Asset, side: int = 200) -> Image:
    """Draw the neutral head and the 52 shapes; mouthClose with the jaw open, as it is used."""
    camera = Camera.open(asset, side)
    pictures = [_labelled(camera.picture(pose(asset), focal=FACE_FOCAL), "neutral")]
    for name in asset["expression_names"]:
        weights = {str(name): 1.0}
        if name == "mouthClose":
            weights["jawOpen"] = 1.0
        picture = camera.picture(pose(asset, weights), focal=FACE_FOCAL)
        pictures.append(_labelled(picture, str(name)))
    return grid(pictures, 9)


def identities_sheet(asset: Asset, count: int = 12, seed: int = 3, side: int = 260) -> Image:
    """Draw random people from the front and turned by 0.6 rad."""
    camera, rng = Camera.open(asset, side), np.random.default_rng(seed)
    pictures: list[Image] = []
    for _ in range(count):
        points = pose(asset, identity=rng.normal(size=len(asset["identity_basis"])))
        pictures += [camera.picture(points), camera.picture(points, 0.6)]
    return grid(pictures, 6)


def uv_sheet(asset: Asset, side: int = 1280) -> Image:
    """Draw the UV layout's edges over the texels of a 32 x 32 map."""
    image = np.full((side, side, 3), 255, dtype=np.uint8)
    for line in range(0, side, side // 32):
        cv2.line(image, (line, 0), (line, side), (225, 225, 225))
        cv2.line(image, (0, line), (side, line), (225, 225, 225))
    at = (asset["uv"] * side * 16).astype(np.int32)
    palette = np.random.default_rng(5).integers(0, 170, (len(asset["region_names"]), 3))
    palette[0] = 0
    names = asset["region_names"][asset["region"]]
    for triangle in asset["triangles"]:
        if (names[triangle] == "lashes").any() or np.ptp(asset["uv"][triangle], axis=0).max() > 0.3:
            continue
        colour = palette[asset["region"][triangle].max()].tolist()
        cv2.polylines(image, [at[triangle].reshape(-1, 1, 2)], True, colour, 1, cv2.LINE_AA, 4)
    return image


def write(path: Path, image: Image) -> None:
    """Write a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(image[:, :, ::-1]))
