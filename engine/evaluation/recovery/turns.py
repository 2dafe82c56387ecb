"""Rendered heads that turn to both profiles: how far they are followed, and how truly."""

from __future__ import annotations

from collections.abc import Sequence as Many
from itertools import pairwise
from typing import Any

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation.accuracy import face_side_px
from engine.evaluation.datasets.sequences import Sequence
from engine.evaluation.recovery.judge import angle_deg
from engine.evaluation.regions import MESH_POINTS
from engine.evaluation.tables import table
from engine.fit.heads import HeadModel, landmarks
from engine.geometry import assumed_camera
from engine.types import Array

_BINS_DEG = (0, 15, 30, 45, 60, 75, 90)
_ON_FACE_PERCENT = 15.0  # of the landmarks' side, which a profile makes small


def yaw_deg(camera_from_head: Array) -> float:
    """Return the angle between where a head (4, 4) points and the line of sight, sideways."""
    forward, position = -camera_from_head[:3, 2], camera_from_head[:3, 3]
    sight = np.arctan2(position[0], position[2])
    return float(np.rad2deg(abs(np.arctan2(forward[0], -forward[2]) + sight)))


def run(
    turning: Many[Sequence], head: HeadModel, maker: TrackerMaker, config: TrackerConfig
) -> dict[str, Any]:
    """Track sequences; figures by the true yaw."""
    rows = [row for sequence in turning for row in _followed(sequence, head, maker, config)]
    figures: dict[str, Any] = {}
    for low, high in pairwise(_BINS_DEG):
        chosen = [row for row in rows if low <= row[0] < high]
        if not chosen:
            continue
        found = [row for row in chosen if row[1] < _ON_FACE_PERCENT]
        angles = [row[2] for row in found]
        figures[f"{low}-{high}"] = {
            "frames": len(chosen),
            "tracked_percent": 100.0 * len(found) / len(chosen),
            "astray": sum(_ON_FACE_PERCENT <= row[1] < np.inf for row in chosen),
            "nme_percent": float(np.mean([row[1] for row in found])) if found else float("nan"),
            "rotation_deg_mean": float(np.mean(angles)) if found else float("nan"),
            "rotation_deg_p95": float(np.percentile(angles, 95)) if found else float("nan"),
        }
    return figures


def _followed(
    sequence: Sequence, head: HeadModel, maker: TrackerMaker, config: TrackerConfig
) -> list[tuple[float, float, float]]:
    """Return yaw (degrees), NME (%; infinite if lost) and rotation error (degrees) by frame."""
    poses = sequence.pack.camera_from_head
    assert poses is not None
    height, width = sequence.pack.image(0).shape[:2]
    tracker = maker(config, assumed_camera(width, height))
    truth = sequence.landmarks_px(head)
    rows: list[tuple[float, float, float]] = []
    for index in range(len(sequence)):
        found = tracker.step(sequence.frame(index)).head
        nme = angle = float("inf")
        if found is not None:
            off = np.linalg.norm(landmarks(head, found.points_px) - truth[index], axis=1)
            nme = 100.0 * float(off[:MESH_POINTS].mean()) / face_side_px(truth[index])
            angle = angle_deg(found.camera_from_head[:3, :3], poses[index][:3, :3])
        rows.append((yaw_deg(poses[index].astype(np.float64)), nme, angle))
    return rows


def text(figures: dict[str, Any]) -> str:
    """Return the table by yaw."""
    header = ("yaw, degrees", "frames", "tracked %", "astray", "NME %",
              "rotation error, degrees", "p95")  # fmt: skip
    return table(header, [(name, *row.values()) for name, row in figures.items()])
