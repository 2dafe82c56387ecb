"""The whole tracker on rendered sequences: what it is sent on, against the truth.

The person is learnt on the way. The camera is the true one, as if it had been calibrated: a
sequence is a window cut from an imagined larger picture, whose axis nobody could guess.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation import fit_scenes, performance
from engine.evaluation import ssme as motion
from engine.evaluation.datasets import sequences
from engine.evaluation.datasets.sequences import Sequence
from engine.evaluation.fit_scenes import KnownScene
from engine.evaluation.fit_truth import face_vertices, rigid_distance_mm, turn_deg
from engine.evaluation.flow_judge import FACE_PX
from engine.evaluation.performance import Performed
from engine.evaluation.regions import MESH_POINTS
from engine.evaluation.tracks import stepped
from engine.fit.heads import HeadModel
from engine.fit.skinning import vertices
from engine.fit.solver import FitState
from engine.types import Array, Camera, TrackResult

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Placed:
    """Errors of T tracked frames of one person."""

    vertex_mm: Array  # (T,) mean distance of the face's vertices after a rigid motion
    rotation_deg: Array  # (T,)
    turn_deg: Array  # (T,) of the rotation since the first tracked frame
    performed: Performed


def run(
    folder: Path, head: HeadModel, maker: TrackerMaker, config: TrackerConfig, limit: int | None
) -> dict[str, Any]:
    """Track every sequence of a folder.

    limit  only so many frames of each
    Raises AssetError if there is no sequence.

    A head of another shape has no coefficients: it counts for motion alone.
    """
    ssme: dict[str, float] = {}
    placed: dict[str, Placed] = {}
    tracked: list[float] = []
    for path in sequences.find(folder):
        sequence = sequences.read(path, limit)
        frames = [sequence.frame(index) for index in range(len(sequence))]
        results = [
            result for result, _ in stepped(frames, maker, config, camera_of(path, sequence))
        ]
        tracked.append(float(np.mean([result.head is not None for result in results])))
        ssme[sequence.name] = ssme_px(head, sequence, results)
        scene = fit_scenes.truth_of(head, path, len(sequence))
        if scene is not None:
            placed[sequence.name] = placed_by(head, scene, results)
        _log.info("%s: SSME %.2f px", sequence.name, ssme[sequence.name])
    result: dict[str, Any] = {
        "sequences": len(ssme),
        "tracked_percent": 100 * float(np.mean(tracked)),
        "ssme_px": float(np.nanmean(list(ssme.values()))),
        "ssme_by_sequence_px": ssme,
    }
    if placed:
        result |= {
            key: float(np.mean([getattr(one, key).mean() for one in placed.values()]))
            for key in ("vertex_mm", "rotation_deg", "turn_deg")
        }
        people = [one.performed for one in placed.values()]
        result["performance"] = performance.summary(people, moving=True)
    return result


def camera_of(path: Path, sequence: Sequence) -> Camera:
    """Return the camera that took a sequence."""
    with np.load(path, allow_pickle=False) as file:
        intrinsics = file["intrinsics"][0].astype(np.float64)
    height, width = sequence.frame(0).image.shape[:2]
    return Camera(intrinsics, np.zeros(5), (width, height), calibrated=True)


def ssme_px(head: HeadModel, sequence: Sequence, results: list[TrackResult]) -> float:
    """Return the fit's SSME over the face, mean over h = 1 .. 30, px at a face 256 px high."""
    nowhere = np.full(sequence.points_px.shape[1:], np.nan)
    points = np.array([nowhere if r.head is None else r.head.points_px for r in results])
    moved = motion.ssme(sequence.truth(head), points, motion.region_triangles(head))
    scale = FACE_PX / float(np.ptp(sequence.landmarks_px(head)[0, :MESH_POINTS, 1]))
    return moved.mean_px("face") * scale


def placed_by(head: HeadModel, scene: KnownScene, results: list[TrackResult]) -> Placed:
    """Compare tracked frames with the truth; lost ones do not count."""
    face = face_vertices(head)
    known = [(r, r.head, s) for r, s in zip(results, scene.truth, strict=True) if r.head]
    states = [FitState(h.camera_from_head, h.expression, h.gaze, h.neck) for _, h, _ in known]
    surfaces = [
        rigid_distance_mm(
            found.vertices[face],
            vertices(head, scene.identity, true.expression, true.gaze, true.neck)[face],
        )
        for _, found, true in known
    ]
    poses = [(found.camera_from_head, true.camera_from_head) for _, found, true in known]
    only = KnownScene(
        scene.name, scene.identity, [true for _, _, true in known], [],
        scene.intrinsics, scene.assumed, scene.fit_focal,
    )  # fmt: skip
    weights = [np.asarray(r.blendshapes.weights) for r, _, _ in known if r.blendshapes]
    return Placed(
        vertex_mm=np.array(surfaces),
        rotation_deg=np.array([turn_deg(*pair) for pair in poses]),
        turn_deg=np.array([turn_deg(*_since(pair, poses[0])) for pair in poses]),
        performed=performance.performed(head, only, weights, states),
    )


def _since(pose: tuple[Array, Array], first: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return how found and true head have turned since the first frame, in camera axes."""
    ours, theirs = (now[:3, :3] @ then[:3, :3].T for now, then in zip(pose, first, strict=True))
    return ours, theirs
