from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.training.packs import Pack, read_pack, write_pack


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Six portraits of noise, two of them for validation."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (6, 64, 64, 3), np.uint8)
    images = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
    marks = rng.uniform(10, 50, (6, 478, 2))
    marks[:, 33], marks[:, 263] = (20, 25), (45, 25)
    path = tmp_path / "c.npz"
    write_pack(
        path,
        images,
        landmarks=np.round(marks * 64).astype(np.int16),
        spread=np.full((6, 478), 0.5, np.float16),
        split=np.array([0, 0, 0, 0, 1, 1], np.uint8),
        mirror=np.arange(478),
        stream="c",
    )
    return read_pack(path)
