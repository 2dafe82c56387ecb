"""Hints, on pictures whose fault is known; a good picture yields none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from made_results import lost
from numpy.typing import NDArray

from engine.conditions import Conditions, face_points
from engine.fit.heads import HeadModel, open_head
from engine.geometry import assumed_camera, project, rigid
from engine.types import Frame, HeadState, Status, TrackResult

SIZE = (640, 480)
STRAIGHT = (0.0, 0.0, 0.5)


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return open_head.load(open_head.DEFAULT_PATH)


def found(head: HeadModel, place: tuple[float, float, float] = STRAIGHT) -> TrackResult:
    pose = rigid(np.eye(3), np.array(place))
    points = project(head.neutral, pose, assumed_camera(*SIZE).intrinsics)
    vertices = head.neutral.astype(np.float64)
    state = HeadState(pose, np.zeros(1), np.zeros((2, 2)), np.zeros(3), points, vertices, 1.0)
    return TrackResult(0, 0, 1, Status.TRACKING, head=state)


def picture(result: TrackResult, face: int, around: int) -> NDArray[np.uint8]:
    """A face of one brightness, of noise, before a wall of another."""
    assert result.head is not None
    image = np.full((SIZE[1], SIZE[0], 3), around, np.uint8)
    outline = cv2.convexHull(np.round(face_points(result.head)).astype(np.int32))
    cv2.fillConvexPoly(image, outline, (face, face, face))
    noise = np.random.default_rng(0).integers(-8, 9, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def hint(
    image: NDArray[np.uint8], *results: TrackResult, interval_ms: int = 33, every: int = 1
) -> str:
    """What is said after many frames of one picture, with the results one after the other."""
    conditions, index = Conditions(), 0
    for result in results:
        for _ in range(30):
            index += every
            conditions.look(Frame(image.copy(), index, index * interval_ms * 1_000_000), result)
    return conditions.hint


@pytest.mark.parametrize(
    ("face", "around", "words"),
    [
        (140, 110, ""),
        (100, 130, ""),
        (90, 40, ""),
        (70, 60, ""),
        (25, 30, "Too dark: your face"),
        (70, 220, "from behind"),
        (30, 200, "from behind"),
        (255, 140, "Too bright: your face"),
    ],
)
def test_light_on_a_face(head: HeadModel, face: int, around: int, words: str) -> None:
    result = found(head)
    said = hint(picture(result, face, around), result)
    assert words in said
    assert bool(words) == bool(said)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (STRAIGHT, ""),
        ((0.05, 0.03, 0.6), ""),
        ((-0.28, 0.0, 0.5), "left edge"),
        ((0.28, 0.0, 0.5), "right edge"),
        ((0.0, -0.2, 0.5), "top"),
        ((0.0, 0.17, 0.5), "bottom"),
        ((0.0, 0.0, 1.9), "come closer"),
    ],
)
def test_framing(head: HeadModel, place: tuple[float, float, float], words: str) -> None:
    result = found(head, place)
    said = hint(picture(result, 140, 110), result)
    assert words in said
    assert bool(words) == bool(said)


def test_a_slow_camera(head: HeadModel) -> None:
    result = found(head)
    image = picture(result, 140, 110)
    assert "Only 8 pictures a second" in hint(image, result, interval_ms=125)
    assert hint(image, result, interval_ms=50) == ""
    assert hint(image, result, every=4) == ""  # a slow tracker is no slow camera


@pytest.mark.parametrize(
    ("grey", "words"), [(10, "Too dark"), (255, "Too bright"), (120, "No face")]
)
def test_why_there_is_no_face(grey: int, words: str) -> None:
    image = np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)
    assert words in hint(image, lost())


def test_where_a_face_has_left(head: HeadModel) -> None:
    gone = found(head, (-0.28, 0.0, 0.5))
    assert "left the picture at the left edge" in hint(picture(gone, 140, 110), gone, lost())
    whole = found(head)
    assert hint(picture(whole, 140, 110), whole, lost()) == "No face in the picture."


def test_a_face_that_smears_is_told(head: HeadModel) -> None:
    """A face of noise that swings sideways, blurred along its way; sharp, nothing is said."""
    rng, said = np.random.default_rng(2), {}
    texture = cv2.GaussianBlur(rng.normal(size=(SIZE[1], SIZE[0])), (0, 0), 1.5)
    texture = (128 + 40 * texture / texture.std()).clip(0, 255).astype(np.float32)
    for length in (1, 15):
        conditions = Conditions()
        for index in range(150):
            swing = 0.09 * np.sin(2 * np.pi * 0.7 * max(index / 30 - 1, 0))
            fast = abs(np.cos(2 * np.pi * 0.7 * max(index / 30 - 1, 0))) > 0.5 and index > 30
            result = found(head, (swing, 0.0, 0.5))
            assert result.head is not None
            moved = np.roll(texture, int(result.head.points_px[:, 0].mean()), axis=1)
            seen = cv2.blur(moved, (length if fast else 1, 1))
            image = np.repeat(seen[..., None], 3, axis=2).astype(np.uint8)
            conditions.look(Frame(image, index, round(index * 1e9 / 30)), result)
        said[length] = conditions.hint
    assert said[1] == ""
    assert "blurs as it moves" in said[15]
