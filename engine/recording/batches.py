"""Reads Arrow streams that may break off."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa


def batches(stream: pa.ipc.RecordBatchStreamReader, *, whole: bool) -> Iterator[pa.RecordBatch]:
    """Yield batch after batch.

    whole  True: raises OSError or ArrowInvalid where the stream breaks off; False: ends there
    """
    while True:
        try:
            batch = stream.read_next_batch()
            batch.validate(full=True)
        except StopIteration:
            return
        except (OSError, pa.ArrowInvalid):
            if whole:
                raise
            return
        yield batch


def whole_batches(stream: pa.ipc.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    """Yield batch after batch up to where the stream breaks off, if it does."""
    return batches(stream, whole=False)
