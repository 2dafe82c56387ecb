"""Whether a face looks like the one that was followed so far: shades of grey at fitted vertices.

Every vertex always is the same place of a face, so pose and expression need no undoing. Of the
logarithm of grey, what a linear function of the normals explains is light, and is taken off. It
tells two people in one picture apart; it is no proof of who somebody is.
Source: Belhumeur and Kriegman 1998, What is the set of images of an object under all possible
illumination conditions? (shading is linear in the normal).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.fit.settings import LikenessSettings
from engine.fit.trust import inside_image
from engine.types import Array

_DARK = 8.0  # grey levels that noise is worth: below, the logarithm would show little else
_READ_PX = 128  # a face's box is thinned out to about this before it is averaged
_LEAST_PX = 16
_MOST_DEVIATIONS = 3.0


class Looks(NamedTuple):
    """One look at a face, at N of its vertices."""

    shade: Array  # (N,) without light; mean 0, deviation 1 over what is seen
    weight: Array  # (N,) in [0, 1]: how well a vertex is seen


def looks_of(
    image: NDArray[np.uint8],
    points_px: Array,
    sigma_px: Array,
    normals: Array,
    camera_from_head: Array,
    settings: LikenessSettings,
) -> Looks | None:
    """Read a face off a picture; None where too little of it shows.

    A quarter that the network is much less sure of than of the rest is covered by something.

    image      (H, W, 3) RGB
    points_px  (N, 2) of the vertices, sigma_px (N,) how sure they are; inf where unknown
    normals    (N, 3) outward, unit, of the head at rest
    """
    inside = inside_image(points_px, (image.shape[1], image.shape[0]))
    facing = np.clip(-normals @ camera_from_head[2, :3], 0.0, 1.0)
    good = inside & np.isfinite(sigma_px)
    if facing @ good < settings.least_seen * facing.sum():
        return None
    usual, unsure = np.quantile(sigma_px[good], (0.5, 0.75))
    if unsure > settings.most_uneven * usual:
        return None
    weight = facing * good * (usual / np.maximum(sigma_px, usual)) ** 2
    if weight.sum() < settings.least_seen * facing.sum():
        return None
    shades = _log_grey(image, points_px, points_px[good], settings.side_px)
    if shades is None:
        return None
    # The fit is the same for normals of the head at rest and turned: it is linear in them.
    light = np.column_stack([np.ones(len(normals)), normals])
    weighted = light * weight[:, None]
    ridge = 1e-6 * weight.sum() * np.eye(4)
    shades = shades - light @ np.linalg.solve(weighted.T @ light + ridge, weighted.T @ shades)
    deviation = float(np.sqrt(np.average(shades**2, weights=weight)))
    if deviation < settings.least_contrast:
        return None
    return Looks(np.clip(shades / deviation, -_MOST_DEVIATIONS, _MOST_DEVIATIONS), weight)


def _log_grey(
    image: NDArray[np.uint8], points_px: Array, seen_px: Array, side_px: int
) -> Array | None:
    """Return the logarithm of grey (N,) at points, of their box at about `side_px` a side."""
    size_px = np.array([image.shape[1], image.shape[0]])
    columns = np.ascontiguousarray(seen_px.T)  # reductions along the rows' axis are slow
    low = np.floor(columns.min(axis=1)).astype(np.intp)
    high = np.minimum(np.ceil(columns.max(axis=1)).astype(np.intp) + 1, size_px)
    if (high - low).min() < _LEAST_PX:
        return None
    step = max(1, int((high - low).max()) // _READ_PX)
    box = np.ascontiguousarray(image[low[1] : high[1] : step, low[0] : high[0] : step])
    box = cv2.cvtColor(box, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, side_px / max(box.shape))
    small = cv2.resize(box, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = np.log(small.astype(np.float32) + _DARK)
    # OpenCV puts pixel centres at integers; a thinned pixel has the centre of its first one.
    at = ((points_px - low - 0.5) / step + 0.5) * scale - 0.5
    at = at.astype(np.float32)[:, None]
    read = cv2.remap(grey, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return np.asarray(read[:, 0], np.float64)


class Likeness:
    """Remembers how the followed person looks."""

    def __init__(self, settings: LikenessSettings) -> None:
        self._settings = settings
        self.forget()

    @property
    def known(self) -> bool:
        """Whether the person has been seen for long enough to tell others from them."""
        return self._frames >= self._settings.known_after

    def forget(self) -> None:
        """Begin with somebody else."""
        self._frames = 0
        self._sum, self._weight = np.zeros(1), np.zeros(1)

    def learn(self, looks: Looks) -> None:
        """Add a look at the person; what is older fades."""
        keep = 1.0 - 1.0 / min(self._frames + 1, self._settings.remembered)
        self._sum = keep * self._sum + (1.0 - keep) * looks.weight * looks.shade
        self._weight = keep * self._weight + (1.0 - keep) * looks.weight
        self._frames += 1

    def of(self, looks: Looks) -> float:
        """Return the correlation with the person, at most 1; there must have been a look."""
        return likeness(Looks(self._sum / np.maximum(self._weight, 1e-9), self._weight), looks)


def likeness(one: Looks, other: Looks) -> float:
    """Return the correlation of two looks, at most 1."""
    weight = one.weight * other.weight
    both = float(weight @ (one.shade * other.shade))
    norm = float(weight @ one.shade**2) * float(weight @ other.shade**2)
    return both / max(float(np.sqrt(norm)), 1e-12)
