"""OpenSeeFace as its receivers see it: their reader, their conversions, and its own pose solver."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from made_results import lost
from numpy.typing import NDArray
from osf_packet import OsfFace, read
from scipy.spatial.transform import Rotation

from engine import clock, sweep
from engine.fit.heads import landmarks, open_head
from engine.geometry import rigid, rotation_from_vector
from engine.outputs import openseeface
from engine.types import BLENDSHAPE_NAMES, Alignment, Blendshapes, Identity, TrackResult

HEAD = open_head.load()
FEATURES = (
    "eye_l", "eye_r", "steepness_l", "updown_l", "quirk_l", "steepness_r", "updown_r", "quirk_r",
    "corner_updown_l", "corner_inout_l", "corner_updown_r", "corner_inout_r", "open", "wide",
)  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        yield bound


def _face(
    *,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    place: tuple[float, float, float] = (0.0, 0.0, 0.6),
    gaze: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0)),
    **shapes: float,
) -> TrackResult:
    """A face of the open head; `smile=1` stands for mouthSmileLeft and mouthSmileRight."""
    weights = np.array([shapes.get(name, 0.0) for name in BLENDSHAPE_NAMES], np.float32)
    result = sweep.frame(HEAD, 0.0)
    assert result.head is not None
    pose = rigid(rotation_from_vector(np.array(turn)), np.array(place))
    head = replace(result.head, camera_from_head=pose, gaze=np.array(gaze))
    return replace(result, head=head, blendshapes=Blendshapes(weights))


def _both(name: str, weight: float = 1.0) -> dict[str, float]:
    return {f"{name}Left": weight, f"{name}Right": weight}


def _sent(receiver: socket.socket, *results: TrackResult) -> list[OsfFace]:
    sink = openseeface.create(openseeface.Settings(port=receiver.getsockname()[1]))
    faces = []
    for result in results:
        sink.send(result)
        faces.append(read(receiver.recv(4000)))
    sink.close()
    return faces


def _features(receiver: socket.socket, **shapes: float) -> dict[str, float]:
    (face,) = _sent(receiver, _face(**shapes))
    return dict(zip(FEATURES, face.features.tolist(), strict=True))


def test_fields_that_say_what_it_is(receiver: socket.socket) -> None:
    result = replace(_face(eyeBlinkRight=1.0, eyeBlinkLeft=0.25), captured_ns=clock.now_ns())
    (face,) = _sent(receiver, result)
    assert (face.face, face.size, face.success) == (0, (640.0, 480.0), 1)
    assert abs(face.time - time.time()) < 5
    assert (face.right_open, face.left_open) == (0.0, 0.75)
    assert np.linalg.norm(face.quaternion) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "turn",
    [(0.3, 0, 0), (-0.3, 0, 0), (0, -0.3, 0), (0, 0.3, 0), (0, 0, -0.3), (0.2, -0.3, 0.1)],
    ids=["down", "up", "own left", "own right", "tilt own right", "all"],
)
def test_receivers_turn_the_avatar_as_the_performer(receiver: socket.socket, turn: tuple) -> None:
    """Unity: + about x is down, about y to the own right, about z to the own left shoulder."""
    rest, turned = _sent(receiver, _face(), _face(turn=turn))
    found = (turned.unity_turn() * rest.unity_turn().inv()).as_rotvec()
    np.testing.assert_allclose(found, turn, atol=1e-5)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((0.1, 0, 0.6), (-1, 0, 0)),  # to the own left: Unity's -x
        ((0, -0.1, 0.6), (0, 1, 0)),  # up
        ((0, 0, 0.5), (0, 0, 1)),  # closer: forward
    ],
)
def test_receivers_move_the_avatar_as_the_performer(
    receiver: socket.socket, place: tuple, expected: tuple
) -> None:
    rest, moved = _sent(receiver, _face(), _face(place=place))
    found = (moved.unity_place() - rest.unity_place()) * 0.137
    np.testing.assert_allclose(found, 0.1 * np.array(expected), atol=1e-6)


def test_angles_are_opencv_s_of_the_same_rotation(receiver: socket.socket) -> None:
    """OpenSeeFace sends cv2.RQDecomp3x3; the receiver's neutral is (180, 0, 90)."""
    (front,) = _sent(receiver, _face())
    np.testing.assert_allclose(np.abs(front.euler), [180, 0, 90], atol=1e-4)
    for turn in np.random.default_rng(5).uniform(-0.5, 0.5, (20, 3)):
        (face,) = _sent(receiver, _face(turn=tuple(turn)))
        matrix = Rotation.from_quat(face.quaternion).inv().as_matrix()
        np.testing.assert_allclose(face.euler, cv2.RQDecomp3x3(matrix)[0], atol=1e-3)


