"""frames.arrows: which pictures the film has, in its order, with their exact times.

A picture that is missing from the count was lost by the camera or refused because the disk was too
slow; nothing else is ever left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import TakeError
from engine.recording.batches import batches

FRAMES_FILE = "frames.arrows"
_SCHEMA = pa.schema([("frame_index", pa.int64()), ("captured_ns", pa.int64())])


class FrameTimesWriter:
    """Appends; `flush` puts what was added into the file. Raises TakeError if the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FRAMES_FILE
        self._rows: list[tuple[int, int]] = []
        try:
            self._file = self._path.open("xb")
        except OSError as error:
            raise TakeError(f"{self._path}: cannot be written ({error.strerror})") from error
        self._stream = pa.ipc.new_stream(self._file, _SCHEMA)

    def add(self, index: int, captured_ns: int) -> None:
        """Take note of a picture that went into the film."""
        self._rows.append((index, captured_ns))

    def flush(self) -> None:
        """Write."""
        if not self._rows:
            return
        columns = [pa.array(column, pa.int64()) for column in zip(*self._rows, strict=True)]
        self._rows = []
        try:
            self._stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
            self._file.flush()
        except OSError as error:
            raise TakeError(f"{self._path}: cannot be written ({error.strerror})") from error

    def close(self) -> None:
        """Finish the file."""
        try:
            self.flush()
            self._stream.close()
        except OSError as error:
            raise TakeError(f"{self._path}: cannot be written ({error.strerror})") from error
        finally:
            self._file.close()


def read_frame_times(folder: Path, *, whole: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return frame_index (N,) and captured_ns (N,) of the film's pictures.

    whole  False: a file that breaks off is read as far as it goes
    Raises TakeError if it is absent or damaged.
    """
    path = folder / FRAMES_FILE
    try:
        with path.open("rb") as file:
            stream = pa.ipc.open_stream(file)
            table = pa.Table.from_batches(batches(stream, whole=whole), schema=_SCHEMA)
    except (OSError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TakeError(f"{path}: damaged or absent ({error})") from error
    return table["frame_index"].to_numpy(), table["captured_ns"].to_numpy()
