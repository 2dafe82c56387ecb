"""`flowface bench shapes`: every shape moved alone, by rendered people, and what is sent of it.

A shape that is dead, that moves its other side as well, or that another one shows for: each is a
row of one table. Looks to the side are the gaze's, and have figures of their own.
"""

from __future__ import annotations

import logging
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation.calm import JPEG_QUALITY, NOISE, RATE
from engine.evaluation.shaken import noisy_copies, through_jpeg
from engine.evaluation.tables import table
from engine.evaluation.tracks import frames_of, track_frames
from engine.tuning import stem_of
from engine.types import BLENDSHAPE_NAMES, Array

PEOPLE, SETTLING, HELD, READ = 8, 40, 6, 3  # frames: before all, of each state, read of those
MOVED = 0.8  # of a whole movement
# What a shape cannot do without: closed lips of an open jaw, a tongue between open lips.
WITH = {"mouthClose": ("jawOpen", 0.4), "tongueOut": ("jawOpen", 0.3)}
SHAPES = tuple(name for name in BLENDSHAPE_NAMES if not name.startswith("eyeLook"))
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
    from engine.training.render.steps import expression_pictures, renderer_of, uncovered

    renderer, script = renderer_of(head_path), states()
    expressions = np.unique(
        np.stack([each for state in script for each in (state.before, state.after)]), axis=0
    )
    rises: list[Array] = []
    rests: list[Array] = []
    shown = (seed for seed in count() if uncovered(renderer, data, seed))
    for seed in islice(shown, limit or PEOPLE):
        drawn = expression_pictures(renderer, data, seed, expressions)
        picture_of = {e.tobytes(): p for e, p in zip(expressions, drawn, strict=True)}
        rng = np.random.default_rng([_SEED, seed])
        film = [(np.zeros(len(BLENDSHAPE_NAMES)), SETTLING)]
        film += [(each, HELD) for state in script for each in (state.before, state.after)]
        noisy = [
            copy
            for expression, length in film
            for copy in noisy_copies(
                picture_of[expression.tobytes()], np.zeros((length, 2)), rng, NOISE
            )
        ]
        frames = frames_of(through_jpeg(noisy, JPEG_QUALITY), RATE)
        sent = track_frames(frames, renderer.head, maker, config).blendshapes
        rises.append(risen(sent[SETTLING:]))
        rests.append(sent[SETTLING - READ : SETTLING].mean(axis=0))
        _log.info("person %d has moved", seed)
    return summary(np.stack(rises), np.stack(rests))


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
    )
    return table(header, rows) + "\n" + table(("all shapes", "value"), lines)
