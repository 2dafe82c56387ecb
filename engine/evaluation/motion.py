"""`flowface bench motion`: motion error on the development clips, judged by TV-L1 flow.

Our alignment, the fit in all its variants, and MediaPipe FaceMesh in its video mode are run on the
same frames and compared at the same pixels of the same pairs of frames.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation import flow_judge
from engine.evaluation.datasets import clips
from engine.evaluation.regions import MESH_POINTS
from engine.evaluation.rivals.run import mediapipe_video
from engine.evaluation.tables import table
from engine.evaluation.tracks import track_frames
from engine.evaluation.tvl1_judge import TvL1Judge
from engine.fit.heads import HeadModel
from engine.types import Array

FRAMES = 100
HORIZONS = (1, 3, 10, 30)
RIVAL, ALIGNMENT, FROZEN = "MediaPipe", "alignment", "frozen"

_log = logging.getLogger(__name__)

Errors = dict[str, dict[int, float]]  # track -> horizon -> px at a 256 px face


def run(
    folder: Path,
    head: HeadModel,
    makers: dict[str, TrackerMaker],
    config: TrackerConfig,
    rival: Path,
    names: list[str] | None,
    limit: int | None,
    cache: Path | None,
) -> dict[str, Any]:
    """Measure the first frames of the clips.

    makers  by the name that the fit of their trackers gets; the alignment is the first one's
    rival   a Python with mediapipe, and with OpenCV's optflow, the judge
    cache   folder that keeps what the judge said
    Raises AssetError if clips, rival or judge are missing.
    """
    rows: dict[str, Errors] = {}
    for clip in clips.find(folder, names):
        frames = list(clips.frames(clip.path, limit or FRAMES))
        tracks: dict[str, Array] = {}
        for name, maker in makers.items():
            found = track_frames(frames, head, maker, config)
            tracks.setdefault(ALIGNMENT, found.alignment_px)
            tracks[name] = found.fit_px
        tracks[RIVAL] = mediapipe_video(rival, np.stack([frame.image for frame in frames]))
        pairs = [flow_judge.shrunk(frame.image) for frame in frames]
        judge = TvL1Judge([grey for grey, _ in pairs], rival, cache)
        scaled = {name: points[:, :MESH_POINTS] * pairs[0][1] for name, points in tracks.items()}
        rows[clip.name] = flow_judge.motion_error(scaled, judge, HORIZONS)
        _log.info("%s: %s", clip.name, {n: round(r[1], 3) for n, r in rows[clip.name].items()})
    return {"clips": rows, "to_rival": ratios(rows), "px": means(rows)}


def ratios(rows: dict[str, Errors]) -> Errors:
    """Return the geometric mean over the clips of every track's error relative to the rival's."""
    return _pooled(rows, lambda errors, name, h: errors[name][h] / errors[RIVAL][h])


def means(rows: dict[str, Errors]) -> Errors:
    """Return the geometric mean over the clips of every track's error, px."""
    return _pooled(rows, lambda errors, name, h: errors[name][h])


def _pooled(rows: dict[str, Errors], value: Callable[[Errors, str, int], float]) -> Errors:
    names = list(next(iter(rows.values())))
    result: Errors = {}
    for name in names:
        result[name] = {}
        for h in HORIZONS:
            logs = np.log([value(errors, name, h) for errors in rows.values()])
            known = logs[np.isfinite(logs)]
            result[name][h] = float(np.exp(known.mean())) if len(known) else float("nan")
    return result


def text(result: dict[str, Any]) -> str:
    """Return the tables of `bench motion`."""
    tracks = list(result["to_rival"])
    spans = [f"h={h}" for h in HORIZONS]
    summed = [
        (
            name,
            *(f"{result['to_rival'][name][h]:.3f}" for h in HORIZONS),
            *(f"{result['px'][name][h]:.3f}" for h in HORIZONS),
        )
        for name in tracks
    ]
    header = (
        "motion error, TV-L1",
        *(f"x {RIVAL} {s}" for s in spans),
        *(f"px {s}" for s in spans),
    )
    parts = [table(header, summed)]
    for h in HORIZONS:
        lines = [
            (clip, *(f"{errors[name][h]:.3f}" for name in tracks))
            for clip, errors in result["clips"].items()
        ]
        parts.append(table((f"px at a 256 px face, h={h}", *tracks), lines))
    return "\n".join(parts)
