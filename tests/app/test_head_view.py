"""The head alone: where the camera goes, and what it then sees."""

from __future__ import annotations

from collections.abc import Iterator

import moderngl
import numpy as np
import pytest
from drawn_head import tracked
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.head_view import HeadView
from app.render.look import Look, Mode
from app.render.offscreen import Canvas
from app.render.orbit import Orbit, seen_from
from app.render.scene import Scene
from engine.fit.heads import HeadModel
from engine.types import HeadState, Status, TrackResult

SIZE = (300, 400)


def state(head: HeadModel) -> HeadState:
    result = tracked(head.neutral, SIZE)
    assert result.head is not None
    return result.head


def middle(head: HeadModel) -> np.ndarray:
    return (head.neutral.min(axis=0) + head.neutral.max(axis=0)) / 2


def tip(head: HeadModel) -> int:
    """The vertex farthest in front: the nose."""
    return int(head.neutral[:, 2].argmin())


def nose_px(head: HeadModel, orbit: Orbit) -> np.ndarray:
    seen = seen_from(orbit, state(head), middle(head), SIZE)
    return seen.points_px[tip(head)] - np.array(SIZE) / 2


def test_the_nose_follows_the_hand(head: HeadModel) -> None:
    front = Orbit(aside_rad=0.0)
    assert nose_px(head, front)[0] == pytest.approx(0.0, abs=3.0)
    assert nose_px(head, front.dragged(0.1, 0.0))[0] > 20
    assert nose_px(head, front.dragged(-0.1, 0.0))[0] < -20
    level = nose_px(head, front)[1]
    assert nose_px(head, front.dragged(0.0, 0.1))[1] > level + 20
    assert nose_px(head, front.dragged(0.0, -0.1))[1] < level - 20


def test_half_a_turn_shows_the_back_of_the_head(head: HeadModel) -> None:
    front = Orbit(aside_rad=0.0).camera_from_head(middle(head))
    back = Orbit(aside_rad=0.0).dragged(1.0, 0.0).camera_from_head(middle(head))
    for camera_from_head, sign in ((front, -1.0), (back, 1.0)):
        nose = camera_from_head[:3, :3] @ head.neutral[tip(head)] + camera_from_head[:3, 3]
        assert sign * (nose[2] - Orbit().distance_m) > 0.05


@pytest.mark.parametrize("orbit", [Orbit(), Orbit(2.0, -1.2, 0.6), Orbit(-7.0, 1.4, 2.0)])
def test_the_camera_looks_at_the_middle_from_its_distance(head: HeadModel, orbit: Orbit) -> None:
    camera_from_head = orbit.camera_from_head(middle(head))
    rotation = camera_from_head[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    there = rotation @ middle(head) + camera_from_head[:3, 3]
    np.testing.assert_allclose(there, [0.0, 0.0, orbit.distance_m], atol=1e-12)


def test_neither_pole_nor_nose_is_reached() -> None:
    orbit = Orbit()
    for _ in range(40):
        orbit = orbit.dragged(0.0, 1.0).nearer(3.0)
    assert orbit.down_rad < np.pi / 2
    assert orbit.distance_m > 0.4
    for _ in range(40):
        orbit = orbit.dragged(0.0, -1.0).nearer(-3.0)
    assert orbit.down_rad > -np.pi / 2
    assert orbit.distance_m < 3.0


@pytest.mark.parametrize("orbit", [Orbit(), Orbit(1.5), Orbit(3.1, 0.5)])
def test_the_whole_head_is_in_the_picture_whatever_its_own_pose(
    context: moderngl.Context, head: HeadModel, orbit: Orbit
) -> None:
    scene, canvas = Scene(context, head), Canvas(context, SIZE)
    result = tracked(head.neutral, SIZE)
    seen = seen_from(orbit, state(head), middle(head), SIZE)
    shown = TrackResult(0, 0, 0, Status.TRACKING, head=seen)
    assert result.head is not None
    scene.show(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), shown)
    scene.draw(canvas.target, SIZE, Look(Mode.SHADED, 1.0, whole_head=True, legend=False))
    row, column = np.nonzero(canvas.read().sum(axis=-1) > 0)
    assert 0.15 < len(row) / (SIZE[0] * SIZE[1]) < 0.7
    assert min(row.min(), column.min()) > 3
    assert row.max() < SIZE[1] - 4
    assert column.max() < SIZE[0] - 4
    assert abs(column.mean() - SIZE[0] / 2) < 30
    scene.release()


@pytest.fixture
def view(application: QApplication, head: HeadModel) -> Iterator[HeadView]:
    made = HeadView(head)
    made.resize(*SIZE)
    made.show()
    yield made
    made.release()
    made.deleteLater()


def turn_wheel(view: HeadView, eighths: int) -> None:
    at, none = QPointF(100, 100), Qt.KeyboardModifier.NoModifier
    view.wheelEvent(
        QWheelEvent(
            *(at, at, QPoint(), QPoint(0, eighths)),
            *(Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False),
        )
    )


def test_mouse_wheel_and_keys_move_the_camera(view: HeadView) -> None:
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(view, left, pos=QPoint(100, 100))
    QTest.mouseMove(view, QPoint(140, 60))
    QTest.mouseRelease(view, left, pos=QPoint(140, 60))
    assert view.orbit.aside_rad == pytest.approx(Orbit().aside_rad + np.pi * 40 / SIZE[1])
    assert view.orbit.down_rad == pytest.approx(-np.pi * 40 / SIZE[1])
    turn_wheel(view, 240)
    assert view.orbit.distance_m == pytest.approx(Orbit().distance_m * 0.81)
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert view.orbit.aside_rad < Orbit().aside_rad + np.pi * 40 / SIZE[1]
    QTest.mouseDClick(view, left, pos=QPoint(100, 100))
    assert view.orbit == Orbit()


def test_what_is_seen_is_the_head_and_nothing_when_it_is_lost(
    view: HeadView, head: HeadModel, screen: bool
) -> None:
    if not screen:
        pytest.skip("no screen and no Xvfb: OpenGL cannot be expected")

    def inked() -> float:
        image = view.canvas.grabFramebuffer()
        ground = image.pixelColor(2, 2)
        return np.mean(
            [
                image.pixelColor(x, y) != ground
                for x in range(0, image.width(), 9)
                for y in range(0, image.height(), 9)
            ]
        )

    view.show_result(tracked(head.neutral, SIZE))
    assert 0.15 < inked() < 0.7
    assert view.cost_ms > 0
    view.show_result(TrackResult(0, 0, 0, Status.LOST))
    assert inked() == 0
    view.hide()
    assert view.cost_ms == 0
