"""`flowface bench shapes`: every shape moved alone, by rendered people, and what is sent of it.

A shape that is dead, that moves its other side as well, or that another one shows for: each is a
row of one table. The eyeLook shapes are the gaze's: looks to all sides have a table of their own.
"""

from __future__ import annotations

import logging
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation.calm import JPEG_QUALITY, NOISE, RATE
from engine.evaluation.shaken import noisy_copies, through_jpeg
from engine.evaluation.tables import table
from engine.evaluation.tracks import frames_of, stepped, track_frames
from engine.tuning import stem_of
from engine.types import BLENDSHAPE_NAMES, Array, Frame

PEOPLE, SETTLING, HELD, READ = 8, 40, 6, 3  # frames: before all, of each state, read of those
MOVED = 0.8  # of a whole movement
# What a shape cannot do without: closed lips of an open jaw, a tongue between open lips.
WITH = {"mouthClose": ("jawOpen", 0.4), "tongueOut": ("jawOpen", 0.3)}
SHAPES = tuple(name for name in BLENDSHAPE_NAMES if not name.startswith("eyeLook"))
# Yaw to the subject's left and pitch down, degrees; from straight ahead, both eyes alike.
LOOKS = (
    (10, 0), (-10, 0), (20, 0), (-20, 0), (30, 0), (-30, 0), (0, -8), (0, 8), (0, -15), (0, 15),
)  # fmt: skip
ALIVE, DEAD = 0.3, 0.1  # of the truth: at least, at most
_SEED = 13

_log = logging.getLogger(__name__)


class State(NamedTuple):
    """One shape, before and after it moves: expressions (52,)."""

    shape: str
    before: Array
    after: Array


def states() -> list[State]:
    """Return what is performed, in this order."""
    found: list[State] = []
    for name in SHAPES:
        before = np.zeros(len(BLENDSHAPE_NAMES))
        if name in WITH:
            companion, value = WITH[name]
            before[BLENDSHAPE_NAMES.index(companion)] = value
        after = before.copy()
        after[BLENDSHAPE_NAMES.index(name)] = MOVED
        found.append(State(name, before, after))
    return found


def run(
    data: Path, head_path: Path, maker: TrackerMaker, config: TrackerConfig, limit: int | None
) -> dict[str, Any]:
    """Let people whose hair leaves the eyes free move every shape; read what the tracker sends.

    head_path  file of the head that is drawn
    limit      only so many people
    """
    # Here, since rendering loads OpenGL.
    from engine.training.render.steps import (
        expression_pictures,
        look_pictures,
        renderer_of,
        uncovered,
    )

    renderer, script = renderer_of(head_path), states()
    expressions = np.unique(
        np.stack([each for state in script for each in (state.before, state.after)]), axis=0
    )
    gazes = np.array([np.zeros((2, 2)), *(_gaze(*look) for look in LOOKS)])
    rises: list[Array] = []
    rests: list[Array] = []
    seen: list[Array] = []
    shown = (seed for seed in count() if uncovered(renderer, data, seed))
    for seed in islice(shown, limit or PEOPLE):
        rng = np.random.default_rng([_SEED, seed])
        drawn = expression_pictures(renderer, data, seed, expressions)
        picture_of = {e.tobytes(): p for e, p in zip(expressions, drawn, strict=True)}
        film = [(picture_of[np.zeros(len(BLENDSHAPE_NAMES)).tobytes()], SETTLING)]
        film += [
            (picture_of[each.tobytes()], HELD)
            for state in script
            for each in (state.before, state.after)
        ]
        sent = track_frames(_filmed(film, rng), renderer.head, maker, config).blendshapes
        rises.append(risen(sent[SETTLING:]))
        rests.append(sent[SETTLING - READ : SETTLING].mean(axis=0))
        straight, *aside = look_pictures(renderer, data, seed, gazes)
        film = [(straight, SETTLING)]
        film += [(picture, HELD) for look in aside for picture in (straight, look)]
        heads = [result.head for result, _ in stepped(_filmed(film, rng), maker, config)]
        lost = np.full((2, 2), np.nan)
        seen.append(looked(np.array([lost if h is None else h.gaze for h in heads])))
        _log.info("person %d has moved", seed)
    return summary(np.stack(rises), np.stack(rests)) | looks_summary(np.stack(seen))


def _gaze(yaw_deg: float, pitch_deg: float) -> Array:
    return np.tile(np.deg2rad([yaw_deg, pitch_deg]), (2, 1))


def _filmed(film: list[tuple[NDArray[np.uint8], int]], rng: np.random.Generator) -> list[Frame]:
    """Return pictures held for so many frames each, as a camera takes them."""
    noisy = [
        copy
        for picture, length in film
        for copy in noisy_copies(picture, np.zeros((length, 2)), rng, NOISE)
    ]
    return frames_of(through_jpeg(noisy, JPEG_QUALITY), RATE)


