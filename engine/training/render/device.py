"""The headless OpenGL device: context, shaders, meshes, textures, projection matrices.

Row 0 of every picture and texture is at NDC y = -1: nothing is flipped on the way in or out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.resources import SHADERS
from engine.types import Array

NEAR_M, FAR_M = 0.08, 4.0
DYNAMIC = "3f 3f"
STATIC = "2f 4f 4f 4f"


def create_context() -> moderngl.Context:
    """Open a context without a window (EGL); Mesa's software rasteriser serves where no GPU is."""
    return moderngl.create_standalone_context(backend="egl")  # pyright: ignore[reportArgumentType]


def load_program(
    context: moderngl.Context, vertex: str, fragment: str, **defines: int
) -> moderngl.Program:
    """Compile shaders/training/VERTEX.vert with FRAGMENT.frag, the latter with `defines`."""
    folder = SHADERS / "training"
    version, body = (folder / f"{fragment}.frag").read_text(encoding="utf-8").split("\n", 1)
    definitions = "".join(f"#define {name} {value}\n" for name, value in defines.items())
    return context.program(
        vertex_shader=(folder / f"{vertex}.vert").read_text(encoding="utf-8"),
        fragment_shader=f"{version}\n{definitions}{body}",
    )


def set_uniform(program: moderngl.Program, name: str, value: object) -> None:
    """Set a uniform, or nothing if the compiler found it unused. Matrices come row-major."""
    uniform = program.get(name, None)
    if not isinstance(uniform, moderngl.Uniform):
        return
    if isinstance(value, np.ndarray):
        matrix = value.ndim == 2 and value.shape[0] == value.shape[1]
        uniform.write(np.ascontiguousarray(value.T if matrix else value, dtype="f4").tobytes())
    else:
        uniform.value = value


def clip_from_camera(intrinsics: Array, side_px: int) -> Array:
    """Return the projection (4, 4) of a square image; depth from NEAR_M to FAR_M."""
    k = intrinsics
    span = FAR_M - NEAR_M
    return np.array(
        [
            [2 * k[0, 0] / side_px, 2 * k[0, 1] / side_px, 2 * k[0, 2] / side_px - 1, 0],
            [0, 2 * k[1, 1] / side_px, 2 * k[1, 2] / side_px - 1, 0],
            [0, 0, (FAR_M + NEAR_M) / span, -2 * FAR_M * NEAR_M / span],
            [0, 0, 1, 0],
        ]
    )


def metres_from_depth(depth: Array) -> Array:
    """Turn depth buffer values in [0, 1] into metres along the optical axis."""
    ndc = 2.0 * depth - 1.0
    return 2 * FAR_M * NEAR_M / (FAR_M + NEAR_M - ndc * (FAR_M - NEAR_M))


def orthographic(direction: Array, centre: Array, half_extent: float) -> Array:
    """Return the view (4, 4) from far along `direction` onto a box around `centre`, metres."""
    forward = -direction / np.linalg.norm(direction)
    helper = np.array([0.0, 1.0, 0.0]) if abs(forward[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, forward)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward]) / half_extent
    matrix[:3, 3] = -matrix[:3, :3] @ centre
    return matrix


@dataclass(frozen=True, eq=False)
class StaticVertices:
    """What does not move with a mesh: uv (N, 2), mask, shade and colour (N, 4) each."""

    uv: Array
    mask: Array
    shade: Array
    colour: Array

    @staticmethod
    def plain(uv: Array) -> StaticVertices:
        """Return unmasked, unshaded, white vertices with texture coordinates (N, 2)."""
        count = len(uv)
        return StaticVertices(
            uv, np.zeros((count, 4)), np.tile([1.0, 1.0, 0.0, 0.0], (count, 1)), np.ones((count, 4))
        )


