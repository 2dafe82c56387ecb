"""How much a track trembles while nothing moves: scatter, and bend from frame to frame.

*Scatter* is the standard deviation over time; slow drift is in it. *Bend* is the root mean square
second difference over the root of 6, which for noise that is new in every frame is the standard
deviation again and for slow drift is nothing: what an avatar visibly shakes by.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.evaluation.flow_judge import FACE_PX
from engine.evaluation.regions import MESH_POINTS
from engine.types import Array

_WHITE = np.sqrt(6.0)  # variance of x0 - 2 x1 + x2, of unit white noise


@dataclass(frozen=True)
class Jitter:
    """Of one series."""

    scatter: float
    bend: float


def jitter(values: Array, axes: int = 1) -> Jitter:
    """Return the jitter of vectors over time (T, ..., axes), the mean over what stands between.

    A vector's is that of one of its axes: the root mean square over them.
    """
    flat = np.asarray(values, np.float64).reshape(len(values), -1, axes)
    if len(flat) < 3:
        return Jitter(float("nan"), float("nan"))
    variance = flat.var(axis=0, ddof=1).mean(axis=-1)
    second = np.diff(flat, 2, axis=0)
    bend = (second**2).mean(axis=(0, 2))
    return Jitter(
        float(np.sqrt(variance).mean()),
        float(np.sqrt(bend).mean() / _WHITE),
    )


def landmark_jitter(points_px: Array, shift_px: Array) -> Jitter:
    """Return the jitter of landmarks (T, 478, 2), px at a face 256 px high.

    shift_px  (T, 2) by which the picture is known to have moved; taken off
    """
    steady = (points_px - shift_px[:, None])[:, :MESH_POINTS]
    return _scaled(jitter(steady, 2), _scale(points_px))


def shape_jitter(points_px: Array) -> Jitter:
    """Return what is left of the landmarks' jitter when the head's motion is taken out.

    Every frame's landmarks (T, 478, 2) are laid on the mean of all by shift, turn and scale; px at
    a face 256 px high.
    """
    points = np.asarray(points_px[:, :MESH_POINTS], np.float64)
    mean = points.mean(axis=0)
    return _scaled(jitter(np.array([_laid(p, mean) for p in points]), 2), _scale(points_px))


def rotation_jitter_deg(rotations: Array) -> Jitter:
    """Return the jitter of rotations (T, 3, 3), degrees about an axis: rms over three axes."""
    u, _, vt = np.linalg.svd(np.asarray(rotations, np.float64).mean(axis=0))
    middle = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    turned = np.array([cv2.Rodrigues(r @ middle.T)[0].ravel() for r in rotations])
    return jitter(np.rad2deg(turned), 3)


def poses_of(points_px: Array, model: Array, intrinsics: Array) -> Array:
    """Return the pose that lays a rigid model on landmarks, (T, 4, 4).

    points_px   (T, N, 2)
    model       (N, 3) metres
    intrinsics  (3, 3)
    """
    result = np.tile(np.eye(4), (len(points_px), 1, 1))
    for t, points in enumerate(np.asarray(points_px, np.float64)):
        given = model.astype(np.float64), points, intrinsics, None
        _, turn, place = cv2.solvePnP(*given, flags=cv2.SOLVEPNP_SQPNP)
        turn, place = cv2.solvePnPRefineLM(*given, turn, place)
        result[t, :3, :3], result[t, :3, 3] = cv2.Rodrigues(turn)[0], place.ravel()
    return result


def _laid(points: Array, onto: Array) -> Array:
    """Return points (N, 2) moved by the similarity that brings them nearest to others."""
    a, b = (p[:, 0] + 1j * p[:, 1] for p in (points, onto))
    middle = b.mean()
    a, b = a - a.mean(), b - middle
    laid = a * (np.vdot(a, b) / np.vdot(a, a)) + middle
    return np.stack([laid.real, laid.imag], axis=1)


def _scale(points_px: Array) -> float:
    return FACE_PX / float(np.ptp(points_px[:, :MESH_POINTS, 1], axis=1).mean())


def _scaled(found: Jitter, factor: float) -> Jitter:
    return Jitter(found.scatter * factor, found.bend * factor)
