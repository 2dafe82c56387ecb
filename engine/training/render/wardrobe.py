"""MakeHuman parts on the device: read once, fitted to every head, with their textures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.fit.heads.open_head import OpenHead
from engine.training.render.assets import Proxy, ProxyReader
from engine.training.render.device import Mesh, StaticVertices, TextureShelf
from engine.training.render.head_mesh import HeadMesh
from engine.training.render.shape import NormalMap, skinned
from engine.types import Array

FOLDERS = {"skin": "skins", "iris": "eyes", "hair": "hair", "brows": "eyebrows",
           "lashes": "eyelashes", "teeth": "teeth", "tongue": "tongue"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Part:
    """A fitted mesh on the device. N proxy vertices, M drawn ones."""

    proxy: Proxy
    mesh: Mesh
    vertex_of: NDArray[np.int64]
    normals: NormalMap
    weights: Array  # (N, 5) skinning weights, blended from the head's
    lift_m: float  # moved out along its normals, so that it is not buried in the skin

    def write(self, unposed: Array, transforms: Array | None) -> None:
        """Fit to unposed head vertices (V, 3) and skin; None leaves it rigid with the skull."""
        vertices = self.proxy.vertices(unposed)
        if transforms is not None:
            vertices = skinned(vertices, self.weights, transforms)
        normals = self.normals(vertices)
        vertices = vertices + self.lift_m * normals
        self.mesh.write(vertices[self.vertex_of], normals[self.vertex_of])


class Wardrobe:
    """All parts and textures of one head; an absent data folder leaves it empty."""

    def __init__(
        self,
        context: moderngl.Context,
        head: OpenHead,
        folder: Path | None,
    ) -> None:
        self._context, self._head = context, head
        self._folder = folder if folder is not None and folder.is_dir() else None
        self._reader = ProxyReader(head, self._folder) if self._folder else None
        self._parts: dict[str, Part] = {}
        self._face = np.unique(
            head.texture_triangles[head.in_regions("face", "nose")[head.triangles].all(axis=1)]
        )
        self.textures = TextureShelf(context)

    def names(self, kind: str) -> tuple[str, ...]:
        """List what there is to choose from, by file stem; kind is a key of FOLDERS."""
        if self._folder is None:
            return ()
        pattern = {"skin": "*.jpg", "iris": "*.png"}.get(kind, "*.mhclo")
        return tuple(sorted(p.stem for p in (self._folder / FOLDERS[kind]).glob(pattern)))

    def part(self, kind: str, name: str) -> Part:
        """Return the fitted part; raises AssetError if the data folder lacks it."""
        key = f"{FOLDERS[kind]}/{name}"
        if key not in self._parts:
            if self._reader is None:
                raise AssetError(f"{key}: needs the MakeHuman assets; set FLOWFACE_DATA")
            self._parts[key] = self._make(self._reader.read(key), kind)
        return self._parts[key]

    def texture(self, kind: str, name: str | None) -> tuple[moderngl.Texture, Array]:
        """Return the texture of a part and its mean linear colour (3,); skins' over the head."""
        at = self._head.texture_uv[self._face] if kind == "skin" else None
        return self.textures.get(f"{kind}/{name}", lambda: self._pixels(kind, name), at)

    def redness(self, layout: HeadMesh, vertex_count: int) -> Array | None:
        """Return (V,) how red the skins are at every head vertex; None without skins."""
        names = self.names("skin")[::4]
        total, count = np.zeros(vertex_count), np.zeros(vertex_count)
        np.add.at(count, layout.vertex_of, len(names))
        for name in names:
            pixels = cv2.GaussianBlur(self._pixels("skin", name).astype(np.float32), (0, 0), 2.0)
            size = np.array(pixels.shape[1::-1])
            column, row = np.clip(layout.uv * size, 0, size - 1).astype(int).T
            red, green, blue = pixels[row, column].T
            np.add.at(total, layout.vertex_of, (red - 0.5 * (green + blue)) / (red + green + blue))
        return total / np.maximum(count, 1) if names else None

    def _make(self, proxy: Proxy, kind: str) -> Part:
        mesh = proxy.mesh
        pairs = np.stack([mesh.triangles.ravel(), mesh.texture_triangles.ravel()], axis=1)
        unique, corner = np.unique(pairs, axis=0, return_inverse=True)
        static = StaticVertices.plain(mesh.texture_uv[unique[:, 1]])
        return Part(
            proxy=proxy,
            mesh=Mesh(self._context, corner.reshape(-1, 3).astype(np.int32), static),
            vertex_of=unique[:, 0].astype(np.int64),
            normals=NormalMap(mesh.triangles, len(mesh.vertices)),
            weights=proxy.tie @ self._head.skin_weights,
            lift_m={"brows": 0.0008, "hair": 0.001}.get(kind, 0.0),
        )

    def _pixels(self, kind: str, name: str | None) -> NDArray:
        if name is None or self._folder is None:
            return _plain_iris() if kind == "iris" else np.full((4, 4, 3), 200, np.uint8)
        folder = self._folder / FOLDERS[kind]
        for file in (f"{name}.jpg", f"{name}.png", f"{name}_diffuse.png"):
            if (folder / file).is_file():
                return _read_picture(folder / file)
        return _strands(name) if kind == "hair" else np.full((4, 4, 3), 200, np.uint8)


def _read_picture(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim != 3:
        raise AssetError(f"{path}: not a colour picture")
    if pixels.shape[2] == 3:
        return pixels[:, :, ::-1].astype(np.uint8)
    pixels = pixels[:, :, [2, 1, 0, 3]].astype(np.uint8)
    solid = pixels[:, :, 3] > 128
    if solid.any():  # colour must not bleed in from transparent texels
        pixels[pixels[:, :, 3] < 16, :3] = pixels[solid][:, :3].mean(axis=0)
    return pixels


def _plain_iris() -> NDArray[np.uint8]:
    """Paint an eye where the MakeHuman eye textures have theirs."""
    pixels = np.full((512, 512, 3), 225, np.uint8)
    centre = (150, 359)
    cv2.circle(pixels, centre, 57, (90, 60, 35), -1)
    cv2.circle(pixels, centre, 20, (10, 8, 8), -1)
    return pixels


def _strands(name: str) -> NDArray[np.uint8]:
    """Paint hair for styles that come without a texture: curls for afros, else streaks along v."""
    rng = np.random.default_rng(5)
    curly = name.startswith("afro")
    stretch = (2.0, 2.0) if curly else (1.0, 24.0)
    noise = rng.normal(0.0, 1.0, (256, 256, 2))
    soft = cv2.GaussianBlur(noise, (0, 0), sigmaX=stretch[0], sigmaY=stretch[1])
    soft /= soft.std()
    grey = np.clip(130 + 26 * soft[:, :, 0], 20, 250).astype(np.uint8)
    hole = np.clip(128 + 160 * (soft[:, :, 1] + 0.4), 0, 255) if curly else np.full((256, 256), 255)
    return np.dstack([grey, grey, grey, hole.astype(np.uint8)])
