"""Light in camera space: environment maps, their spherical harmonics, and distant lamps.

Directions point from the surface to the light. Colours are linear RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from engine.errors import AssetError
from engine.types import Array


@dataclass(frozen=True, eq=False)
class Lamp:
    """A distant light: direction (3,) towards it, colour (3,) irradiance / pi when faced."""

    direction: Array
    colour: Array


@dataclass(frozen=True, eq=False)
class Environment:
    """A latitude-longitude map of radiance (H, W, 3), rows from up (-y) to down.

    name  of the map, under which the device keeps it
    environment_from_camera (3, 3) turns camera-space directions into the map's own axes
    """

    name: str
    radiance: Array
    environment_from_camera: Array

    @cached_property
    def irradiance_sh(self) -> Array:
        """Return nine coefficients (9, 3): irradiance / pi as a polynomial of the normal.

        Source: Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance
        Environment Maps, 2001 (cosine lobe A0 = pi, A1 = 2 pi / 3, A2 = pi / 4).
        """
        small = cv2.resize(self.radiance, (64, 32), interpolation=cv2.INTER_AREA)
        directions, solid_angle = sphere_directions(32, 64)
        camera = directions.reshape(-1, 3) @ self.environment_from_camera
        basis = sh_basis(camera)
        radiance_sh = (basis * solid_angle.reshape(-1, 1)).T @ small.reshape(-1, 3)
        lobe = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5)
        return radiance_sh * lobe[:, None] / np.pi


def sphere_directions(height: int, width: int) -> tuple[Array, Array]:
    """Return the directions (H, W, 3) of a latitude-longitude map's texels and their solid angles.

    The map's middle looks along +z; its left edge along -z; x to the right, y down.
    """
    polar = (np.arange(height) + 0.5) / height * np.pi
    azimuth = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    sine = np.sin(polar)[:, None]
    directions = np.stack(
        [sine * np.sin(azimuth), np.broadcast_to(-np.cos(polar)[:, None], (height, width)),
         sine * np.cos(azimuth)],
        axis=-1,
    )  # fmt: skip
    return directions, np.broadcast_to(sine * (2 * np.pi**2 / (height * width)), (height, width))


def sh_basis(directions: Array) -> Array:
    """Return the nine real spherical harmonics (N, 9) up to order 2 of unit directions (N, 3)."""
    x, y, z = directions.T
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=1,
    )


def read_hdri(path: Path) -> Array:
    """Read a Radiance map as float32 (256, 512, 3) linear RGB, scaled to a mean of 1.

    Raises AssetError if it cannot be read.
    """
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3:
        raise AssetError(f"{path}: not a Radiance .hdr picture")
    radiance = cv2.resize(image[:, :, ::-1].astype(np.float32), (512, 256))
    _, solid_angle = sphere_directions(256, 512)
    mean = float((radiance.mean(axis=2) * solid_angle).sum() / (4 * np.pi))
    return np.minimum(radiance / max(mean, 1e-6), 60.0)
