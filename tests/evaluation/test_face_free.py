from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import lost, tracked

from engine.config import TrackerConfig
from engine.errors import AssetError
from engine.evaluation import false_tracks
from engine.evaluation.datasets import face_free
from engine.resources import data_folder
from engine.types import Camera, Frame, TrackResult

needs_data = pytest.mark.skipif(
    not (data_folder() / "hdri").is_dir(), reason="no environment maps: FLOWFACE_DATA"
)


@needs_data
def test_the_same_pictures_every_time_and_others_with_another_seed() -> None:
    first = list(face_free.build(data_folder(), count=6))
    again = list(face_free.build(data_folder(), count=6))
    other = list(face_free.build(data_folder(), count=6, seed=8))
    assert [p.name for p in first] == [p.name for p in again]
    for a, b in zip(first, again, strict=True):
        assert a.image.shape == (480, 640, 3)
        np.testing.assert_array_equal(a.image, b.image)
    assert any((a.image != b.image).any() for a, b in zip(first, other, strict=True))
    assert face_free.COUNT >= 200


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="hdri"):
        next(face_free.build(tmp_path))


class Gullible:
    """A tracker that believes the third picture it is ever shown, and follows from then on."""

    shown: list[int]

    def __init__(self, shown: list[int]) -> None:
        self.shown, self._following = shown, False

    def step(self, frame: Frame) -> TrackResult:
        self.shown.append(frame.index)
        self._following |= len(self.shown) == 3
        return (tracked if self._following else lost)(frame.index, frame.captured_ns)


class GullibleMaker:
    about = "made up"

    def __init__(self) -> None:
        self.shown: list[int] = []

    def __call__(self, config: TrackerConfig, camera: Camera, *, live: bool = False) -> Gullible:
        return Gullible(self.shown)

    def close(self) -> None:
        pass


@needs_data
def test_a_followed_picture_is_counted_once_and_does_not_spoil_the_next() -> None:
    maker: Any = GullibleMaker()
    result = false_tracks.run(data_folder(), maker, TrackerConfig(), limit=6)
    assert (result["pictures"], result["false_tracks"]) == (6, 1)
    assert result["names"][0].startswith("002_")
