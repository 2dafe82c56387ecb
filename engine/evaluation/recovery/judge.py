"""Compares what the tracker said of a scene with what was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.accuracy import face_side_px
from engine.evaluation.recovery.watch import Seen
from engine.evaluation.regions import LANDMARK_REGIONS, LEFT_EYE, MESH_POINTS, RIGHT_EYE
from engine.types import BLENDSHAPE_NAMES, Array

ON_FACE_PERCENT = 10.0  # mean distance of the mesh, of the face's side
_PARTS: tuple[tuple[str, str, tuple[int, ...]], ...] = (  # start and end of a blendshape's name,
    ("eye", "Left", LEFT_EYE),  # and the landmarks that it lives on
    ("eye", "Right", RIGHT_EYE),
    ("brow", "", LANDMARK_REGIONS["brows"]),
    ("mouth", "", LANDMARK_REGIONS["mouth"]),
    ("jaw", "", LANDMARK_REGIONS["mouth"]),
    ("tongue", "", LANDMARK_REGIONS["mouth"]),
    ("nose", "", LANDMARK_REGIONS["nose"]),
)
_HIDDEN = 0.6  # share of a part's landmarks from which it is covered
_STILL_SHOWN = 0.1  # a weight that leaves what the person ever shows in the scene by more is false


def judged(seen: Sequence[Seen]) -> dict[str, Any]:
    """Return the figures of one scene."""
    must = [row for row in seen if row.shot.must and row.shot.wanted is not None]
    on_face = [on_wanted(row) for row in must]
    tracked = [row for row in seen if row.points_px is not None]
    return {
        "shots": len(seen),
        "clear": len(must),
        "tracked_percent": 100.0 * float(np.mean(on_face)) if must else float("nan"),
        "astray": sum(row.shot.wanted is not None and not on_wanted(row) for row in tracked),
        "hops": sum(_on_another(row) for row in tracked),
        "ghosts": sum(row.shot.wanted is None for row in tracked),
        "lost_after": _lost_after(seen),
        "back_after_s": _back_after_s(seen),
        "nme_percent": float(
            np.mean([_nme(row, row.shot.wanted) for row in must if on_wanted(row)])
        )
        if any(on_face)
        else float("nan"),
        "step_ms_median": float(np.median([row.step_ms for row in seen])),
        "step_ms_worst": float(np.max([row.step_ms for row in seen[1:]])),
    }


def _nme(row: Seen, name: str | None) -> float:
    """Return the mean distance of the found mesh to somebody's, in % of the face's side."""
    if row.points_px is None or name is None or name not in row.shot.faces:
        return float("inf")
    truth = row.shot.faces[name]
    distance = np.linalg.norm(row.points_px - truth, axis=1)[:MESH_POINTS]
    return 100.0 * float(distance.mean()) / face_side_px(truth)


def on_wanted(row: Seen) -> bool:
    """Return whether the one to follow is tracked."""
    return _nme(row, row.shot.wanted) < ON_FACE_PERCENT


def _on_another(row: Seen) -> bool:
    others = [name for name in row.shot.faces if name != row.shot.wanted]
    return any(_nme(row, name) < min(_nme(row, row.shot.wanted), 20.0) for name in others)


def _lost_after(seen: Sequence[Seen]) -> int:
    """Return for how many shots at most a face was tracked from when there was none to track."""
    longest = run = 0
    for row in seen:
        run = run + 1 if row.shot.wanted is None and row.points_px is not None else 0
        longest = max(longest, run)
    return longest


def _back_after_s(seen: Sequence[Seen]) -> float:
    """Return the longest time from when a face had to be tracked until it was."""
    longest, since = 0.0, None
    for row in seen:
        if not row.shot.must or row.shot.wanted is None:
            since = None
            continue
        if on_wanted(row):
            since = None
            continue
        since = row.shot.time_s if since is None else since
        # One shot more: it will be found in the next one at best.
        longest = max(longest, row.shot.time_s - since + 0.04)
    return longest


def against_clean(seen: Sequence[Seen], clean: Sequence[Seen]) -> dict[str, Any]:
    """Compare shots in which a part is covered with the same ones without the cover."""
    pairs = [(row, bare) for row, bare in zip(seen, clean, strict=True) if _comparable(row, bare)]
    if not pairs:
        return {}
    weights = np.array([bare.weights for bare in clean if bare.weights is not None])
    low, high = weights.min(axis=0) - _STILL_SHOWN, weights.max(axis=0) + _STILL_SHOWN
    hidden, false, turned = list[float](), list[float](), list[float]()
    for row, bare in pairs:
        assert row.weights is not None
        assert bare.weights is not None
        assert row.shot.covered is not None
        names = _hidden_shapes(row.shot.covered)
        hidden.extend(np.abs(row.weights - bare.weights)[names])
        false.extend(np.maximum(row.weights - high, low - row.weights)[names].clip(0))
        turned.append(angle_deg(row.rotation, bare.rotation))
    return {
        "sigma_ratio_covered": _sigma_ratio(pairs, covered=True),
        "sigma_ratio_open": _sigma_ratio(pairs, covered=False),
        "rotation_deg_p95": float(np.percentile(turned, 95)),
        "hidden_shapes_mean": float(np.mean(hidden)) if hidden else float("nan"),
        "hidden_shapes_false_p99": float(np.percentile(false, 99)) if false else float("nan"),
    }


def _comparable(row: Seen, bare: Seen) -> bool:
    """Return whether a part is covered, the face is wanted all the same, and both have it."""
    partly = row.shot.covered is not None and row.shot.covered.any()
    both = row.weights is not None and bare.weights is not None
    return bool(partly and both and row.shot.wanted is not None)


def _hidden_shapes(covered: NDArray[np.bool_]) -> list[int]:
    """Return the blendshapes whose part of the face is covered, by landmarks (478,)."""
    return [
        index
        for index, name in enumerate(BLENDSHAPE_NAMES)
        for start, end, part in _PARTS
        if name.startswith(start) and name.endswith(end) and covered[list(part)].mean() >= _HIDDEN
    ]


def _sigma_ratio(pairs: Sequence[tuple[Seen, Seen]], *, covered: bool) -> float:
    ratios: list[float] = []
    for row, bare in pairs:
        assert row.shot.covered is not None
        points = row.shot.covered[:MESH_POINTS] == covered
        if points.any() and row.sigma_px is not None and bare.sigma_px is not None:
            theirs = np.median(bare.sigma_px[:MESH_POINTS][points])
            ratios.append(float(np.median(row.sigma_px[:MESH_POINTS][points]) / theirs))
    return float(np.median(ratios)) if ratios else float("nan")


def angle_deg(one: Array | None, other: Array | None) -> float:
    """Return the angle between two rotations (3, 3), degrees."""
    assert one is not None
    assert other is not None
    cosine = (np.trace(one @ other.T) - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def left_over(seen: Sequence[Seen], alone: Sequence[Seen], cut: int) -> float:
    """Return how much of the first person is left in the second, 0 none .. 1 all.

    seen   a scene that cuts from one person to another at shot `cut`
    alone  the same scene from the cut on, by a tracker that knows nobody

    The share of the way from the second person, as learnt alone, to the first at which the
    scene's last identity lies.
    """
    first = next((row.identity for row in seen[cut - 1 :: -1] if row.identity is not None), None)
    mixed = next((row.identity for row in seen[::-1] if row.identity is not None), None)
    own = next((row.identity for row in alone[::-1] if row.identity is not None), None)
    if first is None or mixed is None or own is None:
        return float("nan")
    way = first - own
    return float((mixed - own) @ way / max(float(way @ way), 1e-12))
