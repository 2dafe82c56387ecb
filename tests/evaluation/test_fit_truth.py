"""`bench fit`: the errors it states, and what they are when the truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from engine.errors import AssetError
from engine.evaluation import fit_scenes, fit_truth, step_time
from engine.evaluation.fit_truth import FittedFrame, errors_of, rigid_distance_mm
from engine.fit.heads import open_head
from engine.fit.heads.open_head import OpenHead
from engine.fit.settings import TrackerSettings
from engine.fit.solver import FitState, Solver
from engine.geometry import project
from engine.training.packs import fixed_point, write_pack
from engine.types import Alignment, AlignmentMemory, Crop, Frame


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return open_head.load()


@pytest.fixture(scope="module")
def solver(head: OpenHead) -> Solver:
    return Solver(head)


def test_distance_is_what_no_rigid_motion_takes_away() -> None:
    """SciPy's Wahba solver is the reference; a moved copy has no distance, a mirrored one has."""
    rng = np.random.default_rng(0)
    ours = rng.normal(0, 0.05, (80, 3))
    turn = Rotation.from_rotvec([0.4, -0.9, 0.2])
    moved = turn.apply(ours) + np.array([0.1, 0.2, 0.3])
    assert rigid_distance_mm(ours, moved) < 1e-9
    assert rigid_distance_mm(ours, ours * [-1, 1, 1]) > 10
    theirs = moved + rng.normal(0, 0.004, ours.shape)
    a, b = ours - ours.mean(0), theirs - theirs.mean(0)
    best = Rotation.align_vectors(b, a)[0]
    expected = 1e3 * np.linalg.norm(best.apply(a) - b, axis=1).mean()
    assert rigid_distance_mm(ours, theirs) == pytest.approx(expected, rel=1e-9)


def test_errors_are_those_that_were_put_in(head: OpenHead) -> None:
    """The truth itself, then turned by 2 degrees, moved away by 3 %, with 0.1 on one shape."""
    scene = fit_scenes.from_points(head, 1, 5)
    exact = [FittedFrame(state, scene.identity, 600.0) for state in scene.truth]
    none = errors_of(head, scene, exact)
    for name in ("neutral_mm", "vertex_mm", "coefficient", "depth_percent", "tremble"):
        assert getattr(none, name) == pytest.approx(0.0, abs=1e-4)
    assert none.rotation_deg == pytest.approx(0.0, abs=1e-4)
    assert none.mean_head_mm > 1.0
    jaw = head.expression_names.index("jawOpen")
    wrong = []
    for t, state in enumerate(scene.truth):
        pose, shapes = state.camera_from_head.copy(), state.expression.copy()
        pose[:3, :3] = Rotation.from_rotvec([0, np.deg2rad(2), 0]).as_matrix() @ pose[:3, :3]
        pose[2, 3] *= 1.03
        shapes[jaw] += 0.1 if t % 2 else 0.0
        wrong.append(
            FittedFrame(
                replace(state, camera_from_head=pose, expression=shapes), scene.identity, 630.0
            )
        )
    found = errors_of(head, scene, wrong)
    assert found.rotation_deg == pytest.approx(2.0, abs=1e-6)
    assert found.depth_percent == pytest.approx(3.0, abs=1e-6)
    assert found.jaw_open == pytest.approx(0.1 * 2 / 5, abs=1e-9)
    assert found.coefficient == pytest.approx(0.1 * 2 / 5 / 52, abs=1e-9)
    # Second differences of 0, .1, 0, .1, 0 are -.2, .2, -.2, in one of 52 shapes.
    assert found.tremble == pytest.approx(np.sqrt(0.04 / 52))
    assert found.focal == pytest.approx(1.05)
    assert found.vertex_mm > 0.1


def test_the_fit_of_noisy_points_learns_the_person(head: OpenHead, solver: Solver) -> None:
    """Good traits help; both beat the mean head, and the focal length comes back from 15 % off."""
    scenes = [fit_scenes.from_points(head, seed, 8) for seed in range(2)]
    rows = fit_truth.compared(solver, TrackerSettings(), scenes)
    assert list(rows) == list(fit_truth.WAYS)
    plain = rows["no priors"]
    assert plain["neutral_mm"] < 0.5 * plain["mean_head_mm"]
    assert rows["identity"]["first_neutral_mm"] < plain["first_neutral_mm"]
    assert rows["expression"]["coefficient"] < plain["coefficient"]
    assert plain["focal"] == pytest.approx(1.0, abs=0.06)


def test_a_network_without_traits_has_one_row(head: OpenHead, solver: Solver) -> None:
    scene = fit_scenes.from_points(head, 0, 2)
    mute = replace(scene, alignments=[replace(a, traits=None) for a in scene.alignments])
    assert list(fit_truth.compared(solver, TrackerSettings(), [mute])) == ["no priors"]


