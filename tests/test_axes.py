"""Named poses of a real head, as Unity's axes must show them.

The expectations are those of Unity's documentation: left-handed, an avatar faces +z, its right is
+x, up is +y; a turn about +x nods down, about +y turns to its right, about +z tilts to its left.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from engine import axes
from engine.fit.heads import gaze_rotation

# Directions in head space: the subject's left is +x, down is +y, the nose points to -z.
NOSE, CROWN, LEFT_EAR = np.array([0, 0, -1.0]), np.array([0, -1.0, 0]), np.array([1.0, 0, 0])
ANGLE = 0.3

# pose: rotation vector in head space, what moves, where it moves to (in head space)
POSES = {
    "nod down": ([ANGLE, 0, 0], NOSE, -CROWN),
    "look up": ([-ANGLE, 0, 0], NOSE, CROWN),
    "turn to own right": ([0, ANGLE, 0], NOSE, -LEFT_EAR),
    "turn to own left": ([0, -ANGLE, 0], NOSE, LEFT_EAR),
    "tilt to own right": ([0, 0, -ANGLE], CROWN, -LEFT_EAR),
    "tilt to own left": ([0, 0, ANGLE], CROWN, LEFT_EAR),
}
UNITY_AXIS = {
    "nod down": [1, 0, 0], "look up": [-1, 0, 0], "turn to own right": [0, 1, 0],
    "turn to own left": [0, -1, 0], "tilt to own right": [0, 0, -1], "tilt to own left": [0, 0, 1],
}  # fmt: skip
UNITY_FORWARD, UNITY_UP, UNITY_RIGHT = np.array([0, 0, 1.0]), np.array([0, 1.0, 0]), [1.0, 0, 0]


def _unity_turned(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Turn a vector as Unity's Quaternion * Vector3 does: q v q*, by Hamilton's product."""
    w, x, y, z = quaternion

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([
            a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
            a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
            a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
            a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
        ])  # fmt: skip

    turned = product(product(np.array([w, x, y, z]), np.array([0, *vector])), [w, -x, -y, -z])
    return turned[1:]


@pytest.mark.parametrize("pose", POSES)
def test_named_pose_moves_the_same_way_for_us(pose: str) -> None:
    """The table above says what it claims: the moved direction gains towards its aim."""
    vector, moved, aim = POSES[pose]
    assert (Rotation.from_rotvec(vector).as_matrix() @ moved) @ aim == pytest.approx(np.sin(ANGLE))


@pytest.mark.parametrize("pose", POSES)
def test_named_pose_is_the_rotation_that_unity_means(pose: str) -> None:
    rotation = Rotation.from_rotvec(POSES[pose][0]).as_matrix()
    half = ANGLE / 2
    expected = [np.cos(half), *(np.sin(half) * np.array(UNITY_AXIS[pose]))]
    np.testing.assert_allclose(axes.quaternion(rotation), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("pose", "moved", "aim"),
    [
        ("nod down", UNITY_FORWARD, -UNITY_UP),
        ("look up", UNITY_FORWARD, UNITY_UP),
        ("turn to own left", UNITY_FORWARD, -np.array(UNITY_RIGHT)),
        ("turn to own right", UNITY_FORWARD, np.array(UNITY_RIGHT)),
        ("tilt to own right", UNITY_UP, np.array(UNITY_RIGHT)),
        ("tilt to own left", UNITY_UP, -np.array(UNITY_RIGHT)),
    ],
)
def test_avatar_moves_as_the_person_did(pose: str, moved: np.ndarray, aim: np.ndarray) -> None:
    quaternion = axes.quaternion(Rotation.from_rotvec(POSES[pose][0]).as_matrix())
    assert _unity_turned(quaternion, moved) @ aim == pytest.approx(np.sin(ANGLE))


@pytest.mark.parametrize(
    ("yaw", "pitch", "aim"),
    [(0.3, 0, [-1, 0, 0]), (-0.3, 0, [1, 0, 0]), (0, 0.3, [0, -1, 0]), (0, -0.3, [0, 1, 0])],
)
def test_avatar_looks_where_the_person_looks(yaw: float, pitch: float, aim: list[float]) -> None:
    """Gaze yaw is + to the subject's left, pitch + downwards; Unity's left is -x, down -y."""
    quaternion = axes.quaternion(gaze_rotation(yaw, pitch))
    assert _unity_turned(quaternion, UNITY_FORWARD) @ aim == pytest.approx(np.sin(0.3))


@pytest.mark.parametrize(
    ("movement", "ours", "unity"),
    [
        ("closer to the camera", [0, 0, -0.1], [0, 0, 0.1]),
        ("to the own left", [0.1, 0, 0], [-0.1, 0, 0]),
        ("up", [0, -0.1, 0], [0, 0.1, 0]),
    ],
)
def test_named_movements(movement: str, ours: list[float], unity: list[float]) -> None:
    np.testing.assert_allclose(axes.unity_from_ours(np.array(ours)), unity, err_msg=movement)


@pytest.mark.parametrize("seed", range(50))
def test_quaternion_agrees_with_scipy(seed: int) -> None:
    expected = Rotation.random(rng=seed)
    w, x, y, z = axes.quaternion(expected.as_matrix())
    np.testing.assert_allclose([x, y, z, w], expected.as_quat(canonical=True), atol=1e-12)


