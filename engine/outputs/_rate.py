"""How often an output sends: every result, at most so often, or resampled to a fixed rate.

All is decided on the time of capture, so that neither a slow tracker nor a busy machine bends it,
and counted from the first frame, so that nothing drifts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine import clock
from engine.settings import setting
from engine.types import Array, Blendshapes, HeadState, TrackResult

LONGEST_GAP_NS = clock.NS_PER_S // 4  # what lies between results further apart is not known
LONGEST_DELAY_NS = clock.NS_PER_S // 5
EARLY = 0.25  # of a period: what a camera that trembles may be early


@dataclass(frozen=True)
class RateSettings:
    """How often is sent."""

    hz: float = setting(
        0.0, "Frames a second; 0 for every frame of the camera.", minimum=0.0, maximum=240.0
    )
    fixed: bool = setting(
        False,
        "Resample to exactly this rate, evenly spaced, about one camera frame later; "
        "otherwise it is only an upper limit.",
    )


class Rate:
    """Call it with every result; send what it yields. In a fixed rate it waits in between."""

    def __init__(self, settings: RateSettings) -> None:
        self._period_ns = 0.0 if settings.hz == 0 else clock.NS_PER_S / settings.hz
        self._resampler = Resampler(self._period_ns) if settings.fixed and settings.hz else None
        self._due_ns: float | None = None
        self._delay_ns = 0

    def __call__(self, result: TrackResult) -> Iterator[TrackResult]:
        """Yield what is to be sent now, in order."""
        if self._resampler is not None:
            for sample in self._resampler(result):
                self._wait_for(sample.captured_ns)
                yield sample
        elif self._passes(result.captured_ns):
            yield result

    def _passes(self, captured_ns: int) -> bool:
        if self._due_ns is None:
            self._due_ns = float(captured_ns)
        if captured_ns < self._due_ns - EARLY * self._period_ns:
            return False
        late = captured_ns > self._due_ns + self._period_ns
        self._due_ns = (captured_ns if late else self._due_ns) + self._period_ns
        return True

    def _wait_for(self, captured_ns: int) -> None:
        """Send every sample equally long after its moment: as long as the latest ones needed."""
        late_ns = clock.now_ns() - captured_ns
        if late_ns > LONGEST_DELAY_NS or late_ns < -LONGEST_DELAY_NS:
            return  # not a live source
        self._delay_ns = max(late_ns, self._delay_ns - self._delay_ns // 1000)
        clock.sleep_until(captured_ns + self._delay_ns)


class Resampler:
    """Turns results into samples at multiples of a period, each between two results.

    Causal: a sample is given when the result after it has come. Where either of the two has no face
    the sample has none, and across a gap of more than LONGEST_GAP_NS nothing is said.

    period_ns  of the samples
    """

    def __init__(self, period_ns: float) -> None:
        self._period_ns = period_ns
        self._first_ns = self._next = 0
        self._before: TrackResult | None = None

    def __call__(self, result: TrackResult) -> Iterator[TrackResult]:
        """Yield the samples after the result before and up to this one."""
        before, self._before = self._before, result
        if before is None:
            self._first_ns = result.captured_ns
        elif result.captured_ns - before.captured_ns > LONGEST_GAP_NS:
            passed = (result.captured_ns - self._first_ns) / self._period_ns
            self._next = max(self._next, int(np.ceil(passed)))
        while (at_ns := self._first_ns + round(self._next * self._period_ns)) <= result.captured_ns:
            self._next += 1
            yield _between(before or result, result, at_ns)


def _between(before: TrackResult, after: TrackResult, at_ns: int) -> TrackResult:
    """Return what held at a time between two results."""
    if at_ns == after.captured_ns:
        return after
    if before.head is None or after.head is None:
        lost = before if before.head is None else after
        return replace(lost, captured_ns=at_ns)
    span = after.captured_ns - before.captured_ns
    part = (at_ns - before.captured_ns) / span
    return replace(
        after,
        captured_ns=at_ns,
        head=_head_between(before.head, after.head, part),
        blendshapes=_shapes_between(before.blendshapes, after.blendshapes, part),
    )


def _head_between(before: HeadState, after: HeadState, part: float) -> HeadState:
    return replace(
        after,
        camera_from_head=_pose_between(before.camera_from_head, after.camera_from_head, part),
        **{
            name: _mix(getattr(before, name), getattr(after, name), part)
            for name in ("expression", "gaze", "neck", "points_px", "vertices")
        },
    )


def _pose_between(before: Array, after: Array, part: float) -> Array:
    # Takes long to load, and every output has a rate, but few have a fixed one.
    from scipy.spatial.transform import Rotation, Slerp

    pose = _mix(before, after, part)
    ends = Rotation.from_matrix(np.stack([before[:3, :3], after[:3, :3]]))
    pose[:3, :3] = Slerp([0.0, 1.0], ends)(part).as_matrix()
    return pose


def _shapes_between(
    before: Blendshapes | None, after: Blendshapes | None, part: float
) -> Blendshapes | None:
    if before is None or after is None:
        return None
    sides = after.sides
    if before.sides is not None and after.sides is not None:
        sides = _mix(before.sides, after.sides, part)
    return replace(after, weights=_mix(before.weights, after.weights, part), sides=sides)


def _mix(before: Array, after: Array, part: float) -> Array:
    return (before + (after - before) * part).astype(after.dtype)
