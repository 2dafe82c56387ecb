"""How a network errs: neighbouring vertices together, and alike from one frame to the next.

The error of vertex i, in units of its stated sigma, is `modes[i] @ a + e_i`: amplitudes a ~ N(0, I)
of K patterns that the whole face shares, in x and in y of the image alike, and an own error of
variance `own[i]`. What the patterns leave over is still alike among close neighbours, by
exp(-distance / reach_uv). All this is measured for each network (engine/evaluation/noise.py) and
lies beside its weights; it says how sure a fit is (deviations.py).
Source: factor analysis, Rubin and Thayer 1982.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import AssetError
from engine.types import Array


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """The errors of one network, at the V vertices of its head model."""

    modes: Array  # (V, K) float32, units of sigma
    own: Array  # (V,) float32, units of sigma^2, above 0
    reach_uv: float  # distance on the UV map over which own errors are alike
    persistence: Array  # (K,) correlation of an amplitude with itself 1/30 s before, 0 .. 1
    scale: Array  # (8,) by deviations.GROUPS: what makes the fit's deviations honest in the median


def read_noise(path: Path, vertices: int) -> NoiseModel:
    """Read a noise model. Raises AssetError if it is damaged or belongs to another head."""
    try:
        with np.load(path, allow_pickle=False) as file:
            modes, own = file["modes"].astype(np.float32), file["own"].astype(np.float32)
            persistence = file["persistence"].astype(np.float64)
            reach, scale = float(file["reach_uv"]), file["scale"].astype(np.float64)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise AssetError(f"{path}: not a noise model ({error})") from error
    shapes = (modes.shape[:1], own.shape, modes.shape[1:])
    if shapes != ((vertices,), (vertices,), persistence.shape):
        raise AssetError(f"{path}: made for {len(own)} vertices, the head has {vertices}")
    honest = (own > 0).all() and (abs(persistence) < 1).all() and reach > 0 and (scale > 0).all()
    if not (honest and np.isfinite(modes).all()):
        raise AssetError(f"{path}: holds values that are no variances")
    return NoiseModel(modes, own, reach, persistence, scale)


def write_noise(path: Path, noise: NoiseModel) -> None:
    """Write a noise model."""
    np.savez_compressed(
        path,
        modes=noise.modes.astype(np.float16),
        own=noise.own.astype(np.float16),
        reach_uv=np.float32(noise.reach_uv),
        persistence=noise.persistence.astype(np.float32),
        scale=noise.scale.astype(np.float32),
    )
