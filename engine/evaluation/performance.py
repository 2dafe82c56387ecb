"""The performance of known people: every blendshape, blink and glance against the truth.

What an avatar is sent counts, so the truth is put into its words: an eyeBlink of 1 is a lid that
touches, whatever this face needs for that, and eyeLook is the true gaze.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.fit_scenes import KnownScene
from engine.evaluation.tables import table
from engine.fit.closure import BLINKS, Closure
from engine.fit.heads import HeadModel, gaze_rotation
from engine.fit.sides import merged
from engine.fit.solver import FitState
from engine.training.render.expressions import look_weights
from engine.types import BLENDSHAPE_NAMES, Array

ACTIVE, STRONG, IDLE = 0.1, 0.5, 0.02  # true weights from which, and up to which, a shape counts
SHUT = 0.5  # of a blink: the lid has passed the middle
REOPENED = 0.3  # below, an eye that was shut can blink anew: a lid that hovers blinks once
TURNED_DEG = 30.0
LATE_FRAMES = 1
_AWAKE = 0.5  # up to this blink an eye can be seen to look somewhere
_FEWEST = 3  # frames, for a figure of one shape


@dataclass(frozen=True, eq=False)
class Performed:
    """T frames of one person, found and true."""

    found: Array  # (T, 52)
    true: Array  # (T, 52)
    found_gaze: Array  # (T, 2, 2) rad
    true_gaze: Array  # (T, 2, 2) rad
    yaw_deg: Array  # (T,) how far the head is turned from the line of sight, >= 0


def performed(
    head: HeadModel, scene: KnownScene, weights: Sequence[Array], states: Sequence[FitState]
) -> Performed:
    """Put a scene's truth beside what was found.

    weights  T blendshapes (52,) as an avatar gets them
    states   T fitted states
    """
    closure = Closure(head)
    return Performed(
        found=np.array(weights),
        true=np.array([true_weights(closure, scene.identity, state) for state in scene.truth]),
        found_gaze=np.array([state.gaze for state in states]),
        true_gaze=np.array([state.gaze for state in scene.truth]),
        yaw_deg=np.array([_yaw_deg(state.camera_from_head) for state in scene.truth]),
    )


def true_weights(closure: Closure, identity: Array, state: FitState) -> Array:
    """Return the blendshapes (52,) that a perfect tracker would send of a true state."""
    weights = merged(state.expression).copy()
    weights[BLINKS] /= closure.blinks(identity, state.expression)
    for name, value in look_weights(state.gaze).items():
        weights[BLENDSHAPE_NAMES.index(name)] = value
    return np.clip(weights, 0.0, 1.0)


def summary(people: Sequence[Performed], *, moving: bool) -> dict[str, Any]:
    """Return all figures over several scenes.

    moving  whether their frames follow one another, so that blinks have a moment
    """
    found = np.concatenate([person.found for person in people])
    true = np.concatenate([person.true for person in people])
    active = true >= ACTIVE
    jaw = BLENDSHAPE_NAMES.index("jawOpen")
    result: dict[str, Any] = {
        "active_error": float(np.abs(found - true)[active].mean()),
        "idle_error": float(found[true <= IDLE].mean()),
        "jaw_open_slope": _slope(true[:, jaw], found[:, jaw]),
        "gaze_deg": gaze_error_deg(people),
        "shut_reads": float(found[:, BLINKS][true[:, BLINKS] > 0.99].mean()),
        "shapes": shape_figures(found, true),
    }
    if moving:
        result["blinks"] = blink_figures(people)
    return result


def shape_figures(found: Array, true: Array) -> dict[str, dict[str, Any]]:
    """Return per shape how it answers, of weights (T, 52).

    error     mean absolute, while the shape is truly active
    response  what a true 1 reads as: the slope of found over true through the origin, active frames
    leak      mean reading while it is truly idle; leak_worst the 95th percentile
    crosstalk the idle shape that reads most while this one is strong, and how much more than usual
    """
    figures: dict[str, dict[str, Any]] = {}
    idle = np.where(true <= IDLE, found, np.nan)
    usual = _mean(idle)
    for column, name in enumerate(BLENDSHAPE_NAMES):
        ours, theirs = found[:, column], true[:, column]
        active, strong = theirs >= ACTIVE, theirs >= STRONG
        rests = theirs <= IDLE
        others = _mean(idle[strong]) - usual if strong.sum() >= _FEWEST else np.full(52, np.nan)
        others[column] = np.nan
        worst = int(np.nanargmax(others)) if np.isfinite(others).any() else -1
        figures[name] = {
            "frames": int(active.sum()),
            "error": float(np.abs(ours - theirs)[active].mean()) if active.any() else np.nan,
            "response": _slope(theirs[active], ours[active]),
            "leak": float(ours[rests].mean()) if rests.any() else np.nan,
            "leak_worst": float(np.percentile(ours[rests], 95)) if rests.any() else np.nan,
            "crosstalk": float(others[worst]) if worst >= 0 else np.nan,
            "crosstalk_shape": BLENDSHAPE_NAMES[worst] if worst >= 0 else "",
        }
    return figures


def gaze_error_deg(people: Iterable[Performed]) -> float:
    """Return the mean angle between the true and the found direction of an eye in the head.

    Eyes that are more than half shut do not count.
    """
    errors: list[float] = []
    for person in people:
        open_eyes = person.true[:, BLINKS] <= _AWAKE
        for t, side in np.argwhere(open_eyes):
            ours, theirs = (
                gaze_rotation(*map(float, gaze[t, side])) @ np.array([0.0, 0.0, -1.0])
                for gaze in (person.found_gaze, person.true_gaze)
            )
            errors.append(float(np.rad2deg(np.arccos(np.clip(ours @ theirs, -1.0, 1.0)))))
    return float(np.mean(errors)) if errors else float("nan")


def blink_figures(people: Iterable[Performed]) -> dict[str, float]:
    """Return precision, recall and F1 of blinks of both eyes, and how complete they are.

    A blink begins where the lid passes the middle, and lasts until the eye has opened again. A
    found one counts if it begins within a frame of a true one; blinks of heads turned by more than
    30 degrees count for neither. `f1_each_crossing` counts each time that the middle is passed.
    """
    people = list(people)
    true, found, hits = _blinks(people, REOPENED)
    return {
        "blinks": true,
        "precision": hits / max(found, 1),
        "recall": hits / max(true, 1),
        "f1": _f1(true, found, hits),
        "f1_each_crossing": _f1(*_blinks(people, SHUT)),
    }


def _blinks(people: Iterable[Performed], reopened: float) -> tuple[int, int, int]:
    """Count true blinks, found blinks, and found ones that are true."""
    true_count = found_count = hits = 0
    for person in people:
        near = person.yaw_deg <= TURNED_DEG
        for column in BLINKS:
            true, found = (_onsets(w[:, column], reopened) for w in (person.true, person.found))
            true, found = true[near[true]], found[near[found]]
            true_count, found_count = true_count + len(true), found_count + len(found)
            hits += matched(true, found)
    return true_count, found_count, hits


def _f1(true: int, found: int, hits: int) -> float:
    return 2 * hits / max(true + found, 1)


def matched(true: NDArray[np.intp], found: NDArray[np.intp]) -> int:
    """Count pairs of moments (frames, rising) at most a frame apart, each used once."""
    count, position = 0, 0
    for moment in true:
        while position < len(found) and found[position] < moment - LATE_FRAMES:
            position += 1
        if position < len(found) and found[position] <= moment + LATE_FRAMES:
            count, position = count + 1, position + 1
    return count


def text(title: str, result: dict[str, Any]) -> str:
    """Return the tables of one summary."""
    rows = [
        ("coefficient error, active shapes", result["active_error"]),
        ("idle shapes read", result["idle_error"]),
        ("jawOpen, found over true", result["jaw_open_slope"]),
        ("a shut lid reads", result["shut_reads"]),
        ("gaze error, degrees", result["gaze_deg"]),
        *((f"blinks: {name}", value) for name, value in result.get("blinks", {}).items()),
    ]
    shapes = [
        (name, f["frames"], f["error"], f["response"], f["leak"], f["leak_worst"], f["crosstalk"],
         f["crosstalk_shape"])
        for name, f in result["shapes"].items()
    ]  # fmt: skip
    header = ("shape", "frames", "error", "response", "leak", "leak p95", "crosstalk", "into")
    return table((title, ""), rows) + table(header, shapes)


def _onsets(blink: Array, reopened: float) -> NDArray[np.intp]:
    """Return the frames at which an eye shuts, of (T,); one shut from the start has no moment."""
    moments: list[int] = []
    shut = bool(blink[0] >= SHUT)
    for frame, value in enumerate(blink):
        if shut:
            shut = bool(value >= reopened)
        elif value >= SHUT:
            moments.append(frame)
            shut = True
    return np.array(moments, np.intp)


def _slope(true: Array, found: Array) -> float:
    square = float(true @ true)
    return float(true @ found) / square if square > 0 and len(true) >= _FEWEST else float("nan")


def _mean(values: Array) -> Array:
    """Return the mean over known values (T, C) -> (C,), NaN where none is known."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _yaw_deg(camera_from_head: Array) -> float:
    x, _, z = -camera_from_head[:3, :3].T @ camera_from_head[:3, 3]
    return float(np.rad2deg(abs(np.arctan2(x, -z))))