def looked(gaze: Array) -> Array:
    """Return how far eyes went with each look, radians, both eyes' mean.

    gaze     (SETTLING + looks x 2 x HELD, 2, 2) found, straight ahead and aside by turns
    returns  (1 + looks, 2) yaw and pitch: first straight ahead as it is read, then what each look
             added; NaN where a face was lost
    """
    both = gaze.mean(axis=1)
    held = both[SETTLING:].reshape(-1, 2, HELD, 2)[:, :, -READ:].mean(axis=2)
    return np.concatenate(
        [both[None, SETTLING - READ : SETTLING].mean(axis=1), np.diff(held, axis=1)[:, 0]]
    )


def looks_summary(seen: Array) -> dict[str, Any]:
    """Return a row a look, and how far off straight ahead is read.

    seen  (P, 1 + looks, 2) of every person, see `looked`
    """
    rows: dict[str, Any] = {}
    for index, (yaw, pitch) in enumerate(LOOKS, 1):
        axis = int(yaw == 0)
        share = seen[:, index, axis] / np.deg2rad(pitch if axis else yaw)
        side = ("left", "right")[yaw < 0] if yaw else ("down", "up")[pitch < 0]
        rows[f"{side}, {abs(yaw or pitch)} degrees"] = {
            "response": float(np.nanmean(share)),
            "least": float(np.nanmin(share)),
        }
    off = np.hypot(seen[:, 0, 0], seen[:, 0, 1])
    return {"looks": rows, "straight_off_deg": float(np.rad2deg(np.nanmean(off)))}


def risen(sent: Array) -> Array:
    """Return by how much every weight rose with each state, as a share of what was moved.

    sent     (states x 2 x HELD, 52) weights, of each state before and after
    returns  (states, 52); NaN where a face was lost
    """
    held = sent.reshape(-1, 2, HELD, sent.shape[1])[:, :, -READ:].mean(axis=2)
    return (held[:, 1] - held[:, 0]) / MOVED


def summary(rises: Array, rests: Array) -> dict[str, Any]:
    """Return a row a shape, and what is sent at rest.

    rises  (P, shapes, 52) of every person, see `risen`
    rests  (P, 52) sent before anything moved
    """
    rows: dict[str, Any] = {}
    mean = np.nanmean(rises, axis=0)
    for row, name in enumerate(SHAPES):
        own = BLENDSHAPE_NAMES.index(name)
        other = _other_side(name)
        others = mean[row].copy()
        others[[own] if other is None else [own, other]] = 0.0
        stray = int(np.argmax(np.abs(others)))
        rows[name] = {
            "response": float(mean[row, own]),
            "least": float(np.nanmin(rises[:, row, own])),
            "other_side": None if other is None else float(mean[row, other]),
            "stray": float(others[stray]),
            "stray_shape": BLENDSHAPE_NAMES[stray],
        }
    found = np.array([row["response"] for row in rows.values()])
    return {
        "people": len(rises),
        "alive": int((found >= ALIVE).sum()),
        "dead": int((found <= DEAD).sum()),
        "response": float(found.mean()),
        "at_rest": float(np.nanmean(rests)),
        "shapes": rows,
    }


def _other_side(name: str) -> int | None:
    """Return where the same shape of the other side is; None of a movement that has no sides."""
    stem = stem_of(name)
    if stem is None:
        return None
    return BLENDSHAPE_NAMES.index(stem + ("Right" if name.endswith("Left") else "Left"))


def text(result: dict[str, Any]) -> str:
    """Return the table of `bench shapes`."""
    nan = float("nan")
    rows = [
        (
            name,
            row["response"],
            row["least"],
            nan if row["other_side"] is None else row["other_side"],
            row["stray"],
            row["stray_shape"],
        )
        for name, row in result["shapes"].items()
    ]
    header = ("moved alone, of 1", "sent", "least", "other side", "stray", "which")
    lines = (
        ("people", result["people"]),
        (f"shapes sent at {ALIVE} or more", result["alive"]),
        (f"shapes sent at {DEAD} or less", result["dead"]),
        ("mean of what is sent", result["response"]),
        ("sent at rest, mean of all", result["at_rest"]),
        ("eyes straight ahead are read off by, degrees", result["straight_off_deg"]),
    )
    looks = [(name, row["response"], row["least"]) for name, row in result["looks"].items()]
    return "\n".join(
        (
            table(header, rows),
            table(("looked, of 1", "found", "least"), looks),
            table(("all shapes", "value"), lines),
        )
    )
