"""The face detector: merging against a slow twin, and real portraits in larger pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.evaluation.datasets import drawn, portraits
from engine.network.blaze_face import merge, overlap
from engine.network.detector import Detection, Detector, DetectorSettings
from engine.resources import data_folder

needs_portraits = pytest.mark.skipif(
    not (data_folder() / "faces" / "labels.npz").is_file(), reason="no portraits: FLOWFACE_DATA"
)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def people() -> list[portraits.Portrait]:
    return list(portraits.read(data_folder(), "validation", limit=6))


def placed(
    person: portraits.Portrait, scale: float, roll_rad: float, middle: tuple[float, float]
) -> tuple[NDArray[np.uint8], NDArray]:
    """Put a portrait on grey; returns the picture (480, 640, 3) and the landmarks in it."""
    cosine, sine = np.cos(roll_rad) * scale, np.sin(roll_rad) * scale
    linear = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array(middle) - linear @ person.landmarks_px[:468].mean(axis=0)
    affine = np.column_stack([linear, shift])
    size, grey = (640, 480), (128, 128, 128)
    image = cv2.warpAffine(person.image, affine, size, borderValue=grey)
    return np.asarray(image, np.uint8), person.landmarks_px @ linear.T + shift


def centre(face: Detection) -> NDArray:
    return (face.box_px[:2] + face.box_px[2:]) / 2


def test_overlap_agrees_with_counting_pixels() -> None:
    rng = np.random.default_rng(0)
    low = rng.integers(0, 30, (20, 2))
    boxes = np.concatenate([low, low + rng.integers(1, 30, (20, 2))], axis=1)
    drawn_boxes = np.zeros((20, 60, 60), bool)
    for mask, (x0, y0, x1, y1) in zip(drawn_boxes, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    expected = [(drawn_boxes[0] & m).sum() / (drawn_boxes[0] | m).sum() for m in drawn_boxes]
    np.testing.assert_allclose(overlap(boxes[0].astype(float), boxes.astype(float)), expected)


def test_merge_averages_a_face_by_score_and_keeps_two_apart() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    points = np.arange(36.0).reshape(3, 6, 2)
    first, second = merge(boxes, points, np.array([0.6, 0.2, 0.5]))
    np.testing.assert_allclose(first.box_px, [0.25, 0, 10.25, 10])
    np.testing.assert_allclose(first.points_px, 0.75 * points[0] + 0.25 * points[1])
    assert (first.score, second.score) == (0.6, 0.5)
    np.testing.assert_allclose(second.box_px, boxes[2])


@needs_portraits
@pytest.mark.parametrize(("scale", "middle"), [(0.4, (520.0, 90.0)), (1.6, (300.0, 260.0))])
def test_finds_a_face_and_gives_the_box_of_its_landmarks(
    detector: Detector, people: list[portraits.Portrait], scale: float, middle: tuple[float, float]
) -> None:
    for person in people:
        image, landmarks_px = placed(person, scale, 0.0, middle)
        faces = detector.detect(image)
        assert faces, person.name
        box = portraits.landmark_box(landmarks_px)
        assert overlap(faces[0].box_px, box[None])[0] > 0.75, person.name


@needs_portraits
def test_a_picture_taller_than_wide_is_searched_as_well(
    detector: Detector, people: list[portraits.Portrait]
) -> None:
    wide, landmarks_px = placed(people[0], 0.5, 0.0, (480.0, 300.0))
    tall = np.ascontiguousarray(wide[:, 400:580])
    faces = detector.detect(tall)
    box = portraits.landmark_box(landmarks_px) - np.array([400.0, 0, 400, 0])
    assert overlap(faces[0].box_px, box[None])[0] > 0.75


@needs_portraits
def test_a_face_below_the_asked_score_is_none(people: list[portraits.Portrait]) -> None:
    image, _ = placed(people[0], 1.0, 0.0, (320.0, 240.0))
    (face,) = Detector().detect(image)
    above = DetectorSettings(face_score=face.score + 1e-6)
    assert face.score > DetectorSettings().face_score
    assert Detector(above).detect(image) == []


@needs_portraits
def test_reports_the_roll_that_was_added(
    detector: Detector, people: list[portraits.Portrait]
) -> None:
    upright, _ = placed(people[0], 1.0, 0.0, (320.0, 240.0))
    turned, _ = placed(people[0], 1.0, 0.5, (320.0, 240.0))
    before, after = detector.detect(upright)[0], detector.detect(turned)[0]
    assert before.roll_rad is not None
    assert after.roll_rad is not None
    assert after.roll_rad - before.roll_rad == pytest.approx(0.5, abs=0.06)
    sides = (after.box_px[2:] - after.box_px[:2]) / (before.box_px[2:] - before.box_px[:2])
    np.testing.assert_allclose(sides, 1.0, atol=0.08)


@needs_portraits
def test_the_large_central_face_comes_first(
    detector: Detector, people: list[portraits.Portrait]
) -> None:
    large, _ = placed(people[0], 1.2, 0.0, (220.0, 260.0))
    small, _ = placed(people[1], 0.5, 0.0, (560.0, 100.0))
    both = np.where((small != 128).any(axis=2, keepdims=True), small, large)
    faces = detector.detect(both.astype(np.uint8))
    assert len(faces) == 2
    assert centre(faces[0])[0] < 400 < centre(faces[1])[0]


def test_finds_nothing_where_nothing_is(detector: Detector) -> None:
    rng = np.random.default_rng(3)
    pictures = [make((640, 480), rng) for make in (drawn.noise, drawn.cloth, drawn.shapes)]
    pictures += [np.zeros((48, 64, 3), np.uint8), np.full((720, 1280, 3), 200, np.uint8)]
    assert [detector.detect(picture) for picture in pictures] == [[], [], [], [], []]


def test_a_damaged_file_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.network import blaze_face

    damaged = tmp_path / "blaze_face.onnx"
    damaged.write_bytes(b"no network")
    monkeypatch.setattr(blaze_face, "DEFAULT_PATH", damaged)
    with pytest.raises(AssetError, match=r"blaze_face\.onnx"):
        Detector()
