"""Performances against the truth: the figures are those of errors that were put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from engine.evaluation import fit_scenes
from engine.evaluation.performance import (
    Performed,
    blink_figures,
    gaze_error_deg,
    matched,
    performed,
    shape_figures,
    summary,
    text,
)
from engine.fit import skinning
from engine.fit.heads import landmarks, open_head
from engine.fit.heads.open_head import OpenHead
from engine.types import BLENDSHAPE_NAMES

LEFT, RIGHT = (BLENDSHAPE_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right"))
JAW, SNEER, PUFF = (BLENDSHAPE_NAMES.index(n) for n in ("jawOpen", "noseSneerLeft", "cheekPuff"))


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return open_head.load()


def _performed(found: np.ndarray, true: np.ndarray, yaw_deg: float = 0.0) -> Performed:
    still = np.zeros((len(true), 2, 2))
    return Performed(found, true, still, still, np.full(len(true), yaw_deg))


def test_truth_shuts_the_eye_where_the_mesh_does(head: OpenHead) -> None:
    """A lid at half the coefficient that shuts it has a true blink of one half, and gaze speaks."""
    scene = fit_scenes.from_points(head, 2, 1)
    state = scene.truth[0]
    shut = None
    for value in np.linspace(0.3, 1.0, 701):
        tried = np.where(np.arange(52) == LEFT, value, state.expression)
        places = skinning.vertices(head, scene.identity, tried, state.gaze, state.neck)
        at = landmarks(head, places)
        if all(at[low, 1] <= at[up, 1] for up, low in ((388, 390), (386, 374), (384, 381))):
            shut = value
            break
    assert shut is not None
    half = np.where(np.arange(52) == LEFT, 0.5 * shut, state.expression)
    gaze = np.tile([np.deg2rad(20.0), 0.0], (2, 1))
    known = replace(scene, truth=[replace(state, expression=half, gaze=gaze)])
    person = performed(head, known, [np.zeros(52)], known.truth)
    assert person.true[0, LEFT] == pytest.approx(0.5, abs=0.03)
    assert person.true[0, BLENDSHAPE_NAMES.index("eyeLookOutLeft")] == pytest.approx(0.5, abs=0.01)
    view = Rotation.from_matrix(state.camera_from_head[:3, :3].T)
    line = view.apply(state.camera_from_head[:3, 3])  # from the camera to the head, in the head
    assert person.yaw_deg[0] == pytest.approx(np.rad2deg(np.arctan2(abs(line[0]), line[2])))


def test_a_shape_s_answer_leak_and_crosstalk_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    true = np.zeros((400, 52))
    true[:100, JAW] = rng.uniform(0.5, 1.0, 100)
    found = np.full((400, 52), 0.02)
    found[:, JAW] = 0.6 * true[:, JAW] + 0.05 * (true[:, JAW] == 0)
    found[:100, SNEER] = 0.3
    figures = shape_figures(found, true)
    jaw = figures["jawOpen"]
    assert jaw["frames"] == 100
    assert jaw["response"] == pytest.approx(0.6)
    assert jaw["error"] == pytest.approx(0.4 * true[:100, JAW].mean())
    assert jaw["leak"] == pytest.approx(0.05)
    assert jaw["crosstalk_shape"] == "noseSneerLeft"
    assert jaw["crosstalk"] == pytest.approx(0.3 - (0.3 * 100 + 0.02 * 300) / 400)
    assert np.isnan(figures["cheekPuff"]["response"])
    assert figures["cheekPuff"]["leak"] == pytest.approx(0.02)


def test_a_blink_counts_once_within_a_frame_and_of_near_heads() -> None:
    true, found = np.zeros((60, 52)), np.zeros((60, 52))
    for column, starts in ((LEFT, (10, 30)), (RIGHT, (10, 30))):
        for start in starts:
            true[start : start + 4, column] = 1.0
    found[11:15, LEFT] = 0.8  # one frame late: a hit
    found[32:35, LEFT] = 0.8  # two: a miss, and a blink that was none
    found[9:14, RIGHT] = 0.8  # one early: a hit
    found[29:33, RIGHT] = 0.4  # not past the middle: a miss
    figures = blink_figures([_performed(found, true)])
    assert figures["blinks"] == 4
    assert figures["recall"] == pytest.approx(0.5)
    assert figures["precision"] == pytest.approx(2 / 3)
    assert figures["f1"] == pytest.approx(2 * 2 / (4 + 3))
    assert blink_figures([_performed(found, true, yaw_deg=31.0)])["blinks"] == 0
    assert matched(np.array([10, 11]), np.array([10])) == 1
    assert matched(np.array([10]), np.array([8])) == 0


def test_a_lid_that_hovers_about_the_middle_blinks_once_until_the_eye_has_opened() -> None:
    true, found = np.zeros((40, 52)), np.zeros((40, 52))
    true[10:20, LEFT] = true[30:34, LEFT] = 1.0
    found[10:20, LEFT] = [0.6, 0.48, 0.7, 0.4, 0.55, 0.9, 0.9, 0.45, 0.6, 0.5]
    found[30:34, LEFT] = 0.8
    figures = blink_figures([_performed(found, true)])
    assert figures["blinks"] == 2
    assert figures["f1"] == 1.0
    assert figures["f1_each_crossing"] == pytest.approx(2 * 2 / (2 + 5))
    # Really open in between, it has blinked twice.
    found[15, LEFT] = 0.1
    assert blink_figures([_performed(found, true)])["precision"] == pytest.approx(2 / 3)
    # An eye shut from the start has no moment, nor has one that does not quite shut.
    true[:, LEFT] = np.linspace(1.0, 0.0, 40)
    assert blink_figures([_performed(found, true)])["blinks"] == 0


def test_gaze_error_is_the_angle_between_two_looks() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.uniform(-0.4, 0.4, (2, 20, 2, 2))
    person = replace(
        _performed(np.zeros((20, 52)), np.zeros((20, 52))), found_gaze=ours, true_gaze=theirs
    )

    def look(gaze: np.ndarray) -> np.ndarray:
        # Turned about y by -yaw, after about x by pitch: SciPy's extrinsic xy.
        turn = Rotation.from_euler("xy", np.column_stack([gaze[:, 1], -gaze[:, 0]]))
        return turn.apply([0.0, 0.0, -1.0])

    a, b = (look(gaze.reshape(-1, 2)) for gaze in (ours, theirs))
    expected = np.rad2deg(np.arccos((a * b).sum(axis=1))).mean()
    assert gaze_error_deg([person]) == pytest.approx(expected, abs=1e-6)
    shut = replace(person, true=np.ones((20, 52)))
    assert np.isnan(gaze_error_deg([shut]))


def test_the_table_names_every_shape() -> None:
    true = np.zeros((30, 52))
    true[10:20] = 1.0
    figures = summary([_performed(true.copy(), true)], moving=True)
    assert figures["active_error"] == figures["idle_error"] == 0.0
    assert figures["blinks"]["f1"] == 1.0
    printed = text("made", figures)
    assert all(name in printed for name in BLENDSHAPE_NAMES)
