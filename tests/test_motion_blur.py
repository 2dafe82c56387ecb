"""A face that is smeared by its own motion is told, one that is blurred otherwise is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.motion_blur import MotionBlur

WIDTH, HEIGHT, FACE = 640, 480, 150
RATE, AMPLITUDE_PX = 30.0, 110.0


@pytest.fixture(scope="module")
def face() -> NDArray[np.float32]:
    """Structures of many sizes, with more edges across than along, as faces have."""
    rng = np.random.default_rng(3)
    made = np.zeros((FACE, FACE))
    for sigma in (1.0, 2.5, 6.0):
        layer = cv2.GaussianBlur(rng.normal(size=(FACE, FACE)), (0, 0), sigma, sigmaY=0.7 * sigma)
        made += layer / layer.std()
    return np.clip(128 + 30 * made / made.std(), 0, 255).astype(np.float32)


def run(
    face: NDArray[np.float32],
    *,
    exposure_s: float = 0.0,
    vertical: bool = False,
    light: float = 1.0,
    defocus_px: float = 0.0,
    seconds: float = 8.0,
    swings: float = 0.7,
) -> list[bool]:
    """Swing a face to and fro after a second of rest; return what is seen in every look."""
    blur, rng, told = MotionBlur(), np.random.default_rng(1), []
    for index in range(int(seconds * RATE)):
        second = index / RATE
        turn = 2 * np.pi * swings * max(second - 1.0, 0.0)
        away = AMPLITUDE_PX * np.sin(turn)
        speed = 2 * np.pi * swings * AMPLITUDE_PX * np.cos(turn) * (second > 1.0)
        seen = face
        length = int(abs(speed) * exposure_s)
        if length > 1:
            kernel = np.full((1, length), 1 / length)
            seen = cv2.filter2D(seen, -1, kernel.T if vertical else kernel)
        if defocus_px:
            seen = cv2.GaussianBlur(seen, (0, 0), defocus_px)
        x, y = (WIDTH - FACE) // 2, (HEIGHT - FACE) // 2
        x, y = (x, y + int(away)) if vertical else (x + int(away), y)
        picture = np.full((HEIGHT, WIDTH), 90.0, np.float32)
        picture[y : y + FACE, x : x + FACE] = seen
        picture = light * picture + rng.normal(0, 1.5, picture.shape)
        points = np.array([[x, y], [x + FACE, y], [x + FACE, y + FACE], [x, y + FACE]], float)
        at_ns = round(second * 1e9)
        blur.move(points.mean(axis=0), at_ns)
        if index % 10 == 3:
            blur.look(picture, points, at_ns)
            told.append(blur.seen)
    return told


@pytest.mark.parametrize("vertical", [False, True])
def test_a_long_exposure_is_told(face: NDArray[np.float32], vertical: bool) -> None:
    told = run(face, exposure_s=1 / 30, vertical=vertical)
    assert told[-1]
    assert not any(told[:4])  # at rest there is nothing to tell


@pytest.mark.parametrize(
    "harmless",
    [
        {},
        {"exposure_s": 1 / 250},
        {"defocus_px": 3.0},
        {"light": 0.25},
        {"exposure_s": 1 / 30, "swings": 0.05},  # slow
        {"vertical": True},
    ],
)
def test_what_is_sharp_dark_or_out_of_focus_is_not(
    face: NDArray[np.float32], harmless: dict[str, float]
) -> None:
    assert not any(run(face, **harmless))


def test_it_is_told_no_longer_than_it_lasts(face: NDArray[np.float32]) -> None:
    blur = MotionBlur()
    blur._moves, blur._moved_ns = [True] * 6, 0
    points = np.array([[10.0, 10.0], [160.0, 160.0]])
    picture = np.zeros((HEIGHT, WIDTH), np.float32)
    picture[10:160, 10:160] = face
    blur.look(picture, points, 3_000_000_000)
    assert blur.seen
    blur.look(picture, points, 5_000_000_000)
    assert not blur.seen
    blur.lose()
    blur.look(picture, points, 3_000_000_000)
    assert not blur.seen
