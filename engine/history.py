"""The last minute of results as numbers: shapes, pose and gaze of every frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.clock import NS_PER_S
from engine.types import BLENDSHAPE_NAMES, Array, TrackResult
from engine.user_data import replace_text

SECONDS = 60
_ROWS = SECONDS * 60  # a minute at 60 frames a second
_SHAPES = len(BLENDSHAPE_NAMES)
_POSE, _GAZE = 12, 4  # as kept: rotation and place; as read: six numbers
MEASURED = " (measured)"
POSE_NAMES = ("headYaw", "headPitch", "headRoll", "headX", "headY", "headZ")
GAZE_NAMES = ("gazeYawLeft", "gazePitchLeft", "gazeYawRight", "gazePitchRight")
CHANNELS: tuple[str, ...] = (
    *BLENDSHAPE_NAMES,
    *(name + MEASURED for name in BLENDSHAPE_NAMES),
    *POSE_NAMES,
    *GAZE_NAMES,
)


def unit(channel: str) -> str:
    """Return the unit of a channel: degrees, millimetres, or none for a shape."""
    if channel in ("headX", "headY", "headZ"):
        return "mm"
    return "°" if channel in POSE_NAMES + GAZE_NAMES else ""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some time of the history: one row a frame, NaN where no face was tracked."""

    frame_index: NDArray[np.int64]  # (T,)
    captured_ns: NDArray[np.int64]  # (T,)
    values: Array  # (T, C) in the order and units of CHANNELS

    def __getitem__(self, channel: str) -> Array:
        return self.values[:, CHANNELS.index(channel)]

    def seconds(self) -> Array:
        """Return (T,) the time of every frame before the last one, not above 0."""
        if len(self.captured_ns) == 0:
            return np.zeros(0)
        return (self.captured_ns - self.captured_ns[-1]) / NS_PER_S

    def save_csv(self, path: Path, channels: Sequence[str]) -> None:
        """Write some channels, a line a frame; empty where no face was tracked. Raises OSError."""
        text = io.StringIO()
        out = csv.writer(text, lineterminator="\n")
        out.writerow(["frame", "captured_ns", *(f"{c} [{unit(c)}]".replace(" []", "")
                                                for c in channels)])  # fmt: skip
        columns = [CHANNELS.index(channel) for channel in channels]
        chosen = self.values[:, columns].tolist()
        for index, at_ns, row in zip(
            self.frame_index.tolist(), self.captured_ns.tolist(), chosen, strict=True
        ):
            out.writerow([index, at_ns, *("" if v != v else repr(v) for v in row)])
        replace_text(path, text.getvalue())


class History:
    """A ring of the newest rows. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._rows = np.full((_ROWS, 2 * _SHAPES + _POSE + _GAZE), np.nan)
        self._stamps = np.zeros((_ROWS, 2), np.int64)  # frame index, captured_ns
        self._count = self._start = 0

    def add(self, result: TrackResult) -> None:
        """Append a result."""
        place = self._count % _ROWS
        if self._count and result.captured_ns < self._stamps[(self._count - 1) % _ROWS, 1]:
            self._start = self._count  # another source, with another time
        row, shapes, measured = self._rows[place], result.blendshapes, result.untuned
        head = result.head
        row.fill(np.nan)
        if shapes is not None and measured is not None:
            row[:_SHAPES] = shapes.weights
            row[_SHAPES : 2 * _SHAPES] = measured.weights
        if head is not None:
            row[-16:-4] = head.camera_from_head[:3].ravel()
            row[-4:] = head.gaze.ravel()
        self._stamps[place] = result.frame_index, result.captured_ns
        self._count += 1

    def stretch(self) -> Stretch:
        """Return a copy of the last SECONDS."""
        count = self._count
        first = max(self._start, count - _ROWS)
        places = np.arange(first, count) % _ROWS
        rows, stamps = self._rows[places], self._stamps[places]
        # What was overwritten meanwhile, or is older than it should be, is left out.
        begin = max(self._count - _ROWS + 1 - first, 0)
        if count > first:
            oldest_ns = stamps[-1, 1] - SECONDS * NS_PER_S
            begin = max(begin, int(np.searchsorted(stamps[:, 1], oldest_ns)))
        rows, stamps = rows[begin:], stamps[begin:]
        pose = rows[:, -16:-4].reshape(-1, 3, 4)
        angles = np.rad2deg(_angles(pose[:, :, :3]))
        place_mm = 1000 * pose[:, :, 3]
        values = np.column_stack(
            [rows[:, : 2 * _SHAPES], angles, place_mm, np.rad2deg(rows[:, -4:])]
        )
        return Stretch(stamps[:, 0], stamps[:, 1], values)


def _angles(rotation: Array) -> Array:
    """Return yaw (+ subject's left), pitch (+ down), roll (+ towards the subject's left shoulder).

    rotation  (T, 3, 3) camera_from_head = Ry(-yaw) Rx(pitch) Rz(roll)
    returns   (T, 3) rad
    """
    forward = -rotation[:, :, 2]
    yaw = np.arctan2(forward[:, 0], -forward[:, 2])
    pitch = np.arctan2(forward[:, 1], np.hypot(forward[:, 0], forward[:, 2]))
    roll = np.arctan2(rotation[:, 1, 0], rotation[:, 1, 1])
    return np.stack([yaw, pitch, roll], axis=1)
