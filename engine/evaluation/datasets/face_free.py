"""Pictures without a face, on which nothing may be tracked.

Built from the data folder by a seed, so that the same pictures are judged every time: views into
environment maps, hair, eye and tooth textures, portraits whose face is painted over or scrambled,
what lies beside the face, its negative, and drawn noise, cloth and shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.evaluation.datasets import drawn, portraits
from engine.types import Array

Image = NDArray[np.uint8]
SIZE_PX = (640, 480)  # width, height
_SHARES = {
    "environment": 60,
    "panorama": 20,
    "texture": 30,
    "erased": 30,
    "scrambled": 30,
    "beside": 20,
    "negative": 10,
    "noise": 12,
    "cloth": 12,
    "shapes": 16,
}
COUNT = sum(_SHARES.values())


@dataclass(frozen=True, slots=True, eq=False)
class FaceFree:
    """One picture; its name says how it was made."""

    name: str
    image: Image  # (480, 640, 3) RGB


def build(folder: Path, count: int = COUNT, seed: int = 7) -> Iterator[FaceFree]:
    """Yield `count` pictures without a face, all kinds in their shares.

    folder  the data folder
    Raises AssetError if the folder lacks the environment maps, textures or portraits.
    """
    environments = _listed(folder / "hdri", "*.hdr")
    textures = [
        path
        for kind in ("hair", "eyes", "teeth", "tongue", "eyebrows")
        for path in _listed(folder / "makehuman" / kind, "*.png")
    ]
    people = list(portraits.read(folder, "validation", limit=_SHARES["erased"]))
    kinds = [kind for kind, share in _SHARES.items() for _ in range(share)]
    np.random.default_rng(seed).shuffle(kinds)
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        kind = kinds[index % len(kinds)]
        maker = _Maker(environments, textures, people[index % len(people)], rng)
        yield FaceFree(f"{index:03d}_{kind}", np.ascontiguousarray(maker.make(kind)))


@dataclass(frozen=True, slots=True, eq=False)
class _Maker:
    environments: list[Path]
    textures: list[Path]
    person: portraits.Portrait
    rng: np.random.Generator

    def make(self, kind: str) -> Image:
        making: dict[str, Callable[[], Image]] = {
            "environment": lambda: _view(_tonemapped(self.environments, self.rng), self.rng),
            "panorama": lambda: _fitted(_tonemapped(self.environments, self.rng)),
            "texture": lambda: _texture(self.textures, self.rng),
            "erased": lambda: _erased(self.person, _tonemapped(self.environments, self.rng)),
            "scrambled": lambda: _scrambled(self.person, self.rng),
            "beside": lambda: _beside(self.person, self.rng),
            "negative": lambda: np.asarray(255 - _beside(self.person, self.rng), np.uint8),
            "noise": lambda: drawn.noise(SIZE_PX, self.rng),
            "cloth": lambda: drawn.cloth(SIZE_PX, self.rng),
            "shapes": lambda: drawn.shapes(SIZE_PX, self.rng),
        }
        return making[kind]()


def _listed(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        raise AssetError(f"{folder}: no {pattern}; set FLOWFACE_DATA to the data folder")
    return found


def _read(path: Path) -> NDArray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise AssetError(f"{path}: not a readable picture")
    return image


def _fitted(image: Image) -> Image:
    """Fill the frame with the middle of the picture."""
    width, height = SIZE_PX
    scale = max(width / image.shape[1], height / image.shape[0])
    large = cv2.resize(image, None, fx=scale + 1e-3, fy=scale + 1e-3)
    y, x = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.asarray(large[y : y + height, x : x + width], np.uint8)


def _tonemapped(paths: list[Path], rng: np.random.Generator) -> Image:
    path = paths[int(rng.integers(len(paths)))]
    linear = np.maximum(_read(path)[..., ::-1], 0.0)
    exposed = linear * (0.25 / (np.median(linear) + 1e-4)) * rng.uniform(0.5, 2.0)
    return np.asarray(255 * (exposed / (1 + exposed)) ** (1 / 2.2), np.uint8)


def _view(panorama: Image, rng: np.random.Generator) -> Image:
    """Look into an equirectangular picture with an ordinary lens."""
    width, height = SIZE_PX
    half = np.tan(rng.uniform(0.4, 0.8))
    x, y = np.meshgrid(np.linspace(-half, half, width), np.linspace(-half, half, height) * 0.75)
    yaw = rng.uniform(-np.pi, np.pi) + np.arctan2(x, 1.0)
    pitch = rng.uniform(-0.4, 0.4) + np.arctan2(y, np.hypot(x, 1.0))
    map_x = (yaw / (2 * np.pi) % 1.0) * panorama.shape[1]
    map_y = (pitch / np.pi + 0.5) * panorama.shape[0]
    seen = cv2.remap(
        panorama,
        map_x.astype(np.float32),
        map_y.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_WRAP,
    )
    return drawn.grained(np.asarray(seen, np.uint8), rng)


def _texture(paths: list[Path], rng: np.random.Generator) -> Image:
    """Show a texture, tiled at a random size, over its own mean colour where it is transparent."""
    read = _read(paths[int(rng.integers(len(paths)))])
    if read.dtype == np.uint16:
        read = (read >> 8).astype(np.uint8)
    colour = read[..., 2::-1].astype(np.float32) if read.ndim == 3 else np.dstack([read] * 3)
    alpha = read[..., 3:].astype(np.float32) / 255 if read.shape[-1] == 4 else np.float32(1.0)
    background = rng.uniform(0, 255, 3)
    side = int(rng.integers(160, 640))
    shown = cv2.resize(
        np.asarray(colour * alpha + background * (1 - alpha), np.uint8), (side, side)
    )
    tiles = np.tile(shown, (-(-SIZE_PX[1] // side), -(-SIZE_PX[0] // side), 1))
    return np.asarray(tiles[: SIZE_PX[1], : SIZE_PX[0]], np.uint8)


def _erased(person: portraits.Portrait, filling: Image) -> Image:
    """Paint over the whole face, well beyond its outline; hair, ears and shoulders stay."""
    x0, y0, x1, y1 = portraits.landmark_box(person.landmarks_px)
    mask = np.zeros(person.image.shape[:2], np.float32)
    middle = (round((x0 + x1) / 2), round((y0 + y1) / 2))
    cv2.ellipse(mask, middle, (round(0.62 * (x1 - x0)), round(0.62 * (y1 - y0))), 0, 0, 360, 1, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 2.0)[..., None]
    painted = cv2.resize(filling, person.image.shape[1::-1])
    return _fitted(np.asarray(painted * mask + person.image * (1 - mask), np.uint8))


def _scrambled(person: portraits.Portrait, rng: np.random.Generator) -> Image:
    """Shuffle and turn the blocks of a portrait, too small to hold a feature pair."""
    blocks = 8
    side = 256 // blocks
    image = cv2.resize(person.image, (256, 256))
    cells = image.reshape(blocks, side, blocks, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    turned = [np.rot90(cells[i], int(rng.integers(4))) for i in rng.permutation(len(cells))]
    grid = np.stack(turned).reshape(blocks, blocks, side, side, 3).swapaxes(1, 2)
    return _fitted(np.asarray(grid.reshape(256, 256, 3), np.uint8))


def _beside(person: portraits.Portrait, rng: np.random.Generator) -> Image:
    """Enlarge a strip from outside the face: background, hair, a shoulder."""
    x0, y0, x1, y1 = _rounded(portraits.landmark_box(person.landmarks_px))
    strips = [person.image[:, :x0], person.image[:, x1:], person.image[:y0], person.image[y1:]]
    wide = [strip for strip in strips if min(strip.shape[:2]) >= 8]
    return _fitted(wide[int(rng.integers(len(wide)))])


def _rounded(box: Array) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (max(0, round(float(value))) for value in box)
    return x0, y0, x1, y1
