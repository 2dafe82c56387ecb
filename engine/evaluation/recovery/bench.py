"""All scenes, as figures and as tables."""

from __future__ import annotations

import logging
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation.datasets import sequences
from engine.evaluation.recovery import company, judge, scenes, turns
from engine.evaluation.recovery.stage import Actor, Scene, actor
from engine.evaluation.recovery.watch import watched
from engine.evaluation.tables import table
from engine.fit.heads import HeadModel

_ALONE = ("clm_cap12", "grid_id2_swwp2s", "pyfeat_single")
_PAIRS = (
    ("grid_brbk7n", "grid_id2_swwp2s"),
    ("grid_sbwe5n", "grid_lwbsza"),
    ("grid_lbax4n", "grid_bbaf2n"),
)
_CUTS = (
    ("clm_cap12", "pyfeat_single"),
    ("grid_id2_swwp2s", "clm_cap12"),
    ("pyfeat_single", "grid_brbk7n"),
)
_log = logging.getLogger(__name__)


def run(
    folder: Path,
    sequence_folder: Path | None,
    head: HeadModel,
    maker: TrackerMaker,
    config: TrackerConfig,
    limit: int | None,
    names: list[str] | None = None,
) -> dict[str, Any]:
    """Play every scene to the tracker.

    folder           the data folder, whose clips the scenes are made of
    sequence_folder  rendered sequences of turning heads; None: none
    limit            casts a scene is played with
    names            only scenes whose name contains one of these
    """
    rows: dict[str, dict[str, Any]] = {}
    for scene in scenes_of(folder, limit):
        if names and not any(name in scene.name for name in names):
            continue
        rows[scene.name] = row = _played(scene, head, maker, config)
        _log.info("%s: %s", scene.name, row)
    result: dict[str, Any] = {"scenes": rows, "overall": overall(rows)}
    if sequence_folder is not None:
        paths = sequences.find(sequence_folder)[:limit]
        result["turns"] = turns.run([sequences.read(p) for p in paths], head, maker, config)
    return result


def scenes_of(folder: Path, limit: int | None) -> list[Scene]:
    """Return every scene, each played by at most `limit` casts."""
    alone = [scenes.one_person(actor(folder, name)) for name in _ALONE[:limit]]
    pairs = [company.two_people(*_actors(folder, pair)) for pair in _PAIRS[:limit]]
    cuts = [company.cuts(*_actors(folder, pair)) for pair in _CUTS[:limit]]
    groups = (alone, pairs, cuts)
    # All casts of a scene together.
    return [scene for group in groups for casts in zip(*group, strict=True) for scene in casts]


def _actors(folder: Path, names: tuple[str, str]) -> tuple[Actor, Actor]:
    return actor(folder, names[0]), actor(folder, names[1])


def _played(
    scene: Scene, head: HeadModel, maker: TrackerMaker, config: TrackerConfig
) -> dict[str, Any]:
    seen = watched(scene.shots(), head, maker, config)
    row = judge.judged(seen)
    if scene.clean is not None:
        row |= judge.against_clean(seen, watched(scene.clean(), head, maker, config))
    if scene.stranger is not None:
        alone = watched(islice(scene.shots(), company.CUT, None), head, maker, config)
        row["identity_left_over"] = judge.left_over(seen, alone, company.CUT)
    return row


def overall(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Sum up the scenes."""
    clear = np.array([row["clear"] for row in rows.values()], float)
    share = np.array([row["tracked_percent"] for row in rows.values()])
    return {
        "shots": sum(row["shots"] for row in rows.values()),
        "tracked_percent": float(np.nansum(clear * share) / max(clear.sum(), 1)),
        **{key: sum(row[key] for row in rows.values()) for key in ("astray", "hops", "ghosts")},
        "lost_after": max((row["lost_after"] for row in rows.values()), default=0),
        "back_after_s": max((row["back_after_s"] for row in rows.values()), default=0.0),
    }


def text(result: dict[str, Any]) -> str:
    """Return the tables of `bench recovery`."""
    rows, total = result["scenes"], result["overall"]
    keys = ("tracked_percent", "astray", "hops", "ghosts", "lost_after", "back_after_s")
    header = ("scene", "clear shots", "tracked %", "astray", "hops", "ghosts",
              "lost after", "back after s", "NME %")  # fmt: skip
    lines = [
        (name, row["clear"], *(row[key] for key in keys), row["nme_percent"])
        for name, row in rows.items()
    ]
    clear = sum(row["clear"] for row in rows.values())
    lines.append(("all", clear, *(total[key] for key in keys), float("nan")))
    parts = [table(header, lines)]
    covered = {name: row for name, row in rows.items() if "sigma_ratio_covered" in row}
    if covered:
        keys = ("sigma_ratio_covered", "sigma_ratio_open", "rotation_deg_p95",
                "hidden_shapes_mean", "hidden_shapes_false_p99")  # fmt: skip
        header = ("partly covered, against the same without", "sigma x under", "x beside",
                  "rotation p95, degrees", "hidden shapes, mean change", "false, p99")  # fmt: skip
        parts.append(table(header, [(n, *(r[k] for k in keys)) for n, r in covered.items()]))
    strangers = {n: r for n, r in rows.items() if "identity_left_over" in r}
    if strangers:
        lines = [(n, r["identity_left_over"]) for n, r in strangers.items()]
        parts.append(table(("after a cut to a stranger", "first person left over"), lines))
    if "turns" in result:
        parts.append(turns.text(result["turns"]))
    return "\n".join(parts)