class Mesh:
    """Buffers of one mesh; positions and normals are written anew for every picture."""

    def __init__(
        self,
        context: moderngl.Context,
        triangles: NDArray[np.int32],
        static: StaticVertices,
    ) -> None:
        table = np.hstack([static.uv, static.mask, static.shade, static.colour]).astype("f4")
        self._dynamic = context.buffer(reserve=max(len(table), 1) * 24, dynamic=True)
        self._static = context.buffer(table.tobytes())
        self._index = context.buffer(np.ascontiguousarray(triangles, dtype="i4").tobytes())
        self._context = context
        self._arrays: dict[moderngl.Program, moderngl.VertexArray] = {}

    def _array(self, program: moderngl.Program) -> moderngl.VertexArray:
        if program not in self._arrays:
            dynamic = ("in_position", "in_normal")
            static_names = ("in_uv", "in_mask", "in_shade", "in_colour")
            content = [
                (self._dynamic, *_used(program, DYNAMIC, dynamic)),
                (self._static, *_used(program, STATIC, static_names)),
            ]
            self._arrays[program] = self._context.vertex_array(
                program, [c for c in content if len(c) > 2], self._index
            )
        return self._arrays[program]

    def write(self, positions: Array, normals: Array) -> None:
        """Replace positions and normals, (N, 3) each, metres in head space."""
        self._dynamic.write(np.hstack([positions, normals]).astype("f4").tobytes())

    def draw(self, program: moderngl.Program) -> None:
        """Draw all triangles."""
        self._array(program).render()

    def release(self) -> None:
        """Free the buffers of a mesh that serves a single picture."""
        for array in self._arrays.values():
            array.release()
        for buffer in (self._dynamic, self._static, self._index):
            buffer.release()


def _used(program: moderngl.Program, layout: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the buffer format with unused attributes as padding, then the used names."""
    parts: list[str] = []
    used: list[str] = []
    for part, name in zip(layout.split(), names, strict=True):
        if name in program:
            parts.append(part)
            used.append(name)
        else:
            parts.append(f"{4 * int(part[0])}x")
    return (" ".join(parts), *used) if used else ()


class TextureShelf:
    """Keeps textures on the device by name; each is read once."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._textures: dict[str, tuple[moderngl.Texture, Array]] = {}

    def get(
        self, name: str, read: Callable[[], NDArray], at: Array | None = None
    ) -> tuple[moderngl.Texture, Array]:
        """Return a mipmapped texture and its mean linear colour (3,) where opaque.

        read  gives (H, W, 3 or 4) uint8 sRGB, or float16 linear; called on first use only
        at    (N, 2) texture coordinates over which to take the mean; everywhere if None
        """
        if name not in self._textures:
            pixels = read()
            self._textures[name] = (make_texture(self._context, pixels), _mean(pixels, at))
        return self._textures[name]


def make_texture(
    context: moderngl.Context, pixels: NDArray, mipmaps: bool = True
) -> moderngl.Texture:
    """Upload (H, W, C) uint8, float16 or float32, repeating at its borders."""
    height, width, channels = pixels.shape
    dtype = {1: "f1", 2: "f2", 4: "f4"}[pixels.dtype.itemsize]
    data = np.ascontiguousarray(pixels).tobytes()
    texture = context.texture((width, height), channels, data, dtype=dtype, alignment=1)
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    if mipmaps:
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
    return texture


def _mean(pixels: NDArray, at: Array | None) -> Array:
    if at is None:
        small = pixels[::8, ::8].reshape(-1, pixels.shape[2]).astype(float)
    else:
        size = np.array(pixels.shape[1::-1])
        column, row = np.clip(at * size, 0, size - 1).astype(int).T
        small = pixels[row, column].astype(float)
    if pixels.dtype == np.uint8:
        small = small / 255.0
        small[:, :3] **= 2.2
    opaque = small[small[:, 3] > 0.5] if pixels.shape[2] == 4 else small
    return (opaque if len(opaque) else small)[:, :3].mean(axis=0)
