"""Reads a take back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import TakeError
from engine.recording import schema
from engine.recording.batches import batches
from engine.recording.take import COMPLETE, TRACKING_FILE, TakeInfo, load_info
from engine.types import Array

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Take:
    """All frames of a take. T frames."""

    folder: Path
    info: TakeInfo
    frame_index: NDArray[np.int64]  # (T,)
    captured_ns: NDArray[np.int64]  # (T,)
    finished_ns: NDArray[np.int64]  # (T,)
    status: NDArray[np.str_]  # (T,) values of engine.types.Status
    stage_ns: list[dict[str, int]]  # T
    identity: list[Array]  # T; (K,) where it changed, else (0,)
    values: dict[str, schema.Values]  # (T, ...) by the names of schema.VALUE_COLUMNS


def read_take(folder: Path) -> Take:
    """Read a whole take.

    One that was cut off while recording is read up to the last whole second, with a warning.
    Raises TakeError if the folder is no take or its content is damaged.
    """
    info = load_info(folder)
    table = _table(folder / TRACKING_FILE, info)
    if info.status != COMPLETE:
        _log.warning("%s: was not finished; %d frames are there", folder, table.num_rows)
    shapes = schema.shapes(info.vertices)
    values = {
        name: schema.array(table[name], shape)
        if name in table.column_names
        else np.full((table.num_rows, *shape), np.nan, schema.VALUE_COLUMNS[name][1])
        for name, shape in shapes.items()
    }
    return Take(
        folder=folder,
        info=info,
        frame_index=_numbers(table, "frame_index"),
        captured_ns=_numbers(table, "captured_ns"),
        finished_ns=_numbers(table, "finished_ns"),
        status=np.array(table["status"].to_pylist(), dtype=np.str_),
        stage_ns=[dict(pairs) for pairs in table["stage_ns"].to_pylist()],
        identity=[np.array(row, np.float32) for row in table["identity"].to_pylist()],
        values=values,
    )


def _table(path: Path, info: TakeInfo) -> pa.Table:
    known = [schema.schema(info.vertices, age=age) for age in range(len(schema.ADDED) + 1)]
    try:
        with path.open("rb") as file:
            stream = pa.ipc.open_stream(file)
            if stream.schema not in known:
                raise TakeError(f"{path}: has not the columns of a take of {info.vertices} points")
            read = batches(stream, whole=info.status == COMPLETE)
            table = pa.Table.from_batches(read, schema=stream.schema)
    except (OSError, pa.ArrowInvalid) as error:
        raise TakeError(f"{path}: damaged or absent ({error})") from error
    if info.status == COMPLETE and table.num_rows != info.frames:
        raise TakeError(f"{path}: has {table.num_rows} frames, take.yaml says {info.frames}")
    return table


def _numbers(table: pa.Table, name: str) -> NDArray[np.int64]:
    return table[name].to_numpy()
