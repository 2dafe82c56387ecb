"""Recentring: the pose that was chosen reads straight ahead, and movement from there is its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_results import tracked
from scipy.spatial.transform import Rotation

from engine.centre import Centre
from engine.geometry import rigid

HOME = rigid(Rotation.from_euler("yx", [0.5, -0.2]).as_matrix(), np.array([0.1, -0.05, 0.6]))


def _at(pose: np.ndarray) -> object:
    result = tracked()
    return replace(result, head=replace(result.head, camera_from_head=pose))


def test_without_being_told_nothing_changes() -> None:
    result = tracked(turn=(0.1, 0.2, 0.0))
    assert Centre()(result) is result


def test_the_chosen_pose_is_straight_ahead_and_as_far() -> None:
    centre = Centre()
    centre.here()
    pose = centre(_at(HOME)).head.camera_from_head
    np.testing.assert_allclose(pose[:3, :3], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(pose[:3, 3], [0, 0, np.linalg.norm(HOME[:3, 3])], atol=1e-12)


def test_a_nod_from_there_is_a_nod() -> None:
    centre = Centre()
    centre.here()
    centre(_at(HOME))
    nod = rigid(Rotation.from_euler("x", 0.3).as_matrix(), np.array([0.0, 0.02, 0.0]))
    pose = centre(_at(HOME @ nod)).head.camera_from_head
    turn = Rotation.from_matrix(pose[:3, :3]).as_rotvec()
    np.testing.assert_allclose(turn, [0.3, 0, 0], atol=1e-9)
    distance = np.linalg.norm(HOME[:3, 3])
    np.testing.assert_allclose(pose[:3, 3], [0.0, 0.02, distance], atol=1e-12)


def test_it_waits_for_a_face_and_can_be_forgotten() -> None:
    centre, lost = Centre(), replace(tracked(), head=None, blendshapes=None)
    centre.here()
    assert centre(lost) is lost
    assert centre.set
    assert abs(centre(_at(HOME)).head.camera_from_head[0, 2]) < 1e-12
    centre.reset()
    kept = _at(HOME)
    assert centre(kept) is kept
