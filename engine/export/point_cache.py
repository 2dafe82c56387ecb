"""A per-vertex cache: `<name>.pc2` beside `<name>.obj`, for Blender, 3ds Max, Maya, Houdini.

The head stands still in its own space (y up, the face along +z, metres); its motion before
the camera is in glTF, USD and BVH. Shapes are the fit's own coefficients, gaze and neck included.

Source: the PointCache2 format of 3ds Max: 32 bytes of header, then float32 x, y, z.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from engine import axes
from engine.export._job import Job, whole_file
from engine.export._rig import last_identity, rig
from engine.export._series import Series, bridged, series
from engine.export._wavefront import obj_text
from engine.fit.heads import HeadModel
from engine.fit.sides import unmerged
from engine.fit.skinning import vertices
from engine.recording.reader import Take
from engine.types import Array

SUFFIX = ".pc2"
_HEADER = "<12siiffi"


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write both files. Raises TakeError if the destination cannot be written."""
    own = series(take, job.rate)
    found = bridged(series(take, job.rate or own.rate))
    mesh = rig(take, head)
    with whole_file(destination) as path, path.open("wb") as file:
        count, points = len(found), len(mesh.neutral)
        file.write(struct.pack(_HEADER, b"POINTCACHE2\0", 1, points, 0.0, 1.0, count))
        for frame, posed in enumerate(posed_frames(take, head, found)):
            file.write(posed.astype("<f4").tobytes())
            job.progress((frame + 1) / count)
    with whole_file(destination.with_suffix(".obj")) as path:
        path.write_text(obj_text(mesh.neutral, mesh.triangles, mesh.uv), encoding="ascii")


def posed_frames(take: Take, head: HeadModel, found: Series) -> list[Array]:
    """Return the vertices (V, 3) of every frame, head space in glTF's axes, metres.

    found  without NaN
    """
    identity, turn = last_identity(take, head), axes.system_from_ours("opengl")
    size, values = len(head.expression_names), take.values
    known = np.flatnonzero(take.status == "tracking")
    at = (take.captured_ns[known] - take.captured_ns[0]) / 1e9
    wide = np.stack(
        [
            unmerged(values["expression"][row], values["expression_sides"][row], size)
            for row in known
        ]
    )
    posed: list[Array] = []
    for frame, second in enumerate(found.seconds):
        expression = np.array([np.interp(second, at, wide[:, index]) for index in range(size)])
        gaze, neck = found.gaze[frame], found.neck[frame]
        posed.append(vertices(head, identity, expression, gaze, neck) @ turn.T)
    return posed
