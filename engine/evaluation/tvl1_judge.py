"""TV-L1 optical flow as the judge of motion: slow, and nothing that the tracker uses.

It needs OpenCV's contributed modules, which are not ours: it runs in the rival's Python. What it
said of two pictures can be kept in a folder, under the checksum of their pixels, for the next run.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.flow_judge import agrees, grid_of
from engine.evaluation.rivals.run import tvl1_flow
from engine.types import Array

_AT_ONCE = 32  # pairs; what a stopped run has finished is kept
_Judged = tuple[Array, NDArray[np.bool_]]


class TvL1Judge:
    """Judges grey pictures (H, W).

    python  an interpreter whose OpenCV has optflow
    cache   folder of answers, made if absent; None keeps nothing
    """

    def __init__(self, grey: list[NDArray[np.uint8]], python: Path, cache: Path | None) -> None:
        self._grey, self._python, self._cache = grey, python, cache
        self.grid: Array = grid_of(grey[0])
        self._keys = [sha256(image.tobytes()).hexdigest() for image in grey]
        self._known: dict[tuple[int, int], _Judged] = {}

    def prepare(self, pairs: list[tuple[int, int]]) -> None:
        """Judge pairs of frames that are not known yet. Raises AssetError if it does not run."""
        for pair in pairs:
            if pair not in self._known and (kept := self._kept(pair)) is not None:
                self._known[pair] = kept
        missing = [pair for pair in pairs if pair not in self._known]
        for begin in range(0, len(missing), _AT_ONCE):
            self._judge(missing[begin : begin + _AT_ONCE])

    def motion(self, first: int, second: int) -> _Judged:
        """Return the flow at the grid (N, 2) px and where it agrees with its reverse (N,)."""
        if (first, second) not in self._known:
            self.prepare([(first, second)])
        return self._known[first, second]

    def _judge(self, pairs: list[tuple[int, int]]) -> None:
        frames = sorted({frame for pair in pairs for frame in pair})
        grey = np.stack([self._grey[frame] for frame in frames])
        rows = np.array([[frames.index(frame) for frame in pair] for pair in pairs])
        motion, back = tvl1_flow(self._python, grey, rows, self.grid.astype(np.intp))
        for pair, there, again in zip(pairs, motion, back, strict=True):
            judged = there.astype(np.float64), agrees(there.astype(np.float64), again)
            self._known[pair] = judged
            self._keep(pair, judged)

    def _file(self, pair: tuple[int, int]) -> Path | None:
        if self._cache is None:
            return None
        shape = self._grey[pair[0]].shape
        text = "-".join(["tvl1", str(shape), str(len(self.grid)), *(self._keys[t] for t in pair)])
        return self._cache / f"{sha256(text.encode()).hexdigest()[:32]}.npz"

    def _kept(self, pair: tuple[int, int]) -> _Judged | None:
        path = self._file(pair)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                good = np.unpackbits(file["good"], count=len(self.grid)).astype(bool)
                return file["motion"].astype(np.float64), good
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None  # cut off by a full disk: judged again

    def _keep(self, pair: tuple[int, int], judged: _Judged) -> None:
        path = self._file(pair)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.stem}.{os.getpid()}.writing.npz")
        motion, good = judged
        np.savez_compressed(unfinished, motion=motion.astype(np.float32), good=np.packbits(good))
        os.replace(unfinished, path)
