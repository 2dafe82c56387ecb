"""`flowface bench still`: how much a point trembles when nothing but the camera's noise changes.

Every portrait is copied with sub-pixel shifts, fresh sensor noise and JPEG. A point's standard
deviation over the copies, the known shift taken off, is set against MediaPipe FaceMesh's in static
mode on exactly the same files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.evaluation.accuracy import face_side_px
from engine.evaluation.align import align_in, read_landmarks, upright_crop
from engine.evaluation.datasets import portraits
from engine.evaluation.regions import LANDMARK_REGIONS, MESH_POINTS
from engine.evaluation.rivals.run import mediapipe_static
from engine.evaluation.shaken import Shaken, ShakeSettings, scatter_px, shaken
from engine.evaluation.tables import table
from engine.fit.heads import HeadModel, landmarks
from engine.geometry import assumed_camera
from engine.network.backends import Backend
from engine.network.crop import crop_from_box
from engine.network.detector import Detector
from engine.types import Array, Frame

PORTRAITS = 24
RIVAL = "MediaPipe FaceMesh, static"
TITLES = {
    "fixed_crop": "network, the same window for all copies",
    "own_crop": "network, window from the detector, then from its own answer",
    "fit": "fit without a past",
}
_SEED = 5

Reader: TypeAlias = Callable[[NDArray[np.uint8]], Array]  # picture -> (478, 2), NaN without face


def sharp_portraits(folder: Path, count: int) -> Iterator[portraits.Portrait]:
    """Yield validation portraits of full size, evenly spread over the list."""
    whole = [p for p in portraits.read(folder, "validation") if min(p.image.shape[:2]) >= 256]
    rows = np.linspace(0, len(whole) - 1, min(count, len(whole))).round().astype(int)
    return (whole[row] for row in rows)


def fixed_reader(head: HeadModel, backend: Backend, person: portraits.Portrait) -> Reader:
    """Return the network alone in the window around the teacher's landmarks."""
    crop = upright_crop(person.landmarks_px, backend.crop_side_px)
    return lambda image: read_landmarks(head, align_in(backend, image, crop))[0]


def own_reader(head: HeadModel, backend: Backend, detector: Detector) -> Reader:
    """Return detector, network, network in the window of its first answer."""

    def read(image: NDArray[np.uint8]) -> Array:
        faces = detector.detect(image)
        if not faces:
            return np.full((478, 2), np.nan)
        side = backend.crop_side_px
        crop = crop_from_box(faces[0].box_px, side, faces[0].roll_rad or 0.0)
        rough, _ = read_landmarks(head, align_in(backend, image, crop))
        return read_landmarks(head, align_in(backend, image, upright_crop(rough, side)))[0]

    return read


def fit_reader(head: HeadModel, maker: TrackerMaker, config: TrackerConfig) -> Reader:
    """Return the landmarks of the fitted head, by a tracker that sees no other picture."""

    def read(image: NDArray[np.uint8]) -> Array:
        tracker = maker(config, assumed_camera(image.shape[1], image.shape[0]))
        result = tracker.step(Frame(image.copy(), index=0, captured_ns=0))
        if result.head is None:
            return np.full((478, 2), np.nan)
        return landmarks(head, result.head.points_px)

    return read


def summary(scatter: dict[str, Array], side_px: Array) -> dict[str, Any]:
    """Return each method's figures over the pictures that all of them saw in every copy.

    scatter  name -> (N, 478) px, NaN rows where a copy had no face
    side_px  (N,) side of the face box
    """
    seen = np.all([np.isfinite(s).all(axis=1) for s in scatter.values()], axis=0)
    rows: dict[str, Any] = {}
    for name, every in scatter.items():
        mesh = every[seen][:, :MESH_POINTS]
        percent = 100 * mesh / side_px[seen, None]
        rows[name] = {
            "mean_px": float(mesh.mean()),
            "median_px": float(np.median(mesh)),
            "mean_percent": float(percent.mean()),
            "median_percent": float(np.median(percent)),
            "regions_px": {
                region: float(every[seen][:, list(points)].mean())
                for region, points in LANDMARK_REGIONS.items()
            },
            "pictures_with_face": int(np.isfinite(every).all(axis=1).sum()),
        }
    if RIVAL in scatter:
        theirs = scatter[RIVAL][seen][:, :MESH_POINTS].mean(axis=1)
        for name, every in scatter.items():
            ours = every[seen][:, :MESH_POINTS].mean(axis=1)
            rows[name]["ratio"] = float(ours.mean() / theirs.mean())
            rows[name]["ratio_worst_tenth"] = float(np.percentile(ours / theirs, 90))
    return {"pictures": int(seen.sum()), "methods": rows}


def run(
    folder: Path,
    head: HeadModel,
    backend: Backend,
    maker: TrackerMaker,
    config: TrackerConfig,
    rival: Path | None,
    limit: int | None,
) -> dict[str, Any]:
    """Measure the stillness on validation portraits.

    rival  a Python with mediapipe; no ratio if None
    Raises AssetError if the portraits or the rival are missing.
    """
    detector, settings, rng = Detector(), ShakeSettings(), np.random.default_rng(_SEED)
    scatter: dict[str, list[Array]] = {name: [] for name in TITLES}
    sides: list[float] = []
    copies: list[Shaken] = []
    for person in sharp_portraits(folder, limit or PORTRAITS):
        made = shaken(person.image, rng, settings)
        readers = {
            "fixed_crop": fixed_reader(head, backend, person),
            "own_crop": own_reader(head, backend, detector),
            "fit": fit_reader(head, maker, config),
        }
        for name, read in readers.items():
            points = np.array([read(made.image(i)) for i in range(len(made.jpeg))])
            scatter[name].append(scatter_px(points, made.shift_px))
        sides.append(face_side_px(person.landmarks_px))
        copies.append(made)
    every = {name: np.array(rows) for name, rows in scatter.items()}
    if rival is not None:
        every[RIVAL] = _rival_scatter(rival, copies)
    return {"settings": asdict(settings), **summary(every, np.array(sides))}


def _rival_scatter(rival: Path, copies: list[Shaken]) -> Array:
    found = mediapipe_static(rival, [file for made in copies for file in made.jpeg])
    each = np.split(found, len(copies))
    return np.array(
        [scatter_px(points, made.shift_px) for points, made in zip(each, copies, strict=True)]
    )


def text(result: dict[str, Any]) -> str:
    """Return the table of `bench still`."""
    settings = result["settings"]
    header = ("standard deviation of a point", "mean px", "median px", "mean % of face")
    lines = [
        (
            TITLES.get(name, name),
            f"{row['mean_px']:.3f}",
            f"{row['median_px']:.3f}",
            f"{row['mean_percent']:.3f}",
            row.get("ratio", float("nan")),
            row.get("ratio_worst_tenth", float("nan")),
        )
        for name, row in result["methods"].items()
    ]
    regions = list(LANDMARK_REGIONS)
    by_region = [
        (TITLES.get(name, name), *(f"{row['regions_px'][region]:.3f}" for region in regions))
        for name, row in result["methods"].items()
    ]
    return "\n".join(
        [
            f"{result['pictures']} portraits, {settings['copies']} copies each, shifts within "
            f"{settings['largest_shift_px']} px, noise {settings['noise']} of 255, "
            f"JPEG {settings['jpeg_quality']}",
            table((*header, "ratio to MediaPipe", "ratio, 90th percentile"), lines),
            table(("px by region", *regions), by_region),
        ]
    )
