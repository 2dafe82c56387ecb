"""`flowface bench live`: every figure that the live fit is asked for, in one table."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.config import TrackerConfig
from engine.errors import ConfigError
from engine.evaluation import calm, fit_cost, fit_variants, known_video, lag, motion
from engine.evaluation.fit_variants import SHIPPED
from engine.evaluation.tables import table
from engine.fit.heads import HeadModel
from engine.network.backends import Backend

PARTS = ("lag", "motion", "calm", "sequences", "cost")  # lag first: calm smooths the rival by it
NO_FLOW = "no_flow"
_STILL = "jpeg"  # the camera of the row; the others are in the figures

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One figure and what is asked of it; less is better unless `more`."""

    what: str
    asked: float
    hoped: float
    measured: float
    more: bool = False

    @property
    def verdict(self) -> str:
        """Say how it went."""
        if self.measured != self.measured:
            return ""
        good = (lambda goal: self.measured >= goal) if self.more else self._below
        return "reached" if good(self.hoped) else "met" if good(self.asked) else "missed"

    def _below(self, goal: float) -> bool:
        return self.measured <= goal


@dataclass(frozen=True)
class Sources:
    """Where the data and the rival are."""

    data: Path
    head_file: Path
    sequences: Path | None
    rival: Path | None
    cache: Path | None  # of the judge's answers


def run(
    sources: Sources,
    head: HeadModel,
    backend: Backend,
    config: TrackerConfig,
    parts: list[str] | None,
    clips: list[str] | None,
    limit: int | None,
) -> dict[str, Any]:
    """Measure all parts, or those named. Raises ConfigError for a part that lacks its data.

    limit  only so many frames of clips and sequences
    """
    wanted = [part for part in PARTS if not parts or part in parts]
    if "motion" in wanted and sources.rival is None:
        raise ConfigError("bench live: --rival PYTHON is needed; its OpenCV is the judge of motion")
    if "sequences" in wanted and sources.sequences is None:
        raise ConfigError("bench live: --sequences FOLDER is needed")
    every = fit_variants.makers(None, head, backend)
    shipped = {SHIPPED: every[SHIPPED]}
    result: dict[str, Any] = {}
    data, rival = sources.data, sources.rival
    for part in wanted:
        _log.info("%s", part)
        if part == "lag":
            found = lag.run(data, head, sources.head_file, every, config, rival, None)
        elif part == "motion":
            assert rival is not None
            found = motion.run(data, head, every, config, rival, clips, limit, sources.cache)
        elif part == "calm":
            late = _added(result["lag"]) if "lag" in result else 0.0
            found = calm.run(data, head, shipped, config, rival, clips, limit, max(late, 0.0))
        elif part == "sequences":
            assert sources.sequences is not None
            found = known_video.run(sources.sequences, head, every[SHIPPED], config, limit)
        else:
            both = {name: every[name] for name in (NO_FLOW, SHIPPED)}
            found = fit_cost.run(data, both, config, limit)
        result[part] = found
    return {**result, "rows": [asdict(row) | {"verdict": row.verdict} for row in rows(result)]}


def rows(result: dict[str, Any]) -> list[Row]:
    """Return the table's rows for the parts that were measured."""
    found: list[Row] = []
    if "motion" in result:
        ratio = result["motion"]["to_rival"][SHIPPED]
        found += [
            Row("SSME h=1 on clips, ratio to MediaPipe", 0.45, 0.25, ratio[1]),
            Row("SSME h=10 on clips, ratio to MediaPipe", 0.65, 0.4, ratio[10]),
        ]
    if "calm" in result:
        track = result["calm"]["cameras"][_STILL][SHIPPED]
        found += [
            Row(f"still face, {name}, ratio", 0.3, 0.15, track[key].get("scatter_ratio", _NAN))
            for name, key in (
                ("pose: rotation", "rotation"),
                ("pose: place", "place"),
                ("shapes", "shape"),
                ("landmarks (both)", "landmarks"),
            )
        ]
    if "lag" in result:
        steps = result["lag"]["tracks"][SHIPPED]
        found += [
            Row(f"added lag, {name}, frames", 0.0, 0.0, steps[step]["added"])
            for step, name in (("jaw", "jawOpen"), ("yaw", "yaw"))
        ]
    if "sequences" in result:
        found += _known_rows(result["sequences"])
    if "cost" in result:
        found += [
            Row("fit, one core, ms", 4.0, 2.0, result["cost"][NO_FLOW]["median_ms"]),
            Row("fit with flow, one core, ms", 9.0, 6.0, result["cost"][SHIPPED]["median_ms"]),
        ]
    return found


_NAN = float("nan")


def _known_rows(known: dict[str, Any]) -> list[Row]:
    found = [
        Row("SSME of rendered sequences, mean over h = 1 .. 30, px", 1.5, 0.8, known["ssme_px"])
    ]
    if "performance" not in known:
        return found
    sent = known["performance"]
    return [
        *found,
        Row("coefficient error, active shapes", 0.12, 0.08, sent["active_error"]),
        Row("vertices after pose, mm", 1.5, 1.0, known["vertex_mm"]),
        Row("head rotation error, degrees", 1.5, 0.8, known["rotation_deg"]),
        Row("gaze error, degrees", 5.0, 3.0, sent["gaze_deg"]),
        Row("blink F1", 0.95, 0.98, sent["blinks"]["f1"], more=True),
    ]


def _added(found: dict[str, Any]) -> float:
    """Return the larger of the lags added to a step in jaw and in yaw, frames."""
    return max(found["tracks"][SHIPPED][step]["added"] for step in lag.STEPS)


def text(result: dict[str, Any]) -> str:
    """Return the one table, and below it those of its parts."""
    lines = [
        (row["what"], row["asked"], row["hoped"], f"{row['measured']:.3f}", row["verdict"])
        for row in result["rows"]
    ]
    parts = [table(("live fit", "at least", "reach for", "measured", ""), lines)]
    if "motion" in result:
        parts.append(motion.text(result["motion"]))
    if "calm" in result:
        parts.append(calm.text(result["calm"]))
    if "lag" in result:
        parts.append(lag.text(result["lag"]))
    if "sequences" in result:
        known = result["sequences"]
        extra = [
            ("frames tracked %", known["tracked_percent"]),
            ("rotation since the first frame, error in degrees", known.get("turn_deg", _NAN)),
            ("idle shapes read", known.get("performance", {}).get("idle_error", _NAN)),
            *((f"SSME px {name}", value) for name, value in known["ssme_by_sequence_px"].items()),
        ]
        parts.append(table((f"{known['sequences']} sequences", ""), extra))
    if "cost" in result:
        costs = [(n, c["median_ms"], c["p95_ms"]) for n, c in result["cost"].items()]
        parts.append(table(("fit, one core", "median ms", "p95 ms"), costs))
    return "\n".join(parts)