def _solved(face: OsfFace, focal: float) -> tuple[NDArray, NDArray]:
    """Solve for the pose as OpenSeeFace does: rows before columns, starting from nothing."""
    camera = np.array([[focal, 0, 240], [0, focal, 320], [0, 0, 1]])
    contour = [0, 1, 8, 15, 16, *range(27, 36)]
    found, turn, place = cv2.solvePnP(
        face.points_3d[contour], face.points[contour][:, ::-1].copy(), camera, np.zeros(4),
        rvec=np.zeros(3), tvec=np.zeros(3), useExtrinsicGuess=True, flags=cv2.SOLVEPNP_ITERATIVE,
    )  # fmt: skip
    assert found
    return cv2.Rodrigues(turn)[0], place[:, 0]


@pytest.mark.parametrize("turn", [(0.3, 0, 0), (0, -0.2, 0), (0, 0, 0.3), (-0.2, 0.1, 0.1)])
def test_pose_is_what_openseeface_s_solver_finds(receiver: socket.socket, turn: tuple) -> None:
    result = _face(turn=turn, place=(0.03, -0.02, 7.0))
    assert result.camera is not None
    (face,) = _sent(receiver, result)
    matrix, place = _solved(face, float(result.camera.intrinsics[0, 0]))
    sent = Rotation.from_quat(face.quaternion).inv()
    # Its solution has the depth of the face turned round, which fits well from far away.
    assert np.degrees((sent.inv() * Rotation.from_matrix(matrix)).magnitude()) < 3
    assert np.linalg.norm(place - face.translation) < 0.03 * np.linalg.norm(face.translation)


def test_points_of_a_face_at_rest_are_where_they_are_on_the_head(receiver: socket.socket) -> None:
    result = _face(turn=(0.1, 0.2, 0.05))
    assert result.camera is not None
    assert result.head is not None
    (face,) = _sent(receiver, result)
    there = landmarks(HEAD, HEAD.neutral).astype(np.float64)
    pose = result.head.camera_from_head
    flat, _ = cv2.projectPoints(
        there, cv2.Rodrigues(pose[:3, :3])[0], pose[:3, 3], result.camera.intrinsics, None
    )
    # iBUG's numbers beside MediaPipe's: chin, tip of the nose, outer corners of right and left eye,
    # upper lip, right and left corner of the mouth, pupils.
    known = {8: 152, 30: 4, 36: 33, 45: 263, 50: 0, 58: 61, 62: 291, 66: 468, 67: 473}
    for ours, mediapipe in known.items():
        np.testing.assert_allclose(face.points[ours], flat[mediapipe, 0] - 0.5, atol=0.01)
        expected = -(there[mediapipe] - there[4]) / 0.137
        np.testing.assert_allclose(face.points_3d[ours], expected, atol=1e-4)
    assert face.points_3d[0, 0] - face.points_3d[16, 0] == pytest.approx(1.0, abs=0.02)


def test_the_order_of_the_points_is_ibug_s(receiver: socket.socket) -> None:
    p = _sent(receiver, _face())[0].points_3d  # x own right, y up, z out of the face
    assert (np.diff(p[1:16, 0]) < 0).all()  # jaw, from the own right to the left
    assert p[:, 1].argmin() == 8
    for right_to_left in (range(17, 27), range(31, 36), range(48, 53), range(58, 63)):
        assert (np.diff(p[list(right_to_left), 0]) < 0).all()
    for left_to_right in (range(53, 58), range(63, 66)):
        assert (np.diff(p[list(left_to_right), 0]) > 0).all()
    assert (np.diff(p[27:31, 1]) < 0).all()
    assert p[30, 2] == p[:, 2].max()
    for outline in (p[36:42], p[42:48]):  # one way round, the upper lid first
        x, y = outline[:, 0], outline[:, 1]
        assert ((x * np.roll(y, -1)).sum() - (y * np.roll(x, -1)).sum()) > 0
        assert outline[1:3, 1].min() > outline[4:6, 1].max()


@pytest.mark.parametrize(
    ("gaze", "side", "expected"),
    [
        ((0.3, 0.0), 67, (-np.sin(0.3), 0, np.cos(0.3))),  # left eye to the own left
        ((0.0, 0.2), 67, (0, -np.sin(0.2), np.cos(0.2))),  # left eye down
        ((0.3, 0.0), 66, (0, 0, 1)),  # the right eye stays
    ],
)
def test_an_eye_looks_from_its_ball_through_its_pupil(
    receiver: socket.socket, gaze: tuple[float, float], side: int, expected: tuple
) -> None:
    (face,) = _sent(receiver, _face(gaze=(gaze, (0.0, 0.0))))
    ahead = face.points_3d[side] - face.points_3d[side + 2]
    np.testing.assert_allclose(ahead / np.linalg.norm(ahead), expected, atol=1e-4)


