"""Writes a take while it is recorded."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine import clock
from engine.errors import TakeError
from engine.fit.heads import HeadModel
from engine.recording import schema
from engine.recording.batches import whole_batches
from engine.recording.hashes import STREAMS
from engine.recording.take import INFO_FILE, TRACKING_FILE, TakeInfo, completed, save_info
from engine.recording.visibility import facing_camera
from engine.types import Array, Frame, Status, TrackResult

FLUSH_NS = clock.NS_PER_S // 2  # what a crash may cost
BATCH_ROWS = 64  # 64 frames of 5000 vertices are 7 MB


class TakeWriter:
    """A Recorder (engine.graph) that appends rows and flushes them every second.

    folder     made by engine.recording.take.reserve
    info       what take.yaml shall say; its status is `recording` until `close`
    head       the model that is fitted
    alignment  keep where the network saw the surface: most of the file

    Raises TakeError if the disk refuses.
    """

    def __init__(
        self, folder: Path, info: TakeInfo, head: HeadModel, *, alignment: bool = True
    ) -> None:
        self._folder, self._info, self._head = folder, info, head
        self._alignment = alignment
        self._schema = schema.schema(len(head.neutral))
        self._shapes = schema.shapes(len(head.neutral))
        self._results: list[TrackResult] = []
        self._rows: list[dict[str, schema.Values]] = []
        self._identity: Array | None = None
        self._identities: list[Array] = []
        self._flushed_ns = clock.now_ns()
        self.frames = self.tracked = 0
        try:
            save_info(folder, info)
            self._file = (folder / TRACKING_FILE).open("xb")
        except OSError as error:
            raise TakeError(f"{folder}: cannot be written ({error.strerror})") from error
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._stream = pa.ipc.new_stream(self._file, self._schema, options=options)

    def take_over(self, path: Path) -> None:
        """Begin with the whole rows of another file. Raises TakeError if it has other columns."""
        try:
            with path.open("rb") as file:
                stream = pa.ipc.open_stream(file)
                if stream.schema != self._schema:
                    raise TakeError(f"{path}: was written by another version of the program")
                for batch in whole_batches(stream):
                    self._stream.write_batch(batch)
                    self.frames += batch.num_rows
                    self.tracked += batch["status"].to_pylist().count(Status.TRACKING.value)
            self._file.flush()
            os.fsync(self._file.fileno())
        except (OSError, pa.ArrowInvalid) as error:
            raise TakeError(f"{self._folder}: cannot be written ({error})") from error

    def write(self, frame: Frame, result: TrackResult) -> None:
        """Append one frame's result; the picture stays in the source."""
        self.write_result(result)

    def write_result(self, result: TrackResult) -> None:
        """Append a result."""
        if not self._alignment:
            result = replace(result, alignment=None)

        def visible() -> schema.Values:
            assert result.head is not None
            vertices, pose = result.head.vertices, result.head.camera_from_head
            return facing_camera(vertices, self._head.triangles, pose).astype(np.uint8)

        self._results.append(result)
        self._rows.append(schema.values(result, visible, len(self._head.neutral)))
        self._identities.append(self._changed_identity(result))
        self.frames += 1
        self.tracked += result.status is Status.TRACKING
        if len(self._rows) >= BATCH_ROWS or clock.now_ns() - self._flushed_ns > FLUSH_NS:
            self._flush()

    def close(self) -> None:
        """Write what waits and say in take.yaml that the take is complete."""
        self.finish()
        save_info(self._folder, completed(self._info, self.frames, self.tracked))

    def finish(self) -> None:
        """Write what waits, and end the file; take.yaml stays as it is."""
        try:
            self._flush()
            self._stream.close()
            self._file.close()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()
            raise TakeError(f"{self._folder}: cannot be written ({error})") from error

    def _changed_identity(self, result: TrackResult) -> Array:
        now = None if result.identity is None else result.identity.coefficients
        same = now is None or (self._identity is not None and np.array_equal(now, self._identity))
        if now is None or same:
            return np.zeros(0, np.float32)
        self._identity = now
        return now.astype(np.float32)

    def _flush(self) -> None:
        self._flushed_ns = clock.now_ns()
        if not self._rows:
            return
        columns: dict[str, object] = {
            "frame_index": [result.frame_index for result in self._results],
            "captured_ns": [result.captured_ns for result in self._results],
            "finished_ns": [result.finished_ns for result in self._results],
            "status": [result.status.value for result in self._results],
            "stage_ns": [list(result.stage_ns.items()) for result in self._results],
            "identity": [identity.tolist() for identity in self._identities],
        }
        for name, shape in self._shapes.items():
            columns[name] = schema.column(name, [row[name] for row in self._rows], shape)
        try:
            self._stream.write_batch(pa.RecordBatch.from_pydict(columns, schema=self._schema))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise TakeError(f"{self._folder}: cannot be written ({error})") from error
        self._results, self._rows, self._identities = [], [], []


def discard(folder: Path) -> None:
    """Remove a take in which nothing was tracked; other files in the folder are left alone."""
    for name in (*STREAMS, INFO_FILE):
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
