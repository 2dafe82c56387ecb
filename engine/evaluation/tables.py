"""The figures of a benchmark as plain-text tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.evaluation.flow_judge import HORIZONS
from engine.evaluation.openings import OPENINGS


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out rows in columns: text to the left, numbers to the right, NaN as a dash."""
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *cells]) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        first, *others = row
        padded = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return "  ".join([first.ljust(widths[0]), *padded]).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in cells)]) + "\n"


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return "-" if cell != cell else f"{cell:.2f}"
    return str(cell)


def align_text(result: dict[str, Any]) -> str:
    """Return the tables of `bench align`."""
    parts = []
    for name, title in (("teacher_box", "teacher's box"), ("detector_box", "detector's box")):
        row = result[name]
        figures = [
            ("pictures", row["pictures"]),
            ("NME % (mean)", row["nme_percent"]),
            ("NME % (median)", row["nme_median_percent"]),
            ("NME % (90th percentile)", row["nme_p90_percent"]),
            *((f"  {region}", value) for region, value in row["regions_percent"].items()),
            ("calibration error", row["calibration"]["expected_error"]),
            ("sigma should be x", row["calibration"]["scale"]),
        ]
        if "not_detected" in row:
            figures.insert(1, ("not detected", row["not_detected"]))
        parts.append(table((f"validation portraits, {title}", ""), figures))
        parts.append(_openings_text(row["openings"]))
    parts.append(_harder_text(result))
    if "rendered" in result:
        parts += _rendered_texts(result["rendered"])
    return "\n".join(parts)


def _harder_text(result: dict[str, Any]) -> str:
    clean = result["teacher_box"]
    rows: list[tuple[str, dict[str, Any]]] = [
        ("clean", {**clean, "nme_to_clean": 1.0}),
        *result["harder"].items(),
    ]
    lines = [
        (
            name,
            row["nme_percent"],
            row["nme_to_clean"],
            *(row["openings"][opening]["error_percent"] for opening in OPENINGS),
            row["calibration"]["expected_error"],
        )
        for name, row in rows
    ]
    header = ("portraits", "NME %", "x clean", *(f"{o} %" for o in OPENINGS), "calibration error")
    return table(header, lines)


def _rendered_texts(row: dict[str, Any]) -> list[str]:
    figures = [
        ("pictures", row["pictures"]),
        ("NME % over visible vertices", row["nme_visible_percent"]),
        ("NME % over visible face", row["nme_visible_face_percent"]),
        ("calibration error", row["calibration"]["expected_error"]),
        ("sigma should be x", row["calibration"]["scale"]),
    ]
    if row["tongue"] is not None:
        tongue = row["tongue"]
        figures += [
            (f"tongues found % (of {tongue['out']})", tongue["found_percent"]),
            (f"tongues imagined % (of {tongue['in']})", tongue["false_percent"]),
            ("tongue, area under the ROC", tongue["auc"]),
        ]
    parts = [table(("rendered test images", ""), figures), _openings_text(row["openings"])]
    if row["openings_by_view"]:
        parts.append(_by_view_text(row["openings_by_view"]))
    parts.append("truly shut lids only:\n" + _openings_text(row["closed_lids"]))
    irises = [
        (
            name,
            eye["eyes"],
            eye["centre_percent"],
            eye["ring_percent"],
            eye["gaze_deg"],
            eye["correlation"],
        )
        for name, eye in row["irises"].items()
    ]
    header = (
        "iris",
        "eyes",
        "centre % of eye width",
        "ring %",
        "implied gaze error, degrees",
        "corr.",
    )
    return [*parts, table(header, irises)]


def _openings_text(openings: dict[str, Any]) -> str:
    rows = [
        (name, row["pictures"], row["error_percent"], row["correlation"])
        for name, row in openings.items()
    ]
    return table(("opening", "pictures", "error % of width", "correlation"), rows)


