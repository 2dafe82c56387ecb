"""Damage by JPEG and by a video codec."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

_BLOCK = 8
_SAMPLING = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)


def jpeg(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Compress by JPEG of quality 12 to 90, mostly with colour at half the resolution."""
    quality, fine = int(rng.integers(12, 91)), int(rng.random() < 0.3)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING[fine]]
    data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)[1]
    restored = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(restored, cv2.COLOR_BGR2RGB), np.uint8)


def video(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Damage a picture as H.264 at a low bit rate does.

    A true encoder costs 9 ms a picture. This is its lossy part: the cosine transform of blocks,
    quantised alike at all frequencies with a dead zone, colour at half the resolution, then a
    filter that smooths small steps between blocks.
    """
    # A step doubles with every 6 of the quantisation parameter: 28 to 42 of 51 here.
    step = float(2 ** ((rng.uniform(28, 42) - 4) / 6))
    return quantised(picture, step, (int(rng.integers(_BLOCK)), int(rng.integers(_BLOCK))))


def quantised(
    picture: NDArray[np.uint8], step: float, corner: tuple[int, int] = (0, 0)
) -> NDArray[np.uint8]:
    """Quantise the transform of every block by a step, in levels; the grid begins at a corner."""
    side = picture.shape[0]
    top, left = corner
    whole = -(-(side + _BLOCK) // (2 * _BLOCK)) * 2 * _BLOCK  # colour has whole blocks as well
    edges = (top, whole - side - top, left, whole - side - left)
    padded = cv2.copyMakeBorder(picture, *edges, cv2.BORDER_REPLICATE)
    planes = np.asarray(cv2.cvtColor(padded, cv2.COLOR_RGB2YCrCb))
    luma = _requantised(planes[..., 0].astype(np.float32), step)
    merged = np.empty((whole, whole, 3), np.uint8)
    merged[..., 0] = luma
    half = cv2.resize(planes, (whole // 2, whole // 2), interpolation=cv2.INTER_AREA)
    for k in (1, 2):
        coarse = _requantised(np.asarray(half)[..., k].astype(np.float32), step)
        merged[..., k] = cv2.resize(coarse, (whole, whole), interpolation=cv2.INTER_LINEAR)
    damaged = np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2RGB), np.uint8)
    return np.ascontiguousarray(damaged[top : top + side, left : left + side])


def _requantised(plane: NDArray[np.float32], step: float) -> NDArray[np.uint8]:
    basis, rows = _cosines(), plane.shape[0]
    blocks = plane.reshape(rows // _BLOCK, _BLOCK, -1, _BLOCK).transpose(0, 2, 1, 3)
    levels = (basis @ (blocks - 128) @ basis.T) * np.float32(1 / step)
    # the dead zone of an intra block: a third of a step is rounded up, not a half
    size = np.floor(np.abs(levels) + np.float32(1 / 3)) * np.float32(step)
    kept = np.copysign(size, levels).astype(np.float32)
    blocks = (basis.T @ kept @ basis + np.float32(128)).astype(np.float32, copy=False)
    restored = blocks.transpose(0, 2, 1, 3).reshape(rows, rows)
    _deblock(restored, 0.5 * step)
    _deblock(restored.T, 0.5 * step)
    return restored.clip(0, 255).astype(np.uint8)


def _deblock(plane: NDArray[np.float32], limit: float) -> None:
    """Halve those steps between blocks that are small enough to come from quantisation."""
    before, after = plane[_BLOCK - 1 : -1 : _BLOCK], plane[_BLOCK::_BLOCK]
    gap = after - before
    change = np.where(np.abs(gap) < 2 * limit, gap / 4, 0).astype(np.float32)
    before += change
    after -= change


@cache
def _cosines() -> NDArray[np.float32]:
    """Return the orthonormal cosine transform (8, 8)."""
    k, x = np.arange(_BLOCK)[:, None], np.arange(_BLOCK)[None]
    basis = np.cos(np.pi * (2 * x + 1) * k / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)
