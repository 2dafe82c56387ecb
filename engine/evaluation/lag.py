"""`flowface bench lag`: how many frames late the fit answers a jump that the alignment sees.

A rendered person's jaw drops, or the head turns, between one frame and the next, and back again
later; noise and JPEG are new in every frame. Everybody's answer is read off as a series that rises
from rest to its own final value, so that a wrong size of the answer is no lag.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.errors import TrackingError
from engine.evaluation import openings
from engine.evaluation.calm import ALIGNMENT, JPEG_QUALITY, NOISE, RATE, RIVAL
from engine.evaluation.jitter import poses_of
from engine.evaluation.rivals.run import mediapipe_video
from engine.evaluation.shaken import noisy_copies, through_jpeg
from engine.evaluation.tables import table
from engine.evaluation.tracks import frames_of, stepped
from engine.fit.heads import HeadModel, landmarks
from engine.types import Array, TrackResult

PEOPLE, SETTLING, HELD = 8, 40, 20  # frames before the first step, and after each
STEPS = ("jaw", "yaw")
BEFORE, AFTER, REACHED = 10, 5, 0.9
_MOUTH = openings.OPENINGS["mouth"]
_SEED = 12

_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """To one step."""

    frames: float  # until REACHED of the final value: 0 in the very frame of the step
    at_once: float  # share of the final value in that frame


def answer(series: Array, step: int, end: int) -> Answer:
    """Return how a series (T,) answers a step that frame `step` is the first to show.

    It rests at its mean over the frames before, and ends at its mean over the last before `end`.
    One that never comes there takes all frames; of one that is lost (NaN) nothing is known.
    """
    rest, final = series[step - BEFORE : step].mean(), series[end - AFTER : end].mean()
    share = (series[step:end] - rest) / (final - rest)
    if not np.isfinite(share).all():
        return Answer(float("nan"), float("nan"))
    reached = np.flatnonzero(share >= REACHED)
    return Answer(float(reached[0]) if len(reached) else float(end - step), float(share[0]))


def run(
    data: Path,
    head: HeadModel,
    head_path: Path,
    makers: dict[str, TrackerMaker],
    config: TrackerConfig,
    rival: Path | None,
    limit: int | None,
) -> dict[str, Any]:
    """Measure steps of jaw and yaw, there and back, of several people.

    head_path  file of the head that is drawn
    makers     by the name that the fit of their trackers gets
    rival      a Python with mediapipe; left out if None
    limit      only so many people
    Raises TrackingError if a face is lost on the way.
    """
    # Here, since rendering loads OpenGL.
    from engine.training.render.steps import renderer_of, step_pictures

    renderer, found = renderer_of(head_path), dict[str, dict[str, list[Answer]]]()
    for seed in range(limit or PEOPLE):
        pictures = step_pictures(renderer, data, seed)
        for step in STEPS:
            rng = np.random.default_rng([_SEED, seed])
            images = filmed(pictures["rest"], pictures[step], rng)
            series = everybody(head, makers, config, rival, images, step)
            for name, values in series.items():
                answers = [
                    answer(values, SETTLING + HELD * way, SETTLING + HELD * (way + 1))
                    for way in (0, 1)
                ]
                found.setdefault(name, {}).setdefault(step, []).extend(answers)
        _log.info("person %d has stepped", seed)
    return {"people": limit or PEOPLE, "tracks": summary(found)}


def filmed(
    rest: NDArray[np.uint8], moved: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Film rest, the moved state, and rest again, (T, H, W, 3): noise and JPEG in every frame."""
    parts = ((rest, SETTLING), (moved, HELD), (rest, HELD))
    noisy = [
        copy
        for image, count in parts
        for copy in noisy_copies(image, np.zeros((count, 2)), rng, NOISE)
    ]
    return through_jpeg(noisy, JPEG_QUALITY)


