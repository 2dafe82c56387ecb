"""Packs: many labelled pictures in one uncompressed .npz, read by the trainer.

Keys: `jpeg` uint8 [total] JPEG files one after another, `offsets` int64 [N + 1], `points` int16
[N, V, 2] in 64ths of a pixel (pixel centres at +0.5), `visible` uint8 [N, ceil(V / 8)] packed bits,
`camera_from_head` float32 [N, 4, 4], `intrinsics` float32 [N, 3, 3], `expression` float16 [N, 52],
`identity` float16 [N, K], `gaze` float32 [N, 2, 2], `neck` float32 [N, 3], `stream`, `head_sha256`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.render.sample import Sample

POINT_STEPS_PER_PX = 64


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Compress an RGB picture (H, W, 3); quality 1 to 100."""
    done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(image[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"cannot encode a picture of shape {image.shape} {image.dtype}")
    return data.ravel()


class PackWriter:
    """Collects samples and writes them at once."""

    def __init__(self, stream: str, head_sha256: str) -> None:
        self._stream, self._head_sha256 = stream, head_sha256
        self._files: list[NDArray[np.uint8]] = []
        self._rows: dict[str, list[NDArray]] = {}

    def add(self, sample: Sample) -> None:
        """Append one sample."""
        scene, rendered = sample.scene, sample.rendered
        self._files.append(encode_jpeg(sample.image, sample.effects.jpeg_quality))
        steps = np.nan_to_num(np.rint(rendered.points_px * POINT_STEPS_PER_PX), nan=-32768.0)
        row: dict[str, NDArray] = {
            "points": np.clip(steps, -32768, 32767).astype(np.int16),
            "visible": np.packbits(rendered.visible),
            "camera_from_head": scene.camera_from_head.astype(np.float32),
            "intrinsics": scene.intrinsics.astype(np.float32),
            "expression": scene.performance.expression.astype(np.float16),
            "identity": scene.performance.identity.astype(np.float16),
            "gaze": scene.performance.gaze.astype(np.float32),
            "neck": scene.performance.neck.astype(np.float32),
        }
        for key, value in row.items():
            self._rows.setdefault(key, []).append(value)

    def write(self, path: Path) -> None:
        """Write the pack under a temporary name, then move it into place."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}.part.npz")
        np.savez(
            part,
            jpeg=np.concatenate(self._files),
            offsets=np.cumsum([0] + [len(file) for file in self._files]).astype(np.int64),
            stream=np.array(self._stream),
            head_sha256=np.array(self._head_sha256),
            **{key: np.stack(rows) for key, rows in self._rows.items()},  # pyright: ignore
        )
        part.replace(path)
