"""Packs: many labelled pictures in one uncompressed .npz, read by the trainer.

Keys: `jpeg` uint8 [total] JPEG files one after another, `offsets` int64 [N + 1], `points` int16
[N, V, 2] in 64ths of a pixel (pixel centres at +0.5), `visible` uint8 [N, ceil(V / 8)] packed bits,
`camera_from_head` float32 [N, 4, 4], `intrinsics` float32 [N, 3, 3], `expression` float16 [N, 52],
`identity` float16 [N, K] (absent for people of another head model), `gaze` float32 [N, 2, 2],
`neck` float32 [N, 3], `glasses` bool [N], `stream`, `head_sha256`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.training.packs import encoded, fixed_point, write_pack
from engine.training.render.sample import Sample


def labelled_row(sample: Sample, with_identity: bool) -> tuple[bytes, dict[str, NDArray]]:
    """Return a sample's JPEG file and its labels, as a pack keeps them."""
    performance, rendered = sample.scene.performance, sample.rendered
    row: dict[str, NDArray] = {
        "points": fixed_point(rendered.points_px),
        "visible": np.packbits(rendered.visible),
        "camera_from_head": sample.scene.camera_from_head.astype(np.float32),
        "intrinsics": sample.scene.intrinsics.astype(np.float32),
        "expression": performance.expression.astype(np.float16),
        "gaze": performance.gaze.astype(np.float32),
        "neck": performance.neck.astype(np.float32),
        "glasses": np.array(any(prop.kind == "glasses" for prop in sample.scene.props)),
    }
    if with_identity:
        row["identity"] = performance.identity.astype(np.float16)
    return encoded(sample.image, sample.effects.jpeg_quality), row


class PackWriter:
    """Collects samples and writes them at once."""

    def __init__(self, stream: str, head_sha256: str, with_identity: bool = True) -> None:
        self._stream, self._head_sha256 = stream, head_sha256
        self._with_identity = with_identity
        self._files: list[bytes] = []
        self._rows: dict[str, list[NDArray]] = {}

    def add(self, sample: Sample) -> None:
        """Append one sample."""
        file, row = labelled_row(sample, self._with_identity)
        self._files.append(file)
        for key, value in row.items():
            self._rows.setdefault(key, []).append(value)

    def write(self, path: Path) -> None:
        """Write the pack."""
        rows = {key: np.stack(rows) for key, rows in self._rows.items()}
        names = {"stream": self._stream, "head_sha256": self._head_sha256}
        write_pack(path, self._files, **names, **rows)
