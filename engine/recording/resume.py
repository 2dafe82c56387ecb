"""Goes on with a take that was tracked from a file and broken off.

Rows that are whole stay as they are. The tracker begins again OVERLAP_S before their end and
follows the face until there; what it says of that stretch again is dropped. It has then settled on
the face, but what it had learnt of the person from the pictures before is learnt anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import TakeError
from engine.fit.heads import HeadModel
from engine.recording.batches import whole_batches
from engine.recording.take import (
    INFO_FILE,
    RECORDING,
    TRACKING_FILE,
    TakeInfo,
    load_info,
    save_info,
)
from engine.recording.writer import TakeWriter, discard
from engine.types import Frame, TrackResult

OVERLAP_S = 3.0
_BEFORE = "tracking.before.arrows"
_SAME = {
    "source": "file",
    "frame_rate": "rate",
    "head_file": "head model",
    "weight_files": "weights",
    "program_version": "version of the program",
}


@dataclass(frozen=True, eq=False)
class BrokenOff:
    """What there is of a take. N rows, at least one."""

    info: TakeInfo
    rows: Path
    frame_index: NDArray[np.int64]  # (N,)
    captured_ns: NDArray[np.int64]  # (N,)

    @property
    def first(self) -> int:
        """The picture to begin with, counted from 0."""
        overlap = max(1, round(OVERLAP_S * self.info.frame_rate))
        return max(0, len(self.frame_index) - overlap)


def broken_off(folder: Path, expected: TakeInfo) -> BrokenOff | None:
    """Return what there is to go on with; None, and an empty folder, if that is nothing.

    expected  what take.yaml would say of a new take
    Raises TakeError if the take is of something else.
    """
    if not (folder / INFO_FILE).is_file():
        return None
    info = load_info(folder)
    if info.status != RECORDING:
        return None
    for name, spoken in _SAME.items():
        if getattr(info, name) != getattr(expected, name):
            raise TakeError(
                f"{folder}: was begun with another {spoken}; name another folder, or remove it"
            )
    kept, newest = folder / _BEFORE, folder / TRACKING_FILE
    counts = [_times(path)[0].size for path in (kept, newest)]
    if counts[1] > counts[0]:
        os.replace(newest, kept)
    if not max(counts):
        kept.unlink(missing_ok=True)
        discard(folder)
        return None
    newest.unlink(missing_ok=True)  # it has no more than what is kept: it was cut off at once
    return BrokenOff(info, kept, *_times(kept))


def reopen(folder: Path) -> None:
    """Mark a take whose tracking was called off: it can be gone on with."""
    if (folder / INFO_FILE).is_file():
        save_info(folder, replace(load_info(folder), status=RECORDING, frames=0, tracked=0))


class ResumedTake:
    """A Recorder (engine.graph) for the pictures from `BrokenOff.first` on.

    Raises TakeError if they are not the pictures that were tracked, or the disk refuses.
    """

    def __init__(self, folder: Path, before: BrokenOff, head: HeadModel) -> None:
        self._folder, self._before = folder, before
        self._row, self._later_ns = before.first, 0
        self._writer = TakeWriter(folder, before.info, head)
        self._writer.take_over(before.rows)
        before.rows.unlink()

    def write(self, frame: Frame, result: TrackResult) -> None:
        """Append one frame's result, if it was not there before."""
        row, self._row = self._row, self._row + 1
        known = self._before
        if row < len(known.frame_index):
            if frame.index != known.frame_index[row]:
                raise TakeError(
                    f"{self._folder}: picture {row} was number {known.frame_index[row]} and is "
                    f"{frame.index} now"
                )
            # The clock has gone on since, and may have begun anew.
            self._later_ns = frame.captured_ns - int(known.captured_ns[row])
            return
        captured_ns, finished_ns = result.captured_ns, result.finished_ns
        self._writer.write_result(
            replace(
                result,
                captured_ns=captured_ns - self._later_ns,
                finished_ns=finished_ns - self._later_ns,
            )
        )

    def close(self) -> None:
        """Write what waits and say in take.yaml that the take is complete."""
        self._writer.close()


def _times(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return frame_index (N,) and captured_ns (N,) of the rows that are whole."""
    names, found = ("frame_index", "captured_ns"), list[pa.RecordBatch]()
    try:
        with path.open("rb") as file:
            found = [batch.select(names) for batch in whole_batches(pa.ipc.open_stream(file))]
    except (OSError, pa.ArrowInvalid):
        found = []
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    table = pa.Table.from_batches(found)
    index, captured_ns = (table[name].to_numpy() for name in names)
    return index, captured_ns
