"""Synthetic test sequences: videos of rendered people with exact truth.

Made by `python -m engine.training.render sequence`; never trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.clock import NS_PER_S
from engine.errors import AssetError
from engine.evaluation.ssme import Truth
from engine.fit.heads import HeadModel, landmarks
from engine.training.packs import Pack, read_pack
from engine.types import Array, Frame


@dataclass(frozen=True, eq=False)
class Sequence:
    """T frames of one person. V head vertices."""

    pack: Pack
    count: int  # T
    depth: Array  # (T, V)
    kind: str  # how the person behaves
    rate: float  # frames a second

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.pack.path.stem

    def __len__(self) -> int:
        return self.count

    def frame(self, index: int) -> Frame:
        """Return one frame, stamped with its time."""
        return Frame(self.pack.image(index), index, round(index * NS_PER_S / self.rate))

    @cached_property
    def points_px(self) -> Array:
        """Where every vertex truly is, (T, V, 2)."""
        return np.array([self.pack.points_px(t) for t in range(len(self))], np.float64)

    def landmarks_px(self, head: HeadModel) -> Array:
        """Return the true landmarks (T, 478, 2)."""
        return np.array([landmarks(head, points) for points in self.points_px])

    def truth(self, head: HeadModel) -> Truth:
        """Return what SSME compares with."""
        height, width = self.pack.image(0).shape[:2]
        return Truth(
            points_px=self.points_px,
            depth=self.depth,
            visible=np.array([self.pack.seen(t) for t in range(len(self))]),
            triangles=head.triangles,
            size_px=(width, height),
        )


def find(folder: Path) -> list[Path]:
    """Return the files of the sequences in a folder, by name. Raises AssetError if none is there.

    A test pack or an unfinished file does not count.
    """
    paths = sorted(p for p in folder.glob("*.npz") if not p.stem.endswith(".writing"))
    if not paths:
        raise AssetError(
            f"{folder}: no sequence (*.npz); make some with "
            "`python -m engine.training.render sequence --kind spoken --out FILE.npz`"
        )
    return paths


def read(path: Path, limit: int | None = None) -> Sequence:
    """Read a sequence, at most `limit` frames of it. Raises AssetError if it is none."""
    pack = read_pack(path)
    with np.load(path, allow_pickle=False) as file:
        absent = {"depth", "kind", "frame_rate"} - set(file.files)
        if absent:
            raise AssetError(f"{path}: not a test sequence, it has no {sorted(absent)[0]!r}")
        depth = file["depth"].astype(np.float32)
        kind, rate = str(file["kind"]), float(file["frame_rate"])
    count = len(pack) if limit is None else min(limit, len(pack))
    return Sequence(pack, count, depth[:count], kind, rate)
