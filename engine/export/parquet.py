"""Apache Parquet, one row a frame: names as columns, for pandas, R, Houdini's and other notebooks.

seconds, captured_ns, timecode, status, one column a blendshape and its `_sd`, head_x/y/z in metres
(x own left, y up, z out of the face: glTF's axes), head_qx/qy/qz/qw, and gaze in radians
(yaw + own left, pitch + down). A frame without a face has nulls.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.export._job import Job, whole_file
from engine.export._rig import motion
from engine.export._series import Series, bridged, series
from engine.fit.heads import HeadModel
from engine.recording.reader import Take
from engine.types import BLENDSHAPE_NAMES, Array

SUFFIX = ".parquet"


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the table. Raises TakeError if the destination cannot be written."""
    found = series(take, job.rate)
    with whole_file(destination) as path:
        pq.write_table(_table(take, found), path, compression="zstd")
    job.progress(1.0)


def _table(take: Take, found: Series) -> pa.Table:
    moved = motion(bridged(found))
    columns: dict[str, pa.Array] = {
        "seconds": pa.array(found.seconds),
        "captured_ns": pa.array(take.captured_ns[found.row]),
        "timecode": pa.array(
            [str(found.start + int(s * float(found.exact_rate) + 1e-6)) for s in found.seconds]
        ),
        "status": pa.array(take.status[found.row].tolist()),
    }

    def put(name: str, values: Array) -> None:
        columns[name] = pa.array(values.astype(np.float64), mask=~found.tracked | np.isnan(values))

    for index, name in enumerate(BLENDSHAPE_NAMES):
        put(name, found.weights[:, index])
        put(f"{name}_sd", take.values["blendshapes_sd"][found.row, index])
    for axis, name in enumerate("xyz"):
        put(f"head_{name}", moved.place[:, axis])
    for axis, name in enumerate(("qx", "qy", "qz", "qw")):
        put(f"head_{name}", moved.head[:, axis])
    for side, eye in enumerate(("left", "right")):
        put(f"{eye}_eye_yaw", found.gaze[:, side, 0])
        put(f"{eye}_eye_pitch", found.gaze[:, side, 1])
    return pa.table(columns)