@pytest.mark.parametrize("axis", np.eye(3))
def test_quaternion_of_half_turns(axis: np.ndarray) -> None:
    rotation = Rotation.from_rotvec(np.pi * axis).as_matrix()
    np.testing.assert_allclose(np.abs(axes.quaternion(rotation)), [0, *axis], atol=1e-9)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.5, 1.0])
def test_share_is_a_part_of_the_turn_about_the_same_axis(part: float) -> None:
    vector = np.array([0.4, -0.7, 0.2])
    w, x, y, z = axes.share(Rotation.from_rotvec(vector).as_matrix(), part)
    np.testing.assert_allclose(Rotation([x, y, z, w]).as_rotvec(), part * vector, atol=1e-9)


def test_share_of_no_turn_is_no_turn() -> None:
    np.testing.assert_array_equal(axes.share(np.eye(3), 0.3), [1, 0, 0, 0])


@pytest.mark.parametrize("seed", range(20))
def test_turns_agree_with_scipy(seed: int) -> None:
    expected = np.random.default_rng(seed).uniform([-3, -1.5, -3], [3, 1.5, 3])
    rotation = Rotation.from_euler("YXZ", expected).as_matrix()
    np.testing.assert_allclose(axes.turns(rotation), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        ("turn to own right", [ANGLE, 0, 0]), ("turn to own left", [-ANGLE, 0, 0]),
        ("nod down", [0, ANGLE, 0]), ("look up", [0, -ANGLE, 0]),
        ("tilt to own left", [0, 0, ANGLE]), ("tilt to own right", [0, 0, -ANGLE]),
    ],
)  # fmt: skip
def test_turns_of_named_poses(pose: str, expected: list[float]) -> None:
    rotation = Rotation.from_rotvec(POSES[pose][0]).as_matrix()
    np.testing.assert_allclose(axes.turns(rotation), expected, atol=1e-12)


# system: for each physical pose the documented sign, as (which angle, sign)
DOCUMENTED = {
    "nod down": {"opencv": 1, "opengl": 1, "unity": 1, "unreal": -1, "vrchat": 1, "live_link": -1},
    "turn to own left": {
        "opencv": -1, "opengl": 1, "unity": -1, "unreal": -1, "vrchat": -1, "live_link": 1,
    },
    "tilt to own right": {
        "opencv": -1, "opengl": 1, "unity": -1, "unreal": 1, "vrchat": -1, "live_link": 1,
    },
    "look up": {"opencv": -1, "opengl": -1, "unity": -1, "unreal": 1, "vrchat": -1, "live_link": 1},
}  # fmt: skip
ANGLE_OF = {"nod down": 1, "look up": 1, "turn to own left": 0, "tilt to own right": 2}


@pytest.mark.parametrize("system", axes.SYSTEMS)
@pytest.mark.parametrize("pose", DOCUMENTED)
def test_named_pose_has_the_documented_sign(pose: str, system: str) -> None:
    angles = axes.head_angles(system, Rotation.from_rotvec(POSES[pose][0]).as_matrix())
    expected = [0.0, 0.0, 0.0]
    expected[ANGLE_OF[pose]] = ANGLE * DOCUMENTED[pose][system]
    assert angles == pytest.approx(expected)


def test_angles_of_a_mixed_turn_agree_with_scipy() -> None:
    for seed in range(20):
        rotation = Rotation.from_rotvec(np.random.default_rng(seed).normal(0, 0.4, 3))
        expected = rotation.as_euler("YXZ")
        assert axes.head_angles("unity", rotation.as_matrix()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("system", "closer", "own_left", "up"),
    [
        ("opencv", [0, 0, -1], [1, 0, 0], [0, -1, 0]),
        ("opengl", [0, 0, 1], [1, 0, 0], [0, 1, 0]),
        ("unity", [0, 0, 1], [-1, 0, 0], [0, 1, 0]),
        ("unreal", [1, 0, 0], [0, -1, 0], [0, 0, 1]),
        ("vrchat", [0, 0, 1], [-1, 0, 0], [0, 1, 0]),
    ],
)
def test_movements_in_every_system(
    system: str, closer: list[float], own_left: list[float], up: list[float]
) -> None:
    change = axes.system_from_ours(system)
    for ours, theirs in (([0, 0, -1], closer), ([1, 0, 0], own_left), ([0, -1, 0], up)):
        np.testing.assert_array_equal(change @ ours, theirs)


@pytest.mark.parametrize("system", axes.PLACED)
@pytest.mark.parametrize("pose", POSES)
def test_rotation_moves_the_same_part_the_same_way_everywhere(pose: str, system: str) -> None:
    vector, moved, aim = POSES[pose]
    change = axes.system_from_ours(system)
    turned = axes.rotation_in(system, Rotation.from_rotvec(vector).as_matrix()) @ (change @ moved)
    assert turned @ (change @ aim) == pytest.approx(np.sin(ANGLE))


@pytest.mark.parametrize(
    ("system", "left_up"),
    [
        ("opencv", (-1, -1)), ("opengl", (1, -1)), ("unity", (-1, -1)), ("unreal", (-1, 1)),
        ("vrchat", (-1, -1)), ("live_link", (-1, -1)),
    ],
)  # fmt: skip
def test_eyes_that_look_to_the_own_left_and_up(system: str, left_up: tuple[int, int]) -> None:
    """Live Link's eyes count + right and + down, unlike its head (measured on its packets)."""
    assert axes.gaze_angles(system, np.array([0.2, -0.1])) == pytest.approx(
        (0.2 * left_up[0], 0.1 * left_up[1])
    )
