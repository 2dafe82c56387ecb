"""`flowface bench calm`: how still the tracker holds a still face, against MediaPipe's landmarks.

One frame of every development clip is held, and filmed again and again: with fresh sensor noise
and JPEG, as a webcam sends it; through H.264, as a call delivers it; and by a camera that shakes by
less than a pixel. What moves after the first second is jitter, once the known shake is taken off.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.errors import TrackingError
from engine.evaluation import jitter
from engine.evaluation.datasets import clips
from engine.evaluation.datasets.clips import Clip
from engine.evaluation.jitter import Jitter
from engine.evaluation.rivals.run import mediapipe_video
from engine.evaluation.shaken import noisy_copies, through_jpeg
from engine.evaluation.smoothing import delayed, one_euro
from engine.evaluation.tables import table
from engine.evaluation.tracks import frames_of, stepped
from engine.fit.heads import HeadModel, landmarks
from engine.types import Array, TrackResult

RATE, SETTLING, FRAMES = 30.0, 30, 60  # frames a second, before and during measuring
NOISE, JPEG_QUALITY, CRF = 2.5, 85, 23
SHAKE_PX, SHAKE_HZ = (0.35, 0.15), (2.9, 7.3)
CAMERAS = ("jpeg", "h264", "tremor")
ALIGNMENT, RIVAL = "alignment", "MediaPipe"
SMOOTHED = "MediaPipe, own smoothing"
MEASURES = ("landmarks", "rotation", "place", "shape", "weights")
_SEED = 11

_log = logging.getLogger(__name__)

Figures = dict[str, Jitter]  # measure -> jitter


class Film(NamedTuple):
    """A held picture, filmed."""

    images: NDArray[np.uint8]  # (T, H, W, 3)
    shift_px: Array  # (T, 2) by which the picture moved


def filmed(image: NDArray[np.uint8], camera: str, count: int, rng: np.random.Generator) -> Film:
    """Film a picture (H, W, 3) of even sides `count` times, by one of CAMERAS."""
    shift = _shake(count, rng) if camera == "tremor" else np.zeros((count, 2))
    noisy = list(noisy_copies(image, shift, rng, NOISE))
    if camera == "h264":
        # Here, since rendering loads OpenGL.
        from engine.training.render.sequence import through_h264

        return Film(np.stack(through_h264(noisy, CRF)), shift)
    return Film(through_jpeg(noisy, JPEG_QUALITY), shift)


def _shake(count: int, rng: np.random.Generator) -> Array:
    """Return a desk's tremble (T, 2): two sines in x and in y, of random phase."""
    seconds = np.arange(count)[:, None] / RATE
    phases = rng.uniform(0, 2 * np.pi, (len(SHAKE_HZ), 1, 2))
    waves = zip(SHAKE_PX, SHAKE_HZ, phases, strict=True)
    return np.sum([a * np.sin(2 * np.pi * hz * seconds + p) for a, hz, p in waves], axis=0)


class Seen(NamedTuple):
    """What somebody says of a film's T measured frames."""

    points_px: Array  # (T, 478, 2)
    camera_from_head: Array | None = None  # (T, 4, 4); None where only points are known
    weights: Array | None = None  # (T, 52)


def run(
    folder: Path,
    head: HeadModel,
    makers: dict[str, TrackerMaker],
    config: TrackerConfig,
    rival: Path | None,
    names: list[str] | None,
    limit: int | None,
    lag_frames: float = 0.0,
) -> dict[str, Any]:
    """Measure every clip's held frame.

    makers      by the name that the fit of their trackers gets
    rival       a Python with mediapipe; no ratio if None
    limit       only so many frames after the first second
    lag_frames  that our fit adds to a step; the rival's landmarks are smoothed to the same
    Raises AssetError if clips or rival are missing, TrackingError for a face that is not tracked.
    """
    rows: dict[str, dict[str, dict[str, Figures]]] = {camera: {} for camera in CAMERAS}
    for number, clip in enumerate(clips.find(folder, names)):
        image = held_frame(clip)
        for camera in CAMERAS:
            rng = np.random.default_rng([_SEED, number])
            film = filmed(image, camera, SETTLING + (limit or FRAMES), rng)
            seen, model, intrinsics = ours(head, makers, config, film, clip.name)
            if rival is not None:
                seen |= theirs(mediapipe_video(rival, film.images), lag_frames)
            shift = film.shift_px[SETTLING:]
            rows[camera][clip.name] = {
                name: figures_of(one, shift, model, intrinsics) for name, one in seen.items()
            }
        _log.info("%s: held and filmed", clip.name)
    return {
        "lag_frames": lag_frames,
        "clips": {
            camera: {
                clip: {name: _plain(figures) for name, figures in found.items()}
                for clip, found in by_clip.items()
            }
            for camera, by_clip in rows.items()
        },
        "cameras": {camera: pooled(list(by_clip.values())) for camera, by_clip in rows.items()},
    }


