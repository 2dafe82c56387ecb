"""The newest rendered pictures, with the interface of a pack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.training.packs import STATES, UNITS_PER_PX, write_pack
from engine.training.render.workers import Row, Source, Workers
from engine.types import Array


class RenderedStream:
    """A ring of `capacity` pictures that workers keep fresh; index 0 is any one of them.

    It reads like a Pack, so a batch maker can draw from it. Until it is full, indices wrap around
    what is there. `advance` takes an exact number of new pictures, so that what a step sees depends
    on the step alone; `refresh` takes whatever is ready, which is faster and not repeatable.
    """

    spread = None
    mirror = None

    def __init__(
        self,
        source: Source,
        workers: int,
        capacity: int = 4096,
        first: int = 0,
        gpu: int | None = None,
        rows: Sequence[Row] = (),
    ) -> None:
        """Start drawing.

        first  number of the first picture to draw
        rows   pictures to begin with, from `load_rows`
        """
        self.path, self.stream = Path(f"rendered-{source.stream}"), source.stream
        self.validation = np.zeros(capacity, bool)
        self._source, self._capacity = source, capacity
        self._rows: list[Row] = list(rows[-capacity:])
        self._oldest = 0
        self._workers = Workers(source, workers, first, gpu)
        self._arrays: dict[str, NDArray] = {}

    def __len__(self) -> int:
        return self._capacity

    @property
    def filled(self) -> int:
        """Return how many pictures the ring holds."""
        return len(self._rows)

    @property
    def position(self) -> int:
        """Return the number of the next picture; a stream opened with it as `first` goes on."""
        return self._workers.next

    @property
    def is_test(self) -> bool:
        """Never: it is made for training."""
        return False

    def advance(self, count: int) -> None:
        """Take exactly `count` new pictures, waiting for them. BackendError if a worker fails."""
        for _ in range(count):
            row = None
            while row is None:
                row = self._workers.take()
            self._put(row)

    def refresh(self) -> int:
        """Take what is ready without waiting; returns how many. BackendError if a worker fails."""
        taken = 0
        while (row := self._workers.take(timeout_s=0.0)) is not None:
            self._put(row)
            taken += 1
        return taken

    def image(self, index: int) -> NDArray[np.uint8]:
        """Decode one image, (S, S, 3) RGB."""
        data = np.frombuffer(self._row(index)[0], np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if picture is None:
            raise AssetError(f"{self.path}: image {index} is damaged")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)  # pyright: ignore[reportReturnType]

    def points_px(self, index: int) -> Array:
        """Return the labels of one image in pixels, (V, 2) float32."""
        return self._row(index)[1]["points"].astype(np.float32) / UNITS_PER_PX

    def seen(self, index: int) -> NDArray[np.bool_]:
        """Return which vertices the camera sees, (V,)."""
        labels = self._row(index)[1]
        return np.unpackbits(labels["visible"], count=len(labels["points"])).astype(bool)

    @property
    def visible(self) -> NDArray[np.uint8]:
        """Return the bits (capacity, ceil(V / 8)) of what is seen."""
        return self._column("visible")  # pyright: ignore[reportReturnType]

    @property
    def expression(self) -> Array | None:
        """Return coefficients (capacity, 52)."""
        return self._column("expression")

    @property
    def identity(self) -> Array | None:
        """Return coefficients (capacity, K); None for people of another head model."""
        return self._column("identity")

    @property
    def gaze(self) -> Array | None:
        """Return (capacity, 2, 2) rad."""
        return self._column("gaze")

    @property
    def camera_from_head(self) -> Array | None:
        """Return (capacity, 4, 4)."""
        return self._column("camera_from_head")

    @property
    def glasses(self) -> NDArray | None:
        """Return (capacity,) who wears glasses; None for portraits."""
        return self._column("glasses")

    def save(self, path: Path) -> None:
        """Write the ring as a pack, from which `load_rows` and `position` continue it."""
        ordered = self._rows[self._oldest :] + self._rows[: self._oldest]
        labels = {key: np.stack([row[1][key] for row in ordered]) for key in ordered[0][1]}
        names = {"stream": self.stream, "head_sha256": self._source.head_sha256}
        write_pack(path, [row[0] for row in ordered], **names, **labels)

    def close(self) -> None:
        """End the workers."""
        self._workers.close()

    def _row(self, index: int) -> Row:
        if not self._rows:
            raise IndexError("no picture is drawn yet; call advance first")
        return self._rows[index % len(self._rows)]

    def _column(self, key: str) -> NDArray | None:
        """Return one label of all slots, kept up to date as the ring turns."""
        if key not in self._row(0)[1]:
            return None
        if key not in self._arrays:
            every = np.stack([row[1][key] for row in self._rows])
            repeats = -(-self._capacity // len(every))
            tiled = np.concatenate([every] * repeats)[: self._capacity]
            self._arrays[key] = tiled.astype(np.float32) if key in STATES else tiled
        return self._arrays[key]

    def _put(self, row: Row) -> None:
        if len(self._rows) < self._capacity:
            self._rows.append(row)
            self._arrays.clear()
            return
        self._rows[self._oldest] = row
        for key, column in self._arrays.items():
            column[self._oldest] = row[1][key]
        self._oldest = (self._oldest + 1) % self._capacity


def load_rows(path: Path) -> list[Row]:
    """Read the pictures that `RenderedStream.save` wrote, oldest first. AssetError."""
    if not path.is_file():
        raise AssetError(f"{path}: no such file")
    with np.load(path, allow_pickle=False) as file:
        data = {key: file[key] for key in file.files}
    offsets, jpeg = data.pop("offsets"), data.pop("jpeg").tobytes()
    labels = {key: value for key, value in data.items() if value.ndim > 0}
    return [
        (jpeg[offsets[i] : offsets[i + 1]], {key: value[i] for key, value in labels.items()})
        for i in range(len(offsets) - 1)
    ]
