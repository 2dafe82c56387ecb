"""A take as an animation: at its true capture times, or resampled to an exact frame rate.

Between two frames with a face, weights are interpolated linearly and rotations on the shortest arc
(Shoemake 1985). Over a lost face nothing is interpolated: there the values are NaN, and `bridged`
fills them for formats that cannot say that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from engine import clock
from engine.errors import TakeError
from engine.recording.reader import Take
from engine.recording.timecode import (
    Timecode,
    at_time_of_day,
    converted,
    exact_rate,
    nearest,
    parse,
)
from engine.types import Array

LONGEST_STEP_S = 0.25  # between two frames that may be interpolated; more is a gap
_SAME_S = 1e-6  # times are rounded to nanoseconds, rates are not


@dataclass(frozen=True, eq=False)
class Series:
    """N frames."""

    rate: str  # of engine.recording.timecode.RATES
    start: Timecode  # of time 0
    seconds: Array  # (N,) since the take's first frame
    tracked: NDArray[np.bool_]  # (N,)
    weights: Array  # (N, 52)
    camera_from_head: Array  # (N, 4, 4)
    gaze: Array  # (N, 2, 2) rad
    neck: Array  # (N, 3) rad
    row: NDArray[np.int64]  # (N,) the take's nearest frame

    @property
    def exact_rate(self) -> Fraction:
        """Frames a second."""
        return exact_rate(self.rate)

    def __len__(self) -> int:
        return len(self.seconds)


def series(take: Take, rate: str | None) -> Series:
    """Return a take's animation.

    rate  None for a frame at every capture time; else one of RATES
    Raises TakeError if there is no such rate, or no frame with a face.
    """
    if not (take.status == "tracking").any():
        raise TakeError("the take has no frame with a face: there is nothing to export")
    captured_s = (take.captured_ns - take.captured_ns[0]) / clock.NS_PER_S
    own = _own(take, captured_s)
    if rate is None:
        return own
    step = 1 / exact_rate(rate)
    count = int(np.floor(captured_s[-1] / float(step))) + 1
    # Exact: not a sum of rounded steps.
    at_s = np.array([float(step * frame) for frame in range(count)])
    return _resampled(own, at_s, converted(own.start, rate), rate)


def bridged(given: Series) -> Series:
    """Return a series without NaN: over a lost face from its last pose to its next."""
    known = np.flatnonzero(given.tracked)
    inner = _resampled(only(given, known), given.seconds, given.start, given.rate, bridge=True)
    return replace(inner, tracked=given.tracked, row=given.row)


def _own(take: Take, captured_s: Array) -> Series:
    info, values = take.info, take.values
    rate = info.timecode.rate or nearest(info.frame_rate or 30.0)
    if info.timecode.start:
        start = parse(info.timecode.start, rate)
    else:
        wall_ns = int(take.captured_ns[0]) + info.wall_from_monotonic_ns
        start = at_time_of_day(wall_ns, rate)
    return Series(
        rate=rate,
        start=start,
        seconds=captured_s,
        tracked=take.status == "tracking",
        weights=values["blendshapes"].astype(np.float64),
        camera_from_head=values["camera_from_head"],
        gaze=values["gaze"].astype(np.float64),
        neck=values["neck"].astype(np.float64),
        row=np.arange(len(captured_s)),
    )


def only(given: Series, rows: NDArray[np.int64]) -> Series:
    """Return some frames of a series."""
    return replace(
        given,
        seconds=given.seconds[rows],
        tracked=given.tracked[rows],
        weights=given.weights[rows],
        camera_from_head=given.camera_from_head[rows],
        gaze=given.gaze[rows],
        neck=given.neck[rows],
        row=given.row[rows],
    )


def _resampled(
    given: Series, at_s: Array, start: Timecode, rate: str, *, bridge: bool = False
) -> Series:
    """Return the series at other times.

    bridge  True: every frame has a face, and steps of any length are interpolated
    """
    times = given.seconds
    after = np.clip(np.searchsorted(times, at_s), 1, max(len(times) - 1, 1))
    before = after - 1
    if len(times) == 1:
        after = before = np.zeros(len(at_s), int)
    span = np.where(times[after] > times[before], times[after] - times[before], 1.0)
    part = np.clip((at_s - times[before]) / span, 0.0, 1.0)
    part = np.where(part * span < _SAME_S, 0.0, np.where((1 - part) * span < _SAME_S, 1.0, part))
    near = np.where(part < 0.5, before, after)
    both = given.tracked[before] & given.tracked[after]
    close = (times[after] - times[before]) <= LONGEST_STEP_S
    exact = (part == 0.0) & given.tracked[before] | (part == 1.0) & given.tracked[after]
    tracked = (both & close) | exact | bridge

    def mixed(values: Array) -> Array:
        shape = (-1,) + (1,) * (values.ndim - 1)
        share = part.reshape(shape)
        # Where one side has no weight it may be NaN.
        first = np.where(share == 1.0, 0.0, values[before] * (1.0 - share))
        second = np.where(share == 0.0, 0.0, values[after] * share)
        return np.where(tracked.reshape(shape), first + second, np.nan)

    pose = mixed(given.camera_from_head)
    turned = _turned(given, before, after, part, tracked)
    pose[tracked, :3, :3] = turned
    return Series(
        rate=rate,
        start=start,
        seconds=at_s,
        tracked=tracked,
        weights=mixed(given.weights),
        camera_from_head=pose,
        gaze=mixed(given.gaze),
        neck=mixed(given.neck),
        row=given.row[near],
    )


def _turned(
    given: Series,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    part: Array,
    tracked: NDArray[np.bool_],
) -> Array:
    """Return the rotations (n, 3, 3) of the tracked frames."""
    rows = np.flatnonzero(given.tracked)
    if len(rows) == 1:
        return np.repeat(given.camera_from_head[rows, :3, :3], int(tracked.sum()), axis=0)
    place = np.cumsum(given.tracked) - 1  # of a row among those with a face
    rotations = Rotation.from_matrix(given.camera_from_head[rows, :3, :3])
    slerp = Slerp(np.arange(len(rows), dtype=np.float64), rotations)
    low = np.where(given.tracked[before], place[before], place[after])
    high = np.where(given.tracked[after], place[after], place[before])
    at = low + (high - low) * part
    return slerp(at[tracked]).as_matrix()