def held_frame(clip: Clip) -> NDArray[np.uint8]:
    """Return the middle one of a clip's frames with a known face, (H, W, 3) of even sides."""
    known = np.flatnonzero(np.isfinite(clip.teacher_px).all(axis=(1, 2)))
    wanted = int(known[len(known) // 2])
    *_, frame = clips.frames(clip.path, wanted + 1)
    height, width = (side // 2 * 2 for side in frame.image.shape[:2])
    return frame.image[:height, :width]


def ours(
    head: HeadModel,
    makers: dict[str, TrackerMaker],
    config: TrackerConfig,
    film: Film,
    name: str,
) -> tuple[dict[str, Seen], Array, Array]:
    """Return what the first tracker's network and every tracker's fit say of a film.

    With them the landmarks of the fitted head (478, 3), metres, and the camera matrix (3, 3): what
    poses are read off landmarks with.
    """
    frames = frames_of(film.images, RATE)
    seen: dict[str, Seen] = {}
    parts: tuple[Array, Array] | None = None
    for variant, maker in makers.items():
        results = [result for result, _ in stepped(frames, maker, config)][SETTLING:]
        alignment, fit = _read(head, results, name)
        seen.setdefault(ALIGNMENT, alignment)
        seen[variant] = fit
        last = results[-1]
        if parts is None and last.head is not None and last.camera is not None:
            parts = landmarks(head, last.head.vertices), last.camera.intrinsics
    if parts is None:
        raise TrackingError(f"{name}: no tracker to measure")
    return seen, *parts


def _read(head: HeadModel, results: list[TrackResult], name: str) -> tuple[Seen, Seen]:
    """Return the alignment and the fit of results. Raises TrackingError where there is no face."""
    aligned, fitted, poses, weights = [], [], [], []
    for result in results:
        if result.head is None or result.alignment is None or result.blendshapes is None:
            raise TrackingError(f"{name}: the tracker loses a face that is held still")
        aligned.append(landmarks(head, result.alignment.points_px))
        fitted.append(landmarks(head, result.head.points_px))
        poses.append(result.head.camera_from_head)
        weights.append(result.blendshapes.weights)
    return (
        Seen(np.array(aligned)),
        Seen(np.array(fitted), np.array(poses), np.array(weights)),
    )


def theirs(points_px: Array, lag_frames: float) -> dict[str, Seen]:
    """Return the rival's landmarks of all frames (T, 478, 2): at equal lag, and self-smoothed."""
    return {
        RIVAL: Seen(delayed(points_px, lag_frames)[SETTLING:]),
        SMOOTHED: Seen(one_euro(points_px, RATE)[SETTLING:]),
    }


def figures_of(seen: Seen, shift_px: Array, model: Array, intrinsics: Array) -> Figures:
    """Return every jitter of one track.

    shift_px  (T, 2) by which the picture moved

    A fit's own pose counts, but where the picture moved: a shift is no motion of a head. There, and
    where only points are known, the pose is the one that lays the fitted head on the landmarks.
    """
    points = seen.points_px
    poses = seen.camera_from_head
    if poses is None or np.any(shift_px):
        poses = jitter.poses_of(points - shift_px[:, None], model, intrinsics)
    nothing = Jitter(float("nan"), float("nan"))
    return {
        "landmarks": jitter.landmark_jitter(points, shift_px),
        "rotation": jitter.rotation_jitter_deg(poses[:, :3, :3]),
        "place": jitter.jitter(1e3 * poses[:, :3, 3], 3),
        "shape": jitter.shape_jitter(points),
        "weights": nothing if seen.weights is None else jitter.jitter(seen.weights),
    }


def pooled(clips_found: list[dict[str, Figures]]) -> dict[str, Any]:
    """Return every track's mean jitter over the clips, and its geometric mean ratio to the rival's.

    returns  track -> measure -> scatter, bend, and with a rival scatter_ratio, bend_ratio
    """
    result: dict[str, Any] = {}
    for name in clips_found[0]:
        result[name] = {}
        for measure in MEASURES:
            row: dict[str, float] = {}
            for kind in ("scatter", "bend"):
                values = [getattr(found[name][measure], kind) for found in clips_found]
                row[kind] = float(np.mean(values))
                if RIVAL in clips_found[0]:
                    rival = [getattr(found[RIVAL][measure], kind) for found in clips_found]
                    with np.errstate(divide="ignore"):  # what never moves is infinitely better
                        logs = np.log(values) - np.log(rival)
                    row[f"{kind}_ratio"] = float(np.exp(np.mean(logs)))
            result[name][measure] = row
    return result


def _plain(figures: Figures) -> dict[str, Any]:
    return {measure: asdict(found) for measure, found in figures.items()}


def text(result: dict[str, Any]) -> str:
    """Return the tables of `bench calm`."""
    units = {"landmarks": "px", "rotation": "deg", "place": "mm", "shape": "px", "weights": ""}
    parts: list[str] = []
    for camera, tracks in result["cameras"].items():
        for kind in ("scatter", "bend"):
            lines = [
                (
                    name,
                    *(f"{row[measure][kind]:.4f}" for measure in MEASURES),
                    *(row[measure].get(f"{kind}_ratio", float("nan")) for measure in MEASURES[:-1]),
                )
                for name, row in tracks.items()
            ]
            header = (
                f"{camera}: {kind}",
                *(f"{measure} {unit}".strip() for measure, unit in units.items()),
                *(f"x {RIVAL} {measure}" for measure in MEASURES[:-1]),
            )
            parts.append(table(header, lines))
    return "\n".join(parts)