def _by_view_text(views: dict[str, Any]) -> str:
    lines = [
        (
            name,
            *(row[opening]["pictures"] for opening in OPENINGS),
            *(row[opening]["error_percent"] for opening in OPENINGS),
        )
        for name, row in views.items()
    ]
    header = ("openings by view", *(f"{o} n" for o in OPENINGS), *(f"{o} %" for o in OPENINGS))
    return table(header, lines)


def video_text(result: dict[str, Any]) -> str:
    """Return the tables of `bench video`."""
    rows, total = result["clips"], result["overall"]
    parts = [
        table(
            ("clip", "frames", "tracked %", "NME % alignment", "NME % fit", "ms"),
            [
                (
                    name,
                    row["frames"],
                    row["tracked_percent"],
                    row["nme_alignment_percent"],
                    row["nme_fit_percent"],
                    row["step_ms_median"],
                )
                for name, row in [*rows.items()]
            ]
            + [
                (
                    "all",
                    sum(row["frames"] for row in rows.values()),
                    total["tracked_percent"],
                    total["nme_alignment_percent"],
                    total["nme_fit_percent"],
                    float("nan"),
                )
            ],
        ),
        _followed_text(rows, total),
        _motion_text(rows, total),
    ]
    if "face_free" in result:
        free = result["face_free"]
        parts.append(
            f"false tracks: {free['false_tracks']} of {free['pictures']} {free['names']}\n"
        )
    return "\n".join(parts)


def _followed_text(rows: dict[str, Any], total: dict[str, Any]) -> str:
    kinds = ("alignment", "fit", "blendshape")
    lines: list[tuple[object, ...]] = []
    for name in OPENINGS:
        for clip, row in rows.items():
            opening = row["openings"][name]
            if opening["moves"]:
                lines.append((f"{name} {clip}", opening["range"], *(opening[k] for k in kinds)))
        summed = total["openings"][name]
        for what in ("mean", "least"):
            values = (summed[f"{kind}_{what}"] for kind in kinds)
            lines.append((f"{name}: {what} of {summed['clips']}", float("nan"), *values))
    return table(("correlation with the teacher's opening", "range", *kinds), lines)


def _motion_text(rows: dict[str, Any], total: dict[str, Any]) -> str:
    kinds = ("alignment", "fit", "teacher", "frozen")
    header = ("motion error px (DIS)", *(f"{k} h={h}" for h in HORIZONS for k in kinds))
    lines: list[tuple[object, ...]] = [
        (clip, *(row["motion_px"][k][h] for h in HORIZONS for k in kinds))
        for clip, row in rows.items()
        if row["motion_px"] is not None
    ]
    ratio = total["motion_to_teacher"]
    lines.append(
        ("ratio to teacher", *(ratio.get(k, {}).get(h, 1.0) for h in HORIZONS for k in kinds))
    )
    return table(header, lines)


def speed_text(result: dict[str, Any]) -> str:
    """Return the tables of `bench speed`."""
    columns = ("frames_per_second", "median_ms", "p95_ms")
    timed = [("tracker", *(result["tracker"][c] for c in columns))]
    if "mediapipe" in result:
        timed.append(("MediaPipe FaceMesh", *(result["mediapipe"][c] for c in columns)))
    session = result["session"]
    late = [
        (title, session[key]["median_ms"], session[key]["p95_ms"])
        for key, title in (
            ("capture_to_result", "capture to result"),
            ("capture_to_osc", "capture to OSC sent"),
        )
    ]
    counts = ("captured", "processed", "tracked", "sent", "frames_received", "packets_received")
    counts += ("dropped_by_camera", "dropped_by_tracker")
    parts = [
        table((result["clip"], "frames/s", "median ms", "p95 ms"), timed),
        table(("stage", "median ms"), list(result["stages_median_ms"].items())),
        table(("session at 30 frames/s", "median ms", "p95 ms"), late),
        table(("frames", ""), [(name, session[name]) for name in counts]),
    ]
    if "ratio_to_mediapipe" in result:
        parts.append(f"frames/s relative to MediaPipe: {result['ratio_to_mediapipe']:.2f}\n")
    return "\n".join(parts)