def test_features_are_zero_at_rest(receiver: socket.socket) -> None:
    assert max(map(abs, _features(receiver).values())) < 1e-5


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ({"eyeBlinkLeft": 1.0}, {"eye_l": -1, "eye_r": 0}),
        ({"eyeBlinkRight": 1.0}, {"eye_l": 0, "eye_r": -1}),
        ({"eyeWideLeft": 1.0}, {"eye_l": 1}),
        ({"browInnerUp": 1.0}, {"steepness_l": 1, "steepness_r": 1}),
        (_both("browOuterUp"), {"updown_l": 1, "updown_r": 1, "quirk_l": 1}),
        (_both("browDown"), {"updown_l": -1, "updown_r": -1}),
        # By its definition a corner that rises counts down.
        (_both("mouthSmile"), {"corner_updown_l": -1, "corner_updown_r": -1, "wide": 1}),
        ({"mouthSmileLeft": 1.0}, {"corner_updown_l": -1, "corner_updown_r": 0.1}),
        ({"mouthPucker": 1.0}, {"corner_inout_l": -1, "corner_inout_r": -1, "wide": -1}),
        ({"jawOpen": 1.0}, {"open": 1}),
        ({"jawOpen": 0.5}, {"open": 0.5}),
    ],
)
def test_features_of_named_faces(
    receiver: socket.socket, shapes: dict[str, float], expected: dict[str, float]
) -> None:
    found = _features(receiver, **shapes)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.15), name
    assert all(-1 <= value <= 1 for value in found.values())


def test_lids_touch_where_the_blink_is_whole(receiver: socket.socket) -> None:
    p = _sent(receiver, _face(eyeBlinkLeft=1.0))[0].points_3d
    left, right = (
        p[[a, b], 1].mean() - p[[c, d], 1].mean()
        for a, b, c, d in ((43, 44, 46, 47), (37, 38, 40, 41))
    )
    # All along, so that between the points they overlap a little: 2 mm are 0.015.
    assert -0.015 < left < 0.002 < 0.03 < right


def test_it_is_the_person_s_own_face(receiver: socket.socket) -> None:
    """A face a tenth wider is a tenth wider in the packet, and still at rest."""
    wide = (HEAD.neutral * (1.1, 1.0, 1.0)).astype(np.float32)
    identity = Identity(np.zeros(len(HEAD.identity_basis), np.float32), wide)
    plain, own = _sent(receiver, _face(), replace(_face(), identity=identity))
    np.testing.assert_allclose(own.points_3d[:68, 0], 1.1 * plain.points_3d[:68, 0], atol=1e-5)
    np.testing.assert_allclose(own.features, 0, atol=1e-5)


def test_confidence_is_the_chance_of_being_near(receiver: socket.socket) -> None:
    """Drawn at random instead of by the formula; the chin is not seen at all."""
    result = _face()
    assert result.head is not None
    assert result.camera is not None
    corners = landmarks(HEAD, HEAD.neutral)[[33, 263]]
    eyes_px = np.linalg.norm(corners[0] - corners[1]) * result.camera.intrinsics[0, 0] / 0.6
    sigma = 0.04 * eyes_px
    chin = np.unique(HEAD.landmark_triangles[152])
    anchors = np.setdiff1d(np.arange(len(HEAD.neutral)), chin).astype(np.int32)
    seen = Alignment(
        result.head.points_px[anchors] + (3.0, -1.0), np.full(len(anchors), sigma), anchors
    )
    (face,) = _sent(receiver, replace(result, alignment=seen))
    off = np.random.default_rng(2).normal(0, sigma, (100_000, 2))
    near = (np.linalg.norm(off, axis=1) < 0.05 * eyes_px).mean()
    assert face.confidences[30] == pytest.approx(near, abs=0.01)
    assert face.confidences[8] == 0
    assert face.error == pytest.approx(np.sqrt((9 + 1) / 2), abs=1e-3)


def test_a_lost_face_sends_nothing(receiver: socket.socket) -> None:
    sink = openseeface.create(openseeface.Settings(port=receiver.getsockname()[1]))
    sink.send(_face())
    sink.send(lost())
    assert sink.traffic.packets == 1
    assert sink.traffic.values == ()
    sink.close()
