"""How well the irises are found, and what that does to the direction of gaze."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.evaluation.openings import OPENINGS, correlation, gap, width
from engine.evaluation.regions import LEFT_IRIS, RIGHT_IRIS
from engine.evaluation.rendered_faces import RenderedFaces
from engine.fit.heads import HeadModel
from engine.types import Array

CENTRES = (LEFT_IRIS[0], RIGHT_IRIS[0])
LEAST_OPEN = 0.12  # of the eye's width: below, there is no iris to see
_EYES = (("left_eye", LEFT_IRIS), ("right_eye", RIGHT_IRIS))


def iris_summary(head: HeadModel, faces: RenderedFaces) -> dict[str, Any]:
    """Return per eye the error of the iris's centre and ring and of the gaze that it implies.

    The correlation is that of the iris's place from corner to corner: 0 for eyes that never turn.
    """
    return {name: _one(head, faces, side, name, iris) for side, (name, iris) in enumerate(_EYES)}


def _one(
    head: HeadModel, faces: RenderedFaces, side: int, name: str, iris: tuple[int, ...]
) -> dict[str, Any]:
    opening = OPENINGS[name]
    found, true = faces.found_px, faces.true_px
    usable = faces.iris_seen[:, side] & faces.rim_seen[name]
    usable &= gap(true, opening) / width(true, opening) >= LEAST_OPEN
    if not usable.any():
        none = float("nan")
        return {
            "eyes": 0,
            "centre_percent": none,
            "ring_percent": none,
            "gaze_deg": none,
            "correlation": none,
        }
    found, true = found[usable], true[usable]
    wide = width(true, opening)
    sideways = [_relative(p, iris[0], opening.corners)[:, 0] / wide for p in (found, true)]
    error = np.linalg.norm(found[:, list(iris)] - true[:, list(iris)], axis=2)
    result: dict[str, Any] = {
        "eyes": int(usable.sum()),
        "centre_percent": float((100 * error[:, 0] / wide).mean()),
        "ring_percent": float((100 * error[:, 1:].mean(axis=1) / wide).mean()),
        "correlation": correlation(sideways[0], sideways[1]),
        "gaze_deg": float("nan"),
    }
    poses = faces.pack.camera_from_head
    if faces.intrinsics is not None and poses is not None:
        px_per_m = faces.intrinsics[usable, 0, 0] / poses[: len(faces)][usable, 2, 3]
        degrees = gaze_error_deg(found, true, iris[0], opening.corners, eye_radius(head, side),
                                 px_per_m)  # fmt: skip
        result["gaze_deg"], result["gaze_median_deg"] = (
            float(degrees.mean()),
            float(np.median(degrees)),
        )
    return result


def eye_radius(head: HeadModel, side: int) -> float:
    """Return the distance (m) of the iris's centre from the eye's joint; side 0 is the left."""
    corners = head.landmark_triangles[CENTRES[side]]
    centre = head.landmark_weights[CENTRES[side]] @ head.neutral[corners]
    return float(np.linalg.norm(centre - head.joint_neutral[2 + side]))


def gaze_error_deg(
    found_px: Array,
    true_px: Array,
    centre: int,
    corners: tuple[int, int],
    radius_m: float,
    px_per_m: Array,
) -> Array:
    """Return by how many degrees an eye seems to look elsewhere, (N,).

    found_px, true_px  (N, 478, 2)
    centre             landmark of the iris's centre
    corners            landmarks of the eye's corners: the iris counts relative to them, since a
                       shift of the whole eye is no turn
    radius_m           of the iris's centre about the eye's joint
    px_per_m           (N,) at the head's distance

    For an eye that looks at the camera; aside, the same error is a larger angle.
    """

    found, true = (_relative(points, centre, corners) for points in (found_px, true_px))
    moved_m = np.linalg.norm(found - true, axis=1) / px_per_m
    return np.rad2deg(np.arctan2(moved_m, radius_m))


def _relative(points_px: Array, centre: int, corners: tuple[int, int]) -> Array:
    """Return where the iris is from the middle of the eye's corners, (N, 2) px."""
    return points_px[:, centre] - points_px[:, list(corners)].mean(axis=1)
