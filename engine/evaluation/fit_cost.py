"""What the fit costs on one core, without and with flow, from the tracker's own stages."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.errors import TrackingError
from engine.evaluation.datasets import clips
from engine.evaluation.speed import SIZE_PX, timing_video
from engine.geometry import assumed_camera
from engine.types import Array, Frame

COLD, FRAMES = 30, 200  # frames that are not counted, and all
ROUNDS = 2


def run(
    folder: Path, makers: dict[str, TrackerMaker], config: TrackerConfig, limit: int | None
) -> dict[str, Any]:
    """Time the fits of several trackers by turns on one clip.

    limit  only so many frames after the first COLD
    Raises TrackingError if no frame is tracked.
    """
    spent: dict[str, list[Array]] = {name: [] for name in makers}
    with timing_video(folder, COLD + limit if limit else FRAMES) as video, one_core():
        frames = list(clips.frames(video))
        for _ in range(ROUNDS):
            for name, maker in makers.items():
                spent[name].append(fit_ms(maker, config, frames))
    return {name: figures(np.concatenate(each)) for name, each in spent.items()}


def fit_ms(maker: TrackerMaker, config: TrackerConfig, frames: list[Frame]) -> Array:
    """Return ms that the fit took in every tracked frame but the first COLD, (T,).

    As in a session, the person is learnt on another thread.
    """
    tracker = maker(config, assumed_camera(*SIZE_PX), live=True)
    try:
        results = [tracker.step(frame) for frame in frames]
    finally:
        tracker.close()
    return np.array([r.stage_ns["fit"] / 1e6 for r in results[COLD:] if r.head is not None])


def figures(ms: Array) -> dict[str, float]:
    """Return median and 95th percentile. Raises TrackingError if there is nothing."""
    if not len(ms):
        raise TrackingError("the tracker follows no face in the timing clip: there is no cost")
    return {"median_ms": float(np.median(ms)), "p95_ms": float(np.percentile(ms, 95))}


@contextmanager
def one_core() -> Generator[None]:
    """Keep OpenCV and the linear algebra on one thread."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)
