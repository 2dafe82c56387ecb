"""Measures the face detector and fits the calibration of its box.

    python -m engine.evaluation.detection [--data FOLDER] [--calibrate]

Recall on portraits pasted into larger pictures and on the clips, false alarms on face-free
pictures, error of the box, time. --calibrate prints the constant of engine/network/detector.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.evaluation.datasets import clips, face_free, portraits
from engine.network.detector import CloseLook, Detection, Detector, DetectorSettings
from engine.resources import data_folder
from engine.types import Array

HEIGHTS_PX = (64, 100, 180, 300, 400)  # of the landmark box in a 640x480 picture


@dataclass(frozen=True, slots=True, eq=False)
class Pasted:
    """A portrait inside a larger picture."""

    image: NDArray[np.uint8]  # (480, 640, 3) RGB
    landmarks_px: Array  # (478, 2)
    roll_rad: float  # that was added


def pasted(
    people: Iterable[portraits.Portrait],
    backgrounds: list[NDArray[np.uint8]],
    height_px: float,
    seed: int,
) -> Iterator[Pasted]:
    """Yield every portrait at a face height, rolled and placed at random within the picture."""
    rng = np.random.default_rng(seed)
    width, height = face_free.SIZE_PX
    for person in people:
        background = backgrounds[int(rng.integers(len(backgrounds)))]
        box = portraits.landmark_box(person.landmarks_px)
        scale = height_px / (box[3] - box[1])
        roll_rad = float(rng.normal(0.0, 0.2))
        cosine, sine = np.cos(roll_rad) * scale, np.sin(roll_rad) * scale
        room = 0.55 * height_px
        x = rng.uniform(min(room, width / 2), max(width - room, width / 2))
        y = rng.uniform(min(room, height / 2), max(height - room, height / 2))
        linear = np.array([[cosine, -sine], [sine, cosine]])
        shift = np.array([x, y]) - linear @ (box[:2] + box[2:]) / 2
        affine = np.column_stack([linear, shift])
        smooth = cv2.GaussianBlur(person.image, (0, 0), 0.4 / scale) if scale < 1 else person.image
        drawn = cv2.warpAffine(smooth, affine, (width, height))
        cover = cv2.warpAffine(np.ones(smooth.shape[:2], np.float32), affine, (width, height))
        image = drawn * cover[..., None] + background * (1 - cover[..., None])
        yield Pasted(np.asarray(image, np.uint8), person.landmarks_px @ linear.T + shift, roll_rad)


def hits(faces: list[Detection], landmarks_px: Array) -> bool:
    """Tell whether the best face's centre lies within the landmark box."""
    if not faces:
        return False
    left, top, right, bottom = portraits.landmark_box(landmarks_px)
    x, y = (faces[0].box_px[:2] + faces[0].box_px[2:]) / 2
    return bool(left < x < right and top < y < bottom)


def upright_box(look: CloseLook, landmarks_px: Array) -> Array:
    """Return the landmark box (4,) in the unitless, upright axes of a close look."""
    origin, unit_px, image_from_upright = look.axes()
    return portraits.landmark_box((landmarks_px - origin) @ image_from_upright / unit_px)


def calibrate(samples: list[tuple[CloseLook, Array]]) -> tuple[Array, float]:
    """Fit the linear map (13, 4) from key points to landmark box; also the rms, in box sides.

    samples  close looks and the landmarks (478, 2) px that belong to them
    """
    features = np.array([look.features() for look, _ in samples])
    boxes = np.array([upright_box(look, landmarks) for look, landmarks in samples])
    ridge = 1e-3 * len(samples) * np.diag([0.0, *np.ones(12)])
    fitted = np.linalg.solve(features.T @ features + ridge, features.T @ boxes)
    return fitted, float(np.sqrt(np.mean((features @ fitted - boxes) ** 2)))


def _nearest(looks: list[CloseLook], landmarks_px: Array) -> CloseLook | None:
    left, top, right, bottom = portraits.landmark_box(landmarks_px)
    for look in looks:
        x, y = look.points_px[:4].mean(axis=0)
        if left < x < right and top < y < bottom:
            return look
    return None


def _print_calibration(folder: Path, backgrounds: list[NDArray[np.uint8]]) -> None:
    detector = Detector(DetectorSettings(face_score=0.5))
    people = list(portraits.read(folder, "train"))[::3]
    samples: list[tuple[CloseLook, Array]] = []
    for height_px in HEIGHTS_PX[1:4]:
        for picture in pasted(people, backgrounds, height_px, seed=round(height_px)):
            look = _nearest(detector.close_looks(picture.image), picture.landmarks_px)
            if look is not None:
                samples.append((look, picture.landmarks_px))
    fitted, rms = calibrate(samples)
    rows = ",\n".join("        [" + ", ".join(f"{v:.4f}" for v in row) + "]" for row in fitted)
    sys.stdout.write(f"{len(samples)} faces, rms {rms:.4f} of the proposal's side\n{rows}\n")


def _box_errors(faces: list[Detection], picture: Pasted) -> Array:
    """Return the four sides' errors in % of the landmark box's side, in the face's own axes."""
    face = faces[0]
    roll_rad = face.roll_rad or 0.0
    cosine, sine = np.cos(roll_rad), np.sin(roll_rad)
    image_from_upright = np.array([[cosine, -sine], [sine, cosine]])
    centre = (face.box_px[:2] + face.box_px[2:]) / 2
    true = portraits.landmark_box((picture.landmarks_px - centre) @ image_from_upright)
    side = np.sqrt(np.prod(true[2:] - true[:2]))
    return 100 * (face.box_px - np.tile(centre, 2) - true) / side


def _print_measures(folder: Path, backgrounds: list[NDArray[np.uint8]]) -> None:
    detector, people = Detector(), list(portraits.read(folder, "validation"))
    for height_px in HEIGHTS_PX:
        found, errors = 0, []
        for picture in pasted(people, backgrounds, height_px, seed=round(height_px)):
            faces = detector.detect(picture.image)
            if hits(faces, picture.landmarks_px):
                found += 1
                errors.append(_box_errors(faces, picture))
        rms = np.sqrt(np.mean(np.square(errors)))
        sys.stdout.write(
            f"portraits, face {height_px:3d} px: recall {found / len(people):.1%}, "
            f"box sides rms {rms:.1f} %\n"
        )
    for clip in clips.find(folder):
        pairs = list(zip(clips.frames(clip.path), clip.teacher_px, strict=False))[::5]
        hit = np.mean([hits(detector.detect(frame.image), points) for frame, points in pairs])
        sys.stdout.write(f"{clip.name}: {hit:.1%} of {len(pairs)} frames\n")
    alarms, times = [], []
    for picture in face_free.build(folder):
        start = perf_counter()
        faces = detector.detect(picture.image)
        times.append(perf_counter() - start)
        alarms += [picture.name] if faces else []
    sys.stdout.write(
        f"face-free: {len(alarms)} false alarms of {len(times)} {alarms}, "
        f"{1e3 * np.median(times):.1f} ms (median), {1e3 * np.percentile(times, 95):.1f} (p95)\n"
    )


def main() -> None:
    """Run the module as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--calibrate", action="store_true")
    args = parser.parse_args()
    pictures = face_free.build(args.data, count=60)
    backgrounds = [p.image for p in pictures if p.name.endswith(("environment", "panorama"))]
    (_print_calibration if args.calibrate else _print_measures)(args.data, backgrounds)


if __name__ == "__main__":
    main()