def everybody(
    head: HeadModel,
    makers: dict[str, TrackerMaker],
    config: TrackerConfig,
    rival: Path | None,
    images: NDArray[np.uint8],
    step: str,
) -> dict[str, Array]:
    """Return what everybody says of the stepping part over time, (T,) each."""
    frames = frames_of(images, RATE)
    series: dict[str, Array] = {}
    model = intrinsics = None
    for name, maker in makers.items():
        results = [result for result, _ in stepped(frames, maker, config)]
        aligned = np.array([_landmarks(head, r) for r in results[SETTLING - BEFORE :]])
        if model is None or intrinsics is None:
            resting, camera = results[SETTLING - 1].head, results[SETTLING - 1].camera
            if resting is None or camera is None:
                raise TrackingError("a rendered face is lost before its step")
            model, intrinsics = landmarks(head, resting.vertices), camera.intrinsics
            series[ALIGNMENT] = _padded(read_points(aligned, step, model, intrinsics))
        series[name] = _padded(_sent(results[SETTLING - BEFORE :], step))
    if rival is not None and model is not None and intrinsics is not None:
        points = mediapipe_video(rival, images)[SETTLING - BEFORE :]
        series[RIVAL] = _padded(read_points(points, step, model, intrinsics))
    return series


def _padded(values: Array) -> Array:
    """Put frames that nobody looks at before a series that starts BEFORE the step."""
    return np.concatenate([np.full(SETTLING - BEFORE, np.nan), values])


def _landmarks(head: HeadModel, result: TrackResult) -> Array:
    if result.alignment is None:
        raise TrackingError("a rendered face is lost at its step")
    return landmarks(head, result.alignment.points_px)


def read_points(points_px: Array, step: str, model: Array, intrinsics: Array) -> Array:
    """Return what landmarks (T, 478, 2) say: the mouth's opening in widths, or the yaw in rad.

    model  (478, 3) landmarks of the resting head, which a pose lays on the points
    """
    if step == "jaw":
        return openings.gap(points_px, _MOUTH) / openings.width(points_px, _MOUTH)
    return yaw_of(poses_of(points_px, model, intrinsics))


def _sent(results: list[TrackResult], step: str) -> Array:
    if step == "jaw":
        return np.array([r.blendshapes["jawOpen"] if r.blendshapes else np.nan for r in results])
    nowhere = np.full((4, 4), np.nan)
    return yaw_of(np.array([r.head.camera_from_head if r.head else nowhere for r in results]))


def yaw_of(camera_from_head: Array) -> Array:
    """Return how far heads (T, 4, 4) are turned about the camera's vertical axis, rad."""
    forward = camera_from_head[:, :3, 2]
    return np.arctan2(forward[:, 0], forward[:, 2])


def summary(found: dict[str, dict[str, list[Answer]]]) -> dict[str, Any]:
    """Return per track and step the mean frames, those added to the alignment's, and at_once."""
    result: dict[str, Any] = {}
    for name, steps in found.items():
        result[name] = {}
        for step, answers in steps.items():
            pairs = [
                (ours, base)
                for ours, base in zip(answers, found[ALIGNMENT][step], strict=True)
                if np.isfinite([ours.frames, base.frames]).all()
            ]
            added = [ours.frames - base.frames for ours, base in pairs]
            known = bool(pairs)
            result[name][step] = {
                "frames": float(np.mean([a.frames for a, _ in pairs])) if known else float("nan"),
                "added": float(np.mean(added)) if known else float("nan"),
                "added_worst": float(np.max(added)) if known else float("nan"),
                "at_once": float(np.mean([a.at_once for a, _ in pairs])) if known else float("nan"),
                "steps": len(pairs),
            }
    return result


def text(result: dict[str, Any]) -> str:
    """Return the table of `bench lag`."""
    parts: list[str] = []
    for step in STEPS:
        lines = [
            (
                name,
                steps[step]["steps"],
                steps[step]["frames"],
                steps[step]["added"],
                steps[step]["added_worst"],
                f"{100 * steps[step]['at_once']:.0f}",
            )
            for name, steps in result["tracks"].items()
        ]
        header = (step, "steps", "frames to 90 %", "added", "most", "% in the first")
        parts.append(table(header, lines))
    return "\n".join(parts)
