"""`flowface bench video`: the tracker on the development clips, against the teacher's track."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation import flow_judge, openings
from engine.evaluation.accuracy import face_side_px, normalised_errors
from engine.evaluation.datasets import clips
from engine.evaluation.datasets.clips import Clip
from engine.evaluation.openings import OPENINGS
from engine.evaluation.regions import MESH_POINTS
from engine.evaluation.tracks import Track, track
from engine.fit.heads import HeadModel
from engine.types import Array

MOTION_FRAMES = 100

_log = logging.getLogger(__name__)


def track_nme(points_px: Array, teacher_px: Array) -> float:
    """Return the mean NME (%) over the frames (T, 478, 2) that both know, 468 points; else NaN."""
    known = np.isfinite(points_px).all(axis=(1, 2)) & np.isfinite(teacher_px).all(axis=(1, 2))
    each = [
        normalised_errors(p[:MESH_POINTS], q[:MESH_POINTS], face_side_px(q)).mean()
        for p, q in zip(points_px[known], teacher_px[known], strict=True)
    ]
    return float(np.mean(each)) if each else float("nan")


def opening_follows(found: Track, teacher_px: Array, name: str) -> dict[str, Any]:
    """Return range of the teacher's opening and how alignment, fit and shapes correlate with it.

    The blendshape of an eye is 1 - eyeBlink, of the mouth jawOpen - mouthClose.
    """
    opening = OPENINGS[name]
    usable = openings.measurable(teacher_px, opening)
    ratio = openings.gap(teacher_px, opening) / openings.width(teacher_px, opening)
    truth = ratio[usable]
    low, high = np.percentile(truth, [1, 99]) if len(truth) else (np.nan, np.nan)
    row: dict[str, Any] = {
        "range": float(high - low),
        "frames": int(usable.sum()),
        "moves": openings.moves(truth, name),
    }
    for kind, points in (("alignment", found.alignment_px), ("fit", found.fit_px)):
        read = openings.gap(points, opening) / openings.width(points, opening)
        row[kind] = openings.correlation(truth, read[usable])
    shape = {
        "left_eye": lambda: 1 - found.blendshape("eyeBlinkLeft"),
        "right_eye": lambda: 1 - found.blendshape("eyeBlinkRight"),
        "mouth": lambda: found.blendshape("jawOpen") - found.blendshape("mouthClose"),
    }[name]()
    row["blendshape"] = openings.correlation(truth, shape[usable])
    return row


def motion(clip: Clip, found: Track) -> dict[str, dict[int, float]]:
    """Return the motion error of the clip's first frames for each track and the frozen points."""
    frames = [f.image for f in clips.frames(clip.path, min(MOTION_FRAMES, len(found.tracked)))]
    pairs = [flow_judge.shrunk(image) for image in frames]
    grey, scale = [pair[0] for pair in pairs], pairs[0][1]
    tracks = {
        "alignment": found.alignment_px,
        "fit": found.fit_px,
        "teacher": clip.teacher_px,
    }
    cut = {n: p[: len(grey), :MESH_POINTS] * scale for n, p in tracks.items()}
    return flow_judge.motion_error(cut, flow_judge.FlowJudge(grey, flow_judge.dis_flow()))


def measured(clip: Clip, found: Track, *, with_motion: bool = True) -> dict[str, Any]:
    """Return every figure of one clip."""
    teacher = clip.teacher_px[: len(found.tracked)]
    labelled = np.isfinite(teacher).all(axis=(1, 2))
    return {
        "frames": len(found.tracked),
        "tracked_percent": float(100 * found.tracked[labelled].mean()),
        "nme_alignment_percent": track_nme(found.alignment_px, teacher),
        "nme_fit_percent": track_nme(found.fit_px, teacher),
        "openings": {name: opening_follows(found, teacher, name) for name in OPENINGS},
        "motion_px": motion(clip, found) if with_motion else None,
        "step_ms_median": float(np.median(found.step_ms)),
    }


def overall(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Sum up the clips: frames tracked over all frames, means over clips, the movers only."""
    frames = np.array([row["frames"] for row in rows.values()], float)
    tracked = np.array([row["tracked_percent"] for row in rows.values()])
    total: dict[str, Any] = {
        "clips": len(rows),
        "tracked_percent": float((tracked * frames).sum() / frames.sum()),
        "nme_alignment_percent": _mean(rows, "nme_alignment_percent"),
        "nme_fit_percent": _mean(rows, "nme_fit_percent"),
        "openings": {},
    }
    for name in OPENINGS:
        movers = [r["openings"][name] for r in rows.values() if r["openings"][name]["moves"]]
        total["openings"][name] = {"clips": len(movers)} | {
            f"{kind}_{what}": float(pick([row[kind] for row in movers])) if movers else float("nan")
            for kind in ("alignment", "fit", "blendshape")
            for what, pick in (("mean", np.mean), ("least", np.min))
        }
    total["motion_to_teacher"] = {
        kind: {h: _motion_ratio(rows, kind, h) for h in flow_judge.HORIZONS}
        for kind in ("alignment", "fit", "frozen")
    }
    return total


def _mean(rows: dict[str, dict[str, Any]], key: str) -> float:
    return float(np.nanmean([row[key] for row in rows.values()]))


def _motion_ratio(rows: dict[str, dict[str, Any]], kind: str, horizon: int) -> float:
    """Return the geometric mean over the clips of the motion error, relative to the teacher's."""
    pairs = [
        (row["motion_px"][kind][horizon], row["motion_px"]["teacher"][horizon])
        for row in rows.values()
        if row["motion_px"] is not None
    ]
    logs = [np.log(ours / theirs) for ours, theirs in pairs if np.isfinite([ours, theirs]).all()]
    return float(np.exp(np.mean(logs))) if logs else float("nan")


def run(
    folder: Path,
    head: HeadModel,
    maker: TrackerMaker,
    config: TrackerConfig,
    names: list[str] | None,
    limit: int | None,
) -> dict[str, Any]:
    """Track and measure the clips of a data folder."""
    rows: dict[str, dict[str, Any]] = {}
    for clip in clips.find(folder, names):
        rows[clip.name] = row = measured(clip, track(clip, head, maker, config, limit))
        _log.info(
            "%s: tracked %.1f %%, NME %.2f %%",
            clip.name,
            row["tracked_percent"],
            row["nme_alignment_percent"],
        )
    return {"clips": rows, "overall": overall(rows)}
