"""The alignment on rendered test images, where every vertex and its visibility are known exactly.

A test pack is made by engine/training/render and must never be trained on.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.accuracy import calibration, face_side_px, normalised_errors
from engine.evaluation.align import opening_row
from engine.evaluation.eyes import CENTRES, iris_summary
from engine.evaluation.openings import OPENINGS, gap, width
from engine.evaluation.rendered_faces import RenderedFaces, aligned_pack
from engine.evaluation.tongue import tongue_summary
from engine.fit.heads import HeadModel
from engine.network.backends import Backend

FACE_REGIONS = ("face", "eyes", "nose", "mouth")
CLOSED = 0.1  # of the eye's width
YAW_DEG = ((0, 15), (15, 45), (45, 90))


def run(head: HeadModel, backend: Backend, path: Path, limit: int | None) -> dict[str, Any]:
    """Measure the alignment on a pack. Raises AssetError if it is none of rendered heads.

    NME is over visible vertices, in % of the square root of the landmark box's area.
    """
    face = np.isin(head.region, [head.region_names.index(name) for name in FACE_REGIONS])
    faces = aligned_pack(head, backend, path, face, CENTRES, limit)
    errors_all: list[float] = []
    errors_face: list[float] = []
    for found, true, of_face, marks in zip(
        faces.points_px, faces.places_px, faces.of_face, faces.true_px, strict=True
    ):
        error = normalised_errors(found, true, face_side_px(marks))
        errors_all.append(float(error.mean()))
        errors_face.append(float(error[of_face].mean()))
    found, true = np.concatenate(faces.points_px), np.concatenate(faces.places_px)
    distance = np.linalg.norm(found - true, axis=1)
    expression = faces.pack.expression
    return {
        "pictures": len(faces),
        "nme_visible_percent": float(np.mean(errors_all)),
        "nme_visible_face_percent": float(np.mean(errors_face)),
        "openings": {n: _opening(faces, faces.rim_seen[n], n) for n in OPENINGS},
        "openings_by_view": by_view(faces),
        "closed_lids": _closed(faces),
        "irises": iris_summary(head, faces),
        "tongue": None
        if expression is None
        else tongue_summary(faces.tongue, expression[: len(faces)]),
        "calibration": asdict(calibration(distance, np.concatenate(faces.sigma_px))),
    }


def by_view(faces: RenderedFaces) -> dict[str, dict[str, Any]]:
    """Return the openings by how far the head is turned, with and without glasses.

    Rows of what the pack does not tell are left out.
    """
    yaw, glasses = faces.yaw_rad(), faces.pack.glasses
    rows: dict[str, dict[str, Any]] = {}
    if yaw is None:
        return rows
    degrees = np.rad2deg(yaw)
    worn: dict[str, NDArray[np.bool_]] = {"": np.ones(len(faces), bool)}
    if glasses is not None:
        there = glasses[: len(faces)]
        worn = {", no glasses": ~there, ", glasses": there}
    for low, high in YAW_DEG:
        for what, chosen in worn.items():
            within = chosen & (degrees >= low) & (degrees < high)
            rows[f"yaw {low}-{high}°{what}"] = {
                name: _opening(faces, faces.rim_seen[name] & within, name) for name in OPENINGS
            }
    return rows


def _opening(faces: RenderedFaces, chosen: NDArray[np.bool_], name: str) -> dict[str, Any]:
    return opening_row(faces.found_px[chosen], faces.true_px[chosen], name)


def _closed(faces: RenderedFaces) -> dict[str, Any]:
    """Return the opening error where an eye is truly shut: what an average over eyes hides."""
    rows: dict[str, Any] = {}
    for name in ("left_eye", "right_eye"):
        opening = OPENINGS[name]
        open_share = gap(faces.true_px, opening) / width(faces.true_px, opening)
        rows[name] = _opening(faces, faces.rim_seen[name] & (open_share < CLOSED), name)
    return rows
