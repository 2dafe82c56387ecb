"""What leaves the tracker: the gaze of the person, and where the camera is from the eyes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at

from engine.fit.heads import gaze_rotation
from engine.fit.heads.open_head import OpenHead
from engine.fit.person import PersonCalibration, StoredPerson
from engine.fit.published import gaze_at_camera
from engine.fit.retarget import RetargetSettings, weight_deviations
from engine.fit.settings import TrackerSettings
from engine.fit.skinning import LEFT_EYE
from engine.fit.solver import Solver
from engine.fit.tracker import Tracker
from engine.types import Camera


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (0.2, -0.5, 0.1), (-0.3, 0.7, -0.2)])
def test_eyes_that_meet_the_camera_look_at_it(
    solver: Solver, turn: tuple[float, float, float]
) -> None:
    """Along the ray from each eye: the camera is the origin."""
    pose = state_at(solver.head, turn, (0.1, -0.05, 0.5)).camera_from_head
    for eye, (yaw, pitch) in enumerate(gaze_at_camera(solver, pose)):
        at = pose[:3, :3] @ solver.joints[LEFT_EYE + eye] + pose[:3, 3]
        way = pose[:3, :3] @ gaze_rotation(float(yaw), float(pitch)) @ np.array([0.0, 0.0, -1.0])
        np.testing.assert_allclose(at + np.linalg.norm(at) * way, 0.0, atol=1e-9)


def test_a_calibrated_gaze_goes_out_and_the_mesh_stays_on_the_picture(head: OpenHead) -> None:
    looks, limit = RetargetSettings().looks, np.deg2rad(5.0)
    offset = np.zeros(52)
    offset[looks.shape] = limit * looks.slope  # each eye is read 5 degrees left and down
    settings, results, expected = RetargetSettings(), [], []
    for calibration in (None, PersonCalibration(offset)):
        network = FakeNetwork(
            head, np.zeros(60), lambda _: state_at(head, (0, 0.1, 0), (0, 0, 0.5))
        )
        person = StoredPerson("anna", "open", "ab", calibration=calibration)
        camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
        tracker = Tracker(head, network, network, TrackerSettings(), camera, person)
        results.append([tracker.step(network.frame(i)) for i in range(3)][-1])
        tracker.close()
        measured, solver = tracker._last, tracker._solver
        assert measured is not None
        assert results[-1].head is not None
        raw = replace(results[-1].head, gaze=measured.state.gaze)
        known = None, solver.touching(measured.state), calibration
        expected.append(weight_deviations(raw, solver.head.expression_names, settings, *known))
    plain, calibrated = results
    assert plain.head is not None
    assert calibrated.head is not None
    np.testing.assert_allclose(calibrated.head.gaze, plain.head.gaze - limit, atol=1e-9)
    np.testing.assert_array_equal(calibrated.head.vertices, plain.head.vertices)
    np.testing.assert_array_equal(calibrated.readings, plain.readings)
    assert calibrated.blendshapes is not None
    np.testing.assert_allclose(calibrated.blendshapes.sd, expected[1])
    np.testing.assert_array_equal(calibrated.at_camera, plain.at_camera)
    assert abs(np.rad2deg(plain.at_camera).mean(axis=0)[0]) == pytest.approx(5.7, abs=1.0)
