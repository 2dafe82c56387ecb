"""One picture as a webcam would take it fifty times: moved by less than a pixel, noisy, compressed.

How far a tracker's answer scatters over such copies, once the known shift is taken off, is its
jitter at the source: nothing else about the copies differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Array

_BORDER_PX = 16  # reflected around the picture, so that the shift has no edge to ring at


@dataclass(frozen=True, slots=True)
class ShakeSettings:
    """How the copies differ."""

    copies: int = 50
    largest_shift_px: float = 0.5  # in x and in y, uniform
    noise: float = 2.5  # standard deviation per pixel and channel, of 255
    jpeg_quality: int = 85


@dataclass(frozen=True, slots=True, eq=False)
class Shaken:
    """The copies of one picture."""

    jpeg: list[NDArray[np.uint8]]  # files
    shift_px: Array  # (N, 2) by which the content moved

    def image(self, index: int) -> NDArray[np.uint8]:
        """Decode one copy, (H, W, 3) RGB."""
        decoded = cv2.imdecode(self.jpeg[index], cv2.IMREAD_COLOR_RGB)
        return np.asarray(decoded, np.uint8)


def shaken(
    image: NDArray[np.uint8], rng: np.random.Generator, settings: ShakeSettings | None = None
) -> Shaken:
    """Return moved, noisy, compressed copies of a picture (H, W, 3) RGB."""
    given = settings or ShakeSettings()
    reach = given.largest_shift_px
    shifts = rng.uniform(-reach, reach, (given.copies, 2))
    files: list[NDArray[np.uint8]] = []
    for copy in noisy_copies(image, shifts, rng, given.noise):
        flags = [cv2.IMWRITE_JPEG_QUALITY, given.jpeg_quality]
        files.append(cv2.imencode(".jpg", copy[..., ::-1], flags)[1].ravel())
    return Shaken(files, shifts)


def noisy_copies(
    image: NDArray[np.uint8], shifts_px: Array, rng: np.random.Generator, noise: float
) -> Iterator[NDArray[np.uint8]]:
    """Yield a copy of a picture (H, W, 3) for every shift (N, 2), with fresh noise of 255."""
    spectrum = _spectrum(image) if np.any(shifts_px) else None
    for shift in shifts_px:
        moved = image if spectrum is None else _moved(spectrum, image.shape[:2], shift)
        noisy = moved + rng.normal(0.0, noise, image.shape)
        yield np.rint(noisy).clip(0, 255).astype(np.uint8)


def through_jpeg(images: Iterable[NDArray[np.uint8]], quality: int) -> NDArray[np.uint8]:
    """Return pictures (H, W, 3) RGB of one size as a webcam's JPEG leaves them, (T, H, W, 3)."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    files = [cv2.imencode(".jpg", image[..., ::-1], flags)[1] for image in images]
    return np.stack(
        [np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), np.uint8) for file in files]
    )


def moved_image(image: NDArray[np.uint8], shift_px: Array) -> Array:
    """Return a picture (H, W, 3) whose content has moved by shift_px (2,), not rounded.

    By the Fourier shift theorem, so that no shift blurs more than another: an interpolation kernel
    would add a blur that changes with the shift, which a network might react to.
    """
    return _moved(_spectrum(image), image.shape[:2], shift_px)


def _spectrum(image: NDArray[np.uint8]) -> NDArray[np.complex128]:
    border = ((_BORDER_PX, _BORDER_PX), (_BORDER_PX, _BORDER_PX), (0, 0))
    return np.fft.rfft2(np.pad(image.astype(np.float64), border, "reflect"), axes=(0, 1))


def _moved(spectrum: NDArray[np.complex128], size: tuple[int, ...], shift_px: Array) -> Array:
    height, width = size
    rows, columns = height + 2 * _BORDER_PX, width + 2 * _BORDER_PX
    turn = np.exp(-2j * np.pi * np.fft.fftfreq(rows) * shift_px[1])[:, None]
    turn = turn * np.exp(-2j * np.pi * np.fft.rfftfreq(columns) * shift_px[0])
    whole = np.fft.irfft2(spectrum * turn[..., None], (rows, columns), axes=(0, 1))
    return whole[_BORDER_PX : _BORDER_PX + height, _BORDER_PX : _BORDER_PX + width]


def scatter_px(points_px: Array, shift_px: Array) -> Array:
    """Return each point's standard deviation over the copies, the known shift taken off.

    points_px  (N, P, 2) of every copy
    shift_px   (N, 2)
    returns    (P,) root mean square over x and y, unbiased over the copies
    """
    steady = points_px - shift_px[:, None]
    return np.sqrt(steady.var(axis=0, ddof=1).mean(axis=-1))
