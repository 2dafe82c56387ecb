"""Random light and what lies behind the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engine.geometry import rotation_from_vector
from engine.training.render.light import Environment, Lamp, read_hdri, sh_basis
from engine.types import Array


class Skies:
    """Environment maps of a folder, read once; a plain room where there is none."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.glob("*.hdr")) if folder.is_dir() else []
        self._maps: dict[str, Array] = {}

    def random(self, rng: np.random.Generator) -> Environment:
        """Return one of the maps, turned about the vertical."""
        turn = rotation_from_vector(np.array([0.0, rng.uniform(0, 2 * np.pi), 0.0]))
        tilt = rotation_from_vector(rng.normal(0.0, 0.1, 3))
        if not self._paths:
            return Environment("room", plain_room(), turn @ tilt)
        path = self._paths[rng.integers(len(self._paths))]
        return self.named(path.stem, turn @ tilt)

    def named(self, name: str, environment_from_camera: Array) -> Environment:
        """Return the map with this file stem."""
        if name not in self._maps:
            path = next((p for p in self._paths if p.stem == name), None)
            self._maps[name] = plain_room() if path is None else read_hdri(path)
        return Environment(name, self._maps[name], environment_from_camera)


def plain_room() -> Array:
    """Return a latitude-longitude map (256, 512, 3): bright ceiling, one window, dark floor."""
    rows = np.linspace(1.6, 0.4, 256, dtype=np.float32)[:, None, None]
    room = np.broadcast_to(rows, (256, 512, 3)).copy()
    room[60:120, 300:360] = 6.0
    return cv2.GaussianBlur(room, (0, 0), 4.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Lighting:
    """Lamps, the factor on the environment's light, and how well the camera balances colours."""

    lamps: tuple[Lamp, ...]
    sky: float
    balanced: float  # share of the light's colour that the camera takes out


def random_lighting(rng: np.random.Generator) -> Lighting:
    """Draw light: mostly a few lamps in the room, at times hard from one side or coloured."""
    kind = rng.random()
    sky = float(np.exp(rng.normal(-0.2, 0.5)))
    if kind < 0.14:  # hard light from one side
        strength = np.exp(rng.uniform(np.log(1.0), np.log(4.0)))
        lamps = (_lamp(rng, _aside(rng), strength * _warm(rng)), *_room_lamps(rng)[:1])
        return Lighting(lamps, sky * rng.uniform(0.1, 0.6), rng.uniform(0.7, 1.0))
    if kind < 0.24:  # coloured lamps, displays
        hues = [_coloured(rng) * np.exp(rng.uniform(np.log(0.5), np.log(2.5))) for _ in range(2)]
        ways = (_aside(rng) if rng.random() < 0.5 else _before(rng), _aside(rng))
        lamps = tuple(_lamp(rng, way, hue) for way, hue in zip(ways, hues, strict=True))
        return Lighting(
            lamps[: rng.integers(1, 3)], sky * rng.uniform(0.1, 0.8), rng.uniform(0, 0.6)
        )
    return Lighting(_room_lamps(rng), sky, rng.uniform(0.6, 1.0))


def _room_lamps(rng: np.random.Generator) -> tuple[Lamp, ...]:
    """Return none, one or two lamps, mostly from the camera's side and from above."""
    count = rng.choice(3, p=[0.35, 0.45, 0.2])
    strengths = np.exp(rng.uniform(np.log(0.25), np.log(2.5), count))
    return tuple(_lamp(rng, _before(rng), strength * _warm(rng)) for strength in strengths)


def _before(rng: np.random.Generator) -> Array:
    return rng.normal(0.0, 1.0, 3) * [1.0, 0.7, 0.6] + [0.0, -0.4, -0.8]


def _aside(rng: np.random.Generator) -> Array:
    side = rng.choice([-1.0, 1.0])
    return np.array([side, rng.uniform(-0.9, 0.3), rng.uniform(-0.6, 0.35)])


def _warm(rng: np.random.Generator) -> Array:
    warmth = rng.normal(0.0, 0.22)
    return np.array([np.exp(warmth), 1.0, np.exp(-warmth)])


def _coloured(rng: np.random.Generator) -> Array:
    """Return a saturated colour (3,) of brightness 1 at most."""
    hue = rng.uniform(0.0, 2 * np.pi)
    bright = 0.5 + 0.5 * np.cos(hue + np.array([0.0, 2.1, 4.2]))
    return bright + rng.uniform(0.05, 0.5) * (1.0 - bright)


def _lamp(rng: np.random.Generator, way: Array, colour: Array) -> Lamp:
    direction = way + rng.normal(0.0, 0.05, 3)
    return Lamp(direction / np.linalg.norm(direction), colour)


def frontal_light(environment: Environment, lamps: tuple[Lamp, ...], sky_gain: float) -> Array:
    """Return the mean light (3,), irradiance / pi, on a face turned to the camera."""
    normals = np.array([[0, 0, -1], [0.6, 0, -0.8], [-0.6, 0, -0.8], [0, -0.6, -0.8]], float)
    light = sky_gain * np.maximum(sh_basis(normals) @ environment.irradiance_sh, 0.0)
    for lamp in lamps:
        light = light + np.maximum(normals @ lamp.direction, 0.0)[:, None] * lamp.colour
    return np.maximum(light.mean(axis=0), 1e-3)


def random_background(
    rng: np.random.Generator,
    environment: Environment,
    sky_gain: Array,
    brightness: float,
    side_px: int,
) -> Array:
    """Return linear light (S, S, 3) behind the head.

    sky_gain (3,) on the environment; brightness is that of a white wall
    """
    kind = rng.random()
    if kind < 0.45:
        return environment_view(environment, rng.uniform(0.6, 1.4), side_px) * sky_gain
    if kind < 0.75:
        return _wall(rng, side_px) * brightness
    if kind < 0.92:
        return _clutter(rng, side_px) * brightness
    return np.broadcast_to(rng.uniform(0.0, 1.0, 3) * brightness, (side_px, side_px, 3)).astype(
        np.float32
    )


def environment_view(environment: Environment, half_width: float, side_px: int) -> Array:
    """Look into the environment; half_width is the tangent of half the field of view."""
    ray = np.linspace(-half_width, half_width, side_px)
    x, y = np.meshgrid(ray, ray)
    directions = np.stack([x, y, np.ones_like(x)], axis=-1)
    d = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    d = d @ environment.environment_from_camera.T
    height, width = environment.radiance.shape[:2]
    column = (np.arctan2(d[..., 0], d[..., 2]) / (2 * np.pi) + 0.5) * width - 0.5
    row = np.arccos(np.clip(-d[..., 1], -1, 1)) / np.pi * height - 0.5
    seen = cv2.remap(
        environment.radiance.astype(np.float32),
        column.astype(np.float32),
        row.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return seen.astype(np.float32)


def _wall(rng: np.random.Generator, side_px: int) -> Array:
    """A wall in uneven light, with flat things on it."""
    corner = rng.uniform(0.5, 1.2, (2, 2, 1)) * (0.15 + 0.65 * rng.random() + 0.12 * rng.random(3))
    wall = cv2.resize(corner.astype(np.float32), (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 6)):
        left, top = rng.uniform(-0.3, 1.0, 2) * side_px
        width, height = rng.uniform(0.1, 0.7, 2) * side_px
        ends = (int(left), int(top)), (int(left + width), int(top + height))
        cv2.rectangle(
            wall, *ends, tuple(map(float, rng.uniform(0.02, 0.9) * rng.uniform(0.5, 1.0, 3))), -1
        )
    return np.maximum(cv2.GaussianBlur(wall, (0, 0), rng.uniform(0.7, 9.0)), 0.0)


def _clutter(rng: np.random.Generator, side_px: int) -> Array:
    """Coloured noise at several scales."""
    total = np.full((side_px, side_px, 3), rng.uniform(0.1, 0.6), np.float32)
    colourful = rng.uniform(0.0, 0.35)
    for cells in (3, 7, 17, 41):
        noise = rng.normal(0.0, 1.0, (cells, cells, 1)) + colourful * rng.normal(
            0.0, 1.0, (cells, cells, 3)
        )
        total += cv2.resize(noise.astype(np.float32), (side_px, side_px)) * rng.uniform(0.02, 0.15)
    return np.clip(total, 0.01, 1.5)