def test_noise_has_the_size_that_sigma_states(head: OpenHead) -> None:
    """Own and shared noise, told apart by neighbours: their difference is own noise alone."""
    scene = fit_scenes.from_points(head, 3, 4)
    errors = []
    for state, seen in zip(scene.truth, scene.alignments, strict=True):
        places = fit_truth.vertices(head, scene.identity, state.expression, state.gaze, state.neck)
        errors.append(seen.points_px - project(places, state.camera_from_head, scene.intrinsics))
    spread = np.std(errors)
    assert spread == pytest.approx(float(scene.alignments[0].sigma_px[0]), rel=0.15)
    edges = head.triangles[:, :2]
    between = np.std(np.array(errors)[:, edges[:, 0]] - np.array(errors)[:, edges[:, 1]])
    assert between == pytest.approx(np.sqrt(2) * fit_scenes.OWN_PX, rel=0.1)


def test_exact_points_are_the_truth_but_for_a_known_noise(head: OpenHead) -> None:
    scene = fit_scenes.from_points(head, 4, 3)
    exact = fit_scenes.exact(head, scene, 0)
    errors = []
    for state, seen in zip(exact.truth, exact.alignments, strict=True):
        places = fit_truth.vertices(head, scene.identity, state.expression, state.gaze, state.neck)
        errors.append(seen.points_px - project(places, state.camera_from_head, scene.intrinsics))
    assert np.std(errors) == pytest.approx(fit_scenes.EXACT_PX, rel=0.02)
    np.testing.assert_array_equal(exact.alignments[0].sigma_px, scene.alignments[0].sigma_px)
    assert all(seen.traits is None for seen in exact.alignments)


class Exact:
    """A network that reads the frame's number off its grey value and answers the truth."""

    crop_side_px = 64

    def __init__(self, points: list[np.ndarray]) -> None:
        self.points, self.crops = points, list[Crop]()

    def warm_up(self) -> None: ...

    def close(self) -> None: ...

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        self.crops.append(crop)
        points = self.points[round(float(frame.image.mean()) / 40)]
        return Alignment(
            points.copy(), np.full(len(points), 0.5), np.arange(len(points)).astype(np.int32)
        )


@pytest.fixture
def pack(head: OpenHead, tmp_path: Path) -> tuple[Path, list[np.ndarray], list[FitState]]:
    known = fit_scenes.from_points(head, 5, 3)
    points = []
    for state in known.truth:
        places = fit_truth.vertices(head, known.identity, state.expression, state.gaze, state.neck)
        points.append(project(places, state.camera_from_head, known.intrinsics))
    grey = [
        cv2.imencode(".jpg", np.full((480, 640, 3), 40 * t, np.uint8))[1].tobytes()
        for t in range(3)
    ]
    truth = {
        name: np.array([getattr(state, name) for state in known.truth])
        for name in ("camera_from_head", "expression", "gaze", "neck")
    }
    write_pack(
        tmp_path / "s_test.npz",
        grey,
        stream="a",
        points=fixed_point(np.array(points)),
        visible=np.packbits(np.ones((3, len(points[0])), bool), axis=1),
        identity=np.tile(known.identity, (3, 1)),
        intrinsics=np.tile(known.intrinsics, (3, 1, 1)),
        **truth,
    )
    return tmp_path / "s_test.npz", points, known.truth


def test_sequences_and_pictures_bring_their_truth(
    head: OpenHead, solver: Solver, pack: tuple[Path, list[np.ndarray], list[FitState]]
) -> None:
    """A network that answers the truth is fitted to within a part of the mean head's error."""
    path, points, truth = pack
    network = Exact(points)
    scene = fit_scenes.from_sequence(head, network, path)
    assert len(network.crops) == 3
    for seen, expected in zip(scene.alignments, points, strict=True):
        np.testing.assert_allclose(seen.points_px, expected)
    for ours, theirs in zip(scene.truth, truth, strict=True):
        np.testing.assert_allclose(ours.expression, theirs.expression)
        np.testing.assert_allclose(ours.camera_from_head, theirs.camera_from_head)
    row = fit_truth.compared(solver, TrackerSettings(), [scene])["no priors"]
    assert row["vertex_mm"] < 0.5 * row["mean_head_mm"]
    assert row["focal"] == pytest.approx(1.0, abs=1e-6)
    pictures = list(fit_scenes.from_pictures(head, network, path, 2))
    assert [len(picture.truth) for picture in pictures] == [1, 1]
    np.testing.assert_allclose(pictures[1].alignments[0].points_px, points[1])
    np.testing.assert_allclose(pictures[1].truth[0].expression, truth[1].expression)


def test_files_without_the_truth_are_named(head: OpenHead, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="no rendered sequence"):
        fit_truth.run(head, Exact([]), tmp_path, None, 1)
    write_pack(tmp_path / "c.npz", [], stream="c", points=np.zeros((0, 478, 2), np.int16))
    with pytest.raises(AssetError, match="identity"):
        fit_scenes.from_sequence(head, Exact([]), tmp_path / "c.npz")


def test_both_ways_of_taking_steps_are_timed_and_end_alike(solver: Solver) -> None:
    figures = step_time.run(solver, TrackerSettings())
    assert figures["torch cpu"]["ms"] > 0
    assert 0 < figures["torch cpu"]["apart"] < 20  # 1e-6: they are not the same code
    assert figures["torch cpu"]["ratio"] == pytest.approx(
        figures["torch cpu"]["ms"] / figures[step_time.LOOPS]["ms"]
    )
    assert "torch cuda" in step_time.text(figures)
