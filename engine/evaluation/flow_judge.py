"""Motion error of tracks on real video, judged by dense optical flow; no true motion is needed.

At every grid pixel that all tracks cover and where the flow t -> t+h agrees with its reverse, the
motion of a track (barycentric over the Delaunay triangles of its points at t) is compared with the
flow. h = 1 is jitter, larger h is drift. "frozen" points never move: a track above them adds more
motion than there is. A tracker that uses one flow must be judged by another: `FlowJudge` with
`dis_flow` is quick, `tvl1_judge.py` is independent of DIS.

Source: method.md section 5 (SSME), with the real clip's flow in place of a rendered one; where the
truth is known, ssme.py measures it exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from engine.types import Array

Flow: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.uint8]], Array]

HORIZONS = (1, 3, 10)
FACE_PX = 256  # face height that errors are scaled to
LONGEST_SIDE_PX = 384  # frames are shrunk to this for the flow
_STEP_PX, _AGREE_PX, _LEAST_PIXELS = 4, 0.6, 50


def dis_flow() -> Flow:
    """Return a dense flow between two grey images (H, W): (H, W, 2) px, x and y."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return lambda first, second: np.asarray(
        dis.calc(first, second, None)  # pyright: ignore[reportCallIssue,reportArgumentType]
    )


def shrunk(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return an image (H, W, 3) in grey, at most LONGEST_SIDE_PX long, and the scale applied."""
    scale = min(1.0, LONGEST_SIDE_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8), scale


class Judge(Protocol):
    """Knows how the pictures of a clip move."""

    @property
    def grid(self) -> Array:
        """(N, 2) x, y of the pixels it speaks of."""
        ...

    def prepare(self, pairs: list[tuple[int, int]]) -> None:
        """Be told which pairs of frames will be asked for."""
        ...

    def motion(self, first: int, second: int) -> tuple[Array, NDArray[np.bool_]]:
        """Return the flow at the grid (N, 2) px and where it agrees with its reverse (N,)."""
        ...


class FlowJudge:
    """Judges grey pictures (H, W) by any dense flow."""

    def __init__(self, grey: list[NDArray[np.uint8]], flow: Flow) -> None:
        self._grey, self._flow = grey, flow
        self.grid: Array = grid_of(grey[0])

    def prepare(self, pairs: list[tuple[int, int]]) -> None:
        """Nothing needs to be known beforehand."""

    def motion(self, first: int, second: int) -> tuple[Array, NDArray[np.bool_]]:
        """Return the flow at the grid (N, 2) px and where it agrees with its reverse (N,)."""
        forward = self._flow(self._grey[first], self._grey[second])
        backward = self._flow(self._grey[second], self._grey[first])
        x, y = self.grid.astype(np.intp).T
        motion = forward[y, x]
        there = (self.grid + motion).astype(np.float32)[None]
        back = cv2.remap(
            backward,
            there[..., 0],
            there[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(1e3, 1e3, 0, 0),
        )[0]
        return motion, agrees(motion, back)


def agrees(motion: Array, back: Array) -> NDArray[np.bool_]:
    """Return where a flow and the reverse flow that follows it (N, 2) cancel, (N,)."""
    return np.hypot(*(motion + back).T) < _AGREE_PX * (1 + 0.1 * np.hypot(*motion.T))


def motion_error(
    tracks: dict[str, Array], judge: Judge, horizons: tuple[int, ...] = HORIZONS
) -> dict[str, dict[int, float]]:
    """Return the mean end-point error per track and horizon, px at a face FACE_PX high.

    tracks  name -> (T, P, 2) px of the judge's T pictures, the same points in all; NaN where lost.
            The last one's first known frame gives the face height and the points of "frozen".
    """
    reference = list(tracks.values())[-1]
    known = np.isfinite(reference).all(axis=(1, 2))
    if not known.any():
        return {name: dict.fromkeys(horizons, float("nan")) for name in (*tracks, "frozen")}
    first = reference[known][0]
    tracks = {**tracks, "frozen": np.repeat(first[None], len(reference), axis=0)}
    usable = np.all([np.isfinite(p).all(axis=(1, 2)) for p in tracks.values()], axis=0)
    pairs = _pairs(usable, horizons)
    judge.prepare(pairs)
    collected: dict[str, dict[int, list[float]]] = {n: {h: [] for h in horizons} for n in tracks}
    for t, group in groupby(pairs, key=lambda pair: pair[0]):
        places = {name: _Cells(points[t], judge.grid) for name, points in tracks.items()}
        for _, later in group:
            motion, good = judge.motion(t, later)
            moved = {n: places[n].interpolated(p[later] - p[t]) for n, p in tracks.items()}
            good = good & np.all([np.isfinite(m[:, 0]) for m in moved.values()], axis=0)
            if good.sum() >= _LEAST_PIXELS:
                for name, m in moved.items():
                    error_px = np.hypot(*(m[good] - motion[good]).T).mean()
                    collected[name][later - t].append(float(error_px))
    scale = float(FACE_PX / np.ptp(first[:, 1]))
    return {
        name: {h: float(np.mean(v)) * scale if v else float("nan") for h, v in row.items()}
        for name, row in collected.items()
    }


def _pairs(usable: NDArray[np.bool_], horizons: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return which frames are compared with which later ones: long horizons less often."""
    return [
        (t, t + h)
        for t in range(len(usable))
        for h in horizons
        if t + h < len(usable) and t % max(1, h // 2) == 0 and usable[t] and usable[t + h]
    ]


def grid_of(image: NDArray[np.uint8]) -> Array:
    """Return x, y of every fourth pixel of an image (H, W), (N, 2)."""
    y, x = np.mgrid[0 : image.shape[0] : _STEP_PX, 0 : image.shape[1] : _STEP_PX]
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64)


class _Cells:
    """The triangle and the barycentric weights of every grid point; NaN outside the points."""

    def __init__(self, points: Array, grid: Array) -> None:
        mesh = Delaunay(points)
        found = mesh.find_simplex(grid)
        affine = mesh.transform[found]
        two = np.einsum("nij,nj->ni", affine[:, :2], grid - affine[:, 2])
        self._weights = np.concatenate([two, 1 - two.sum(axis=1, keepdims=True)], axis=1)
        self._weights[found < 0] = np.nan
        self._corners = mesh.simplices[found]

    def interpolated(self, values: Array) -> Array:
        """Read values (N, 2) of the points off at the grid."""
        return np.einsum("nk,nkc->nc", self._weights, values[self._corners])
