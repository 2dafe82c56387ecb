"""Runs the real tracker over a video and keeps what it says of every frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from engine.assembly import TrackerMaker
from engine.clock import NS_PER_S
from engine.config import TrackerConfig
from engine.evaluation.datasets import clips
from engine.evaluation.datasets.clips import Clip
from engine.fit.heads import HeadModel, landmarks
from engine.geometry import assumed_camera
from engine.types import BLENDSHAPE_NAMES, Array, Camera, Frame, Status, TrackResult

STAGES = ("detect", "crop", "align", "fit", "retarget")


@dataclass(frozen=True, eq=False)
class Track:
    """T frames; NaN where no face was tracked."""

    tracked: NDArray[np.bool_]  # (T,)
    alignment_px: Array  # (T, 478, 2) landmarks read off the network's answer
    fit_px: Array  # (T, 478, 2) landmarks of the projected head
    blendshapes: Array  # (T, 52)
    step_ms: Array  # (T,) time of Tracker.step
    stage_ms: Array  # (T, stages)

    def blendshape(self, name: str) -> Array:
        """Return one weight over time, (T,)."""
        return self.blendshapes[:, BLENDSHAPE_NAMES.index(name)]


def track(
    clip: Clip, head: HeadModel, maker: TrackerMaker, config: TrackerConfig, limit: int | None
) -> Track:
    """Track the frames of a clip for which the teacher has a label, at most `limit`."""
    known = len(clip.teacher_px)
    count = known if limit is None else min(limit, known)
    return track_frames(clips.frames(clip.path, count), head, maker, config)


def frames_of(images: NDArray[np.uint8], rate: float) -> list[Frame]:
    """Return pictures (T, H, W, 3) as frames, `rate` a second."""
    return [
        Frame(image.copy(), index, round(index * NS_PER_S / rate))
        for index, image in enumerate(images)
    ]


def stepped(
    frames: Iterable[Frame],
    maker: TrackerMaker,
    config: TrackerConfig,
    camera: Camera | None = None,
) -> Iterator[tuple[TrackResult, int]]:
    """Yield what a new tracker says of frames of one size, and the time it took, ns.

    camera  that took them; as for a webcam, one of the usual field of view if None
    """
    tracker = None
    for frame in frames:
        if tracker is None:
            height, width = frame.image.shape[:2]
            tracker = maker(config, camera or assumed_camera(width, height))
        start_ns = perf_counter_ns()
        result = tracker.step(frame)
        yield result, perf_counter_ns() - start_ns


def track_frames(
    frames: Iterable[Frame], head: HeadModel, maker: TrackerMaker, config: TrackerConfig
) -> Track:
    """Track frames of one size in their order."""
    nowhere = np.full((478, 2), np.nan)
    tracked, alignments, fits, weights, times, stages = [], [], [], [], [], []
    for result, spent_ns in stepped(frames, maker, config):
        times.append(spent_ns / 1e6)
        stages.append([result.stage_ns.get(stage, 0) / 1e6 for stage in STAGES])
        tracked.append(result.status is Status.TRACKING)
        fit, alignment, shapes = result.head, result.alignment, result.blendshapes
        fits.append(nowhere if fit is None else landmarks(head, fit.points_px))
        alignments.append(nowhere if alignment is None else landmarks(head, alignment.points_px))
        weights.append(np.full(52, np.nan) if shapes is None else shapes.weights)
    return Track(
        np.array(tracked, bool),
        np.array(alignments),
        np.array(fits),
        np.array(weights),
        np.array(times),
        np.array(stages),
    )
