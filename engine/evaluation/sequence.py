"""`flowface bench sequence`: place and motion on synthetic sequences with exact truth.

Each sequence is followed by the network from a cold start in every frame, from a cold start with
three steps, from the memory of the frame before with one step, and by the whole tracker.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation import ssme as motion
from engine.evaluation.accuracy import calibration, face_side_px, normalised_errors
from engine.evaluation.align import opening_row
from engine.evaluation.datasets import sequences
from engine.evaluation.datasets.sequences import Sequence
from engine.evaluation.flow_judge import FACE_PX
from engine.evaluation.following import Followed, aligned, tracked
from engine.evaluation.openings import OPENINGS
from engine.evaluation.regions import MESH_POINTS
from engine.evaluation.rims import rim_seen
from engine.evaluation.tables import table
from engine.fit.heads import HeadModel
from engine.network.backends import Backend
from engine.types import Array

_log = logging.getLogger(__name__)


class Pooled:
    """What one way of following gave on all sequences so far."""

    def __init__(self, head: HeadModel) -> None:
        self._head, self._regions = head, motion.region_triangles(head)
        self._nme: list[float] = []
        self._curves: dict[str, list[Array]] = {name: [] for name in self._regions}
        self._covered: list[tuple[float, float]] = []
        self._openings: dict[str, list[tuple[Array, Array]]] = {name: [] for name in OPENINGS}
        self._spread: list[tuple[Array, Array]] = []

    def add(self, sequence: Sequence, found: Followed) -> dict[str, float]:
        """Measure one sequence; return its NME and its mean SSME over the face."""
        truth = sequence.truth(self._head)
        marks = sequence.landmarks_px(self._head)
        face = np.zeros(len(self._head.region), bool)
        face[np.unique(self._head.triangles[self._regions["face"]])] = True
        known = np.asarray(np.isfinite(found.points_px).all(axis=(1, 2)), bool)
        each: list[float] = []
        for t in np.flatnonzero(known):
            seen = truth.visible[t] & face
            place, there = found.points_px[t][seen], truth.points_px[t][seen]
            each.append(float(normalised_errors(place, there, face_side_px(marks[t])).mean()))
            if found.sigma_px is not None:
                distance = np.linalg.norm(place - there, axis=1)
                self._spread.append((distance, found.sigma_px[t][seen]))
        self._nme.append(float(np.mean(each)) if each else float("nan"))
        moved = motion.ssme(truth, found.points_px, self._regions)
        scale = FACE_PX / float(np.ptp(marks[0, :MESH_POINTS, 1]))
        for name, curve in moved.curves_px.items():
            self._curves[name].append(curve * scale)
        self._covered.append((moved.covered, moved.compared))
        read = found.landmarks_px(self._head)
        for name, pairs in self._openings.items():
            rim = np.array([rim_seen(self._head, seen, name) for seen in truth.visible])
            pairs.append((read[known & rim], marks[known & rim]))
        return {"nme_percent": self._nme[-1], "ssme_px": moved.mean_px("face") * scale}

    def figures(self) -> dict[str, Any]:
        """Return the means over the sequences; openings and sigma over all their frames."""
        curves = {name: _mean(rows) for name, rows in self._curves.items()}
        result: dict[str, Any] = {
            "nme_percent": float(_mean(self._nme)),
            "ssme_px": {name: float(_mean(curve)) for name, curve in curves.items()},
            "ssme_curve_px": {name: [float(v) for v in curve] for name, curve in curves.items()},
            "covered": float(_mean([pair[0] for pair in self._covered])),
            "compared": float(np.mean([pair[1] for pair in self._covered])),
            "openings": {n: _opening(pairs, n) for n, pairs in self._openings.items()},
        }
        if self._spread:
            distance, sigma = (np.concatenate(part) for part in zip(*self._spread, strict=True))
            result["calibration"] = asdict(calibration(distance, sigma))
        return result


def _mean(rows: list[Array] | list[float] | Array) -> Array:
    """Return the mean over the first axis of what is finite; NaN where nothing is."""
    values = np.asarray(rows, float)
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _opening(pairs: list[tuple[Array, Array]], name: str) -> dict[str, Any]:
    found, true = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return opening_row(found, true, name)


def run(
    folder: Path,
    head: HeadModel,
    networks: dict[str, tuple[Backend, bool]],
    maker: TrackerMaker | None,
    config: TrackerConfig,
    limit: int | None,
) -> dict[str, Any]:
    """Follow and measure every sequence of a folder.

    networks  name -> backend, and whether it starts from the memory of the frame before
    maker     makes the tracker; None leaves it out
    limit     only so many frames of each
    Raises AssetError if there is no sequence.
    """
    pooled: dict[str, Pooled] = {}
    rows: dict[str, dict[str, Any]] = {}
    for path in sequences.find(folder):
        sequence = sequences.read(path, limit)
        ways = {
            name: aligned(head, backend, sequence, warm=warm)
            for name, (backend, warm) in networks.items()
        }
        if maker is not None:
            followed = tracked(head, maker, config, sequence)
            ways |= {f"tracker: {name}": found for name, found in followed.items()}
        rows[sequence.name] = {"kind": sequence.kind, "frames": len(sequence)}
        for name, found in ways.items():
            one = pooled.setdefault(name, Pooled(head)).add(sequence, found)
            rows[sequence.name][name] = one
            _log.info("%s, %s: NME %.2f %%, SSME %.2f px", sequence.name, name, *one.values())
    return {"sequences": rows, "ways": {name: pool.figures() for name, pool in pooled.items()}}


def text(result: dict[str, Any]) -> str:
    """Return the tables of `bench sequence`."""
    ways = result["ways"]
    regions = list(motion.REGION_PARTS)
    place = [
        (
            name,
            row["nme_percent"],
            *(row["openings"][o]["error_percent"] for o in OPENINGS),
            *(row["openings"][o]["correlation"] for o in OPENINGS),
            row.get("calibration", {}).get("expected_error", float("nan")),
        )
        for name, row in ways.items()
    ]
    moved = [
        (
            name,
            *(row["ssme_px"][region] for region in regions),
            *(row["ssme_curve_px"]["face"][h - 1] for h in (1, 3, 10, 30)),
            f"{100 * row['compared']:.1f}",
        )
        for name, row in ways.items()
    ]
    header = ("NME %", *(f"{o} %" for o in OPENINGS), *(f"{o} corr." for o in OPENINGS), "ECE")
    spans = ("face h=1", "h=3", "h=10", "h=30", "pairs %")
    each = [
        (
            f"{name} ({row['kind']})",
            *(row[way][key] for way in ways for key in ("nme_percent", "ssme_px")),
        )
        for name, row in result["sequences"].items()
    ]
    titles = tuple(f"{way}: {what}" for way in ways for what in ("NME", "SSME"))
    return "\n".join(
        [
            table((f"{len(result['sequences'])} sequences", *header), place),
            table(("SSME, px at a face 256 px high", *regions, *spans), moved),
            table(("by sequence", *titles), each),
        ]
    )
