"""`flowface bench align`: the alignment network alone, on single pictures with known points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.accuracy import calibration, face_side_px, normalised_errors
from engine.evaluation.datasets import portraits
from engine.evaluation.hardship import HARDSHIPS, Hardship
from engine.evaluation.openings import OPENINGS, correlation, gap, gap_error, width
from engine.evaluation.regions import LANDMARK_REGIONS, LEFT_EYE, MESH_POINTS, RIGHT_EYE
from engine.fit.heads import HeadModel, landmarks
from engine.network.backends import Backend
from engine.network.crop import crop_from_box, crop_from_points
from engine.network.detector import Detector
from engine.types import Alignment, Array, Crop, Frame


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """One picture's landmarks, found and true."""

    name: str
    predicted_px: Array  # (478, 2)
    sigma_px: Array  # (478,)
    true_px: Array  # (478, 2)


def upright_crop(landmarks_px: Array, side_px: int) -> Crop:
    """Return the crop that a tracker would make around known landmarks (478, 2)."""
    right, left = landmarks_px[list(RIGHT_EYE)].mean(axis=0), landmarks_px[list(LEFT_EYE)].mean(0)
    x, y = left - right
    return crop_from_points(landmarks_px[:MESH_POINTS], side_px, float(np.arctan2(y, x)))


def read_landmarks(head: HeadModel, alignment: Alignment) -> tuple[Array, Array]:
    """Return the 478 landmarks (478, 2) of an alignment and their sigma (478,), px."""
    return (
        landmarks(head, alignment.points_px),
        landmarks(head, alignment.sigma_px[:, None])[:, 0],
    )


def align_in(backend: Backend, image: NDArray[np.uint8], crop: Crop) -> Alignment:
    """Align one picture (H, W, 3)."""
    return backend.align(Frame(image.copy(), index=0, captured_ns=0), crop)


def on_portraits(
    head: HeadModel,
    backend: Backend,
    folder: Path,
    detector: Detector | None,
    limit: int | None = None,
    hardship: Hardship | None = None,
) -> tuple[list[Aligned], int]:
    """Align the validation portraits.

    detector  crops from its best face; from the teacher's landmarks if None
    hardship  makes every picture harder first
    returns   the pictures, and in how many of them the detector found nothing
    """
    missed, aligned = 0, []
    for number, person in enumerate(portraits.read(folder, "validation", limit)):
        image = person.image
        if hardship is not None:
            image = hardship(image, person.landmarks_px, number)
        if detector is None:
            crop = upright_crop(person.landmarks_px, backend.crop_side_px)
        else:
            faces = detector.detect(image)
            if not faces:
                missed += 1
                continue
            crop = crop_from_box(faces[0].box_px, backend.crop_side_px, faces[0].roll_rad or 0.0)
        points, sigma = read_landmarks(head, align_in(backend, image, crop))
        aligned.append(Aligned(person.name, points, sigma, person.landmarks_px))
    return aligned, missed


def summary(aligned: Iterable[Aligned]) -> dict[str, Any]:
    """Return NME (% of the face side), per region, openings and calibration of some pictures."""
    pictures = list(aligned)
    errors = np.array(
        [normalised_errors(p.predicted_px, p.true_px, face_side_px(p.true_px)) for p in pictures]
    )
    each = errors[:, :MESH_POINTS].mean(axis=1)
    distance = np.array([np.linalg.norm(p.predicted_px - p.true_px, axis=1) for p in pictures])
    sigma = np.array([p.sigma_px for p in pictures])
    mesh = np.s_[:, :MESH_POINTS]
    return {
        "pictures": len(pictures),
        "nme_percent": float(each.mean()),
        "nme_median_percent": float(np.median(each)),
        "nme_p90_percent": float(np.percentile(each, 90)),
        "regions_percent": {
            name: float(errors[:, list(points)].mean()) for name, points in LANDMARK_REGIONS.items()
        },
        "openings": openings_summary(pictures),
        "calibration": asdict(calibration(distance[mesh].ravel(), sigma[mesh].ravel())),
    }


def openings_summary(pictures: list[Aligned]) -> dict[str, Any]:
    """Return per opening the error in % of its width and the correlation over the pictures."""
    predicted = np.array([p.predicted_px for p in pictures]).reshape(-1, 478, 2)
    true = np.array([p.true_px for p in pictures]).reshape(-1, 478, 2)
    return {name: opening_row(predicted, true, name) for name in OPENINGS}


def opening_row(predicted_px: Array, true_px: Array, name: str) -> dict[str, Any]:
    """Return how well one opening is read off pictures: (N, 478, 2) found and true."""
    if not len(true_px):
        return {"pictures": 0, "error_percent": float("nan"), "correlation": float("nan")}
    opening = OPENINGS[name]
    found = gap(predicted_px, opening) / width(true_px, opening)
    known = gap(true_px, opening) / width(true_px, opening)
    return {
        "pictures": len(true_px),
        "error_percent": float(gap_error(predicted_px, true_px, opening).mean()),
        "correlation": correlation(found, known),
    }


def run(
    head: HeadModel, backend: Backend, detector: Detector, folder: Path, limit: int | None
) -> dict[str, Any]:
    """Measure the alignment on the validation portraits, cropped in both ways, and made harder.

    The harder ones are cropped around the teacher's landmarks, so that only the network is asked.
    """
    given, _ = on_portraits(head, backend, folder, None, limit)
    detected, missed = on_portraits(head, backend, folder, detector, limit)
    clean = summary(given)
    harder: dict[str, Any] = {}
    for name, hardship in HARDSHIPS.items():
        row = summary(on_portraits(head, backend, folder, None, limit, hardship)[0])
        harder[name] = {**row, "nme_to_clean": row["nme_percent"] / clean["nme_percent"]}
    return {
        "teacher_box": clean,
        "detector_box": {**summary(detected), "not_detected": missed},
        "harder": harder,
    }
