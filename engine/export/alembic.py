"""Alembic: every vertex of the fit in every frame, under a transform that moves before the camera.

Needs the Alembic bindings (`pip install alembic3d`). Y up, metres, the face along +z; the camera is
at the origin. Frames are equally far apart, at the take's own rate if none is asked for.

Source: Alembic's Abc and AbcGeom libraries, version 1.8, Ogawa files.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from engine.errors import TakeError
from engine.export._job import Job, whole_file
from engine.export._rig import Motion, Rig, motion, rig
from engine.export._series import bridged, series
from engine.export.point_cache import posed_frames
from engine.fit.heads import HeadModel
from engine.recording.reader import Take

SUFFIX = ".abc"


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the file. Raises TakeError if Alembic is absent or the destination refuses."""
    abc, core = _alembic("Abc"), _alembic("AbcCoreAbstract")
    own = series(take, job.rate)
    found = bridged(series(take, job.rate or own.rate))
    mesh, moved = rig(take, head), motion(found)
    with whole_file(destination) as path:
        try:
            archive = abc.OArchive(str(path))
        except RuntimeError as error:
            raise TakeError(f"{destination}: cannot be written ({error})") from error
        step = 1.0 / float(found.exact_rate)
        times = archive.addTimeSampling(core.TimeSampling(step, 0.0))
        writer = _Writer(archive.getTop(), times, mesh)
        for frame, posed in enumerate(posed_frames(take, head, found)):
            writer.add(posed.astype(np.float32), moved, frame)
            job.progress((frame + 1) / len(found))
        del writer, archive  # the file is complete when nothing holds it any more


class _Writer:
    def __init__(self, top: Any, times: int, mesh: Rig) -> None:
        geom, imath = _alembic("AbcGeom"), _module("imath")
        self._geom, self._imath = geom, imath
        self._place = geom.OXform(top, "Head", times)
        self._face = geom.OPolyMesh(self._place, "Face", times)
        # Alembic's faces are clockwise seen from outside.
        corners = np.ascontiguousarray(mesh.triangles[:, ::-1], np.int32)
        self._corners = imath.IntArrayFromBuffer(corners.ravel())
        self._counts = imath.IntArrayFromBuffer(np.full(len(corners), 3, np.int32))
        uv = imath.V2fArrayFromBuffer(np.ascontiguousarray(mesh.uv, np.float32))
        self._uv = geom.OV2fGeomParamSample(uv, geom.GeometryScope.kVertexScope)

    def add(self, posed: np.ndarray[Any, np.dtype[np.float32]], moved: Motion, frame: int) -> None:
        """Append a frame: vertices (V, 3) of the head, and where it is."""
        geom, imath = self._geom, self._imath
        matrix = np.eye(4)  # of row vectors, as Imath has them
        matrix[:3, :3] = Rotation.from_quat(moved.head[frame]).as_matrix().T
        matrix[3, :3] = moved.place[frame]
        place = geom.XformSample()
        place.setMatrix(imath.M44d(*map(float, matrix.ravel())))
        self._place.getSchema().set(place)
        points = imath.V3fArrayFromBuffer(np.ascontiguousarray(posed))
        sample = (
            geom.OPolyMeshSchemaSample(points)
            if frame
            else geom.OPolyMeshSchemaSample(points, self._corners, self._counts, self._uv)
        )
        self._face.getSchema().set(sample)


def _alembic(part: str) -> Any:
    return getattr(_module("alembic3d"), part)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TakeError(
            "alembic: needs its bindings; `pip install alembic3d` brings them"
        ) from error
