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
from engine.evaluation.align import align_in, opening_row, upright_crop
from engine.evaluation.openings import OPENINGS, gap, width
from engine.evaluation.rims import rim_seen
from engine.fit.heads import HeadModel, landmarks
from engine.network.backends import Backend
from engine.training.packs import read_pack
from engine.types import Array

FACE_REGIONS = ("face", "eyes", "nose", "mouth")
CLOSED = 0.1  # of the eye's width


def run(head: HeadModel, backend: Backend, path: Path, limit: int | None) -> dict[str, Any]:
    """Measure the alignment on a pack. Raises AssetError if it is none of rendered heads.

    NME is over visible vertices, in % of the square root of the landmark box's area.
    """
    pack = read_pack(path)
    count = len(pack) if limit is None else min(limit, len(pack))
    of_face = np.isin(head.region, [head.region_names.index(name) for name in FACE_REGIONS])
    errors_all: list[float] = []
    errors_face: list[float] = []
    distance: list[Array] = []
    sigma: list[Array] = []
    predicted = np.empty((count, 478, 2))
    true = np.empty((count, 478, 2))
    counts = {name: np.zeros(count, bool) for name in OPENINGS}
    for index in range(count):
        vertices, seen = pack.points_px(index).astype(np.float64), pack.seen(index)
        true[index] = landmarks(head, vertices)
        crop = upright_crop(true[index], backend.crop_side_px)
        alignment = align_in(backend, pack.image(index), crop)
        predicted[index] = landmarks(head, alignment.points_px)
        error = normalised_errors(alignment.points_px, vertices, face_side_px(true[index]))
        errors_all.append(float(error[seen].mean()))
        errors_face.append(float(error[seen & of_face].mean()))
        distance.append(np.linalg.norm(alignment.points_px - vertices, axis=1)[seen])
        sigma.append(alignment.sigma_px[seen])
        for name in OPENINGS:
            counts[name][index] = rim_seen(head, seen, name)
    return {
        "pictures": count,
        "nme_visible_percent": float(np.mean(errors_all)),
        "nme_visible_face_percent": float(np.mean(errors_face)),
        "openings": {n: opening_row(predicted[c], true[c], n) for n, c in counts.items()},
        "closed_lids": _closed(predicted, true, counts),
        "calibration": asdict(calibration(np.concatenate(distance), np.concatenate(sigma))),
    }


def _closed(predicted: Array, true: Array, counts: dict[str, NDArray[np.bool_]]) -> dict[str, Any]:
    """Return the opening error where an eye is truly shut: what an average over eyes hides."""
    rows: dict[str, Any] = {}
    for name in ("left_eye", "right_eye"):
        opening = OPENINGS[name]
        shut = counts[name] & (gap(true, opening) / width(true, opening) < CLOSED)
        rows[name] = opening_row(predicted[shut], true[shut], name)
    return rows
