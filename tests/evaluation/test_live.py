"""`bench live`: its rows, and the tracker against truth and clock with figures known beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from made_results import lost, tracked
from test_sequence import FRAMES, STEP, head, places
from videos import write_video

from engine import assembly
from engine.config import TrackerConfig
from engine.errors import ConfigError, TrackingError
from engine.evaluation import fit_cost, known_video, live, speed
from engine.evaluation.fit_scenes import KnownScene
from engine.evaluation.fit_truth import face_vertices
from engine.evaluation.live import Row
from engine.fit.heads import HeadModel
from engine.fit.skinning import vertices
from engine.fit.solver import FitState
from engine.geometry import rigid, rotation_from_vector
from engine.training.packs import fixed_point, write_pack
from engine.types import (
    BLENDSHAPE_NAMES,
    Blendshapes,
    Camera,
    Frame,
    HeadState,
    Status,
    TrackResult,
)


def test_a_row_says_how_it_went() -> None:
    assert Row("px", 1.5, 0.8, 0.8).verdict == "reached"
    assert Row("px", 1.5, 0.8, 1.5).verdict == "met"
    assert Row("px", 1.5, 0.8, 1.51).verdict == "missed"
    assert Row("F1", 0.95, 0.98, 0.96, more=True).verdict == "met"
    assert Row("F1", 0.95, 0.98, 0.94, more=True).verdict == "missed"
    assert Row("px", 1.5, 0.8, float("nan")).verdict == ""


def test_the_rows_are_the_figures_of_the_fit_as_shipped() -> None:
    def track(value: float) -> dict[str, dict[str, float]]:
        kinds = ("landmarks", "rotation", "place", "shape", "weights")
        return {kind: {"scatter_ratio": value + i} for i, kind in enumerate(kinds)}

    def steps(jaw: float, yaw: float) -> dict[str, dict[str, float]]:
        return {"jaw": {"added": jaw}, "yaw": {"added": yaw}}

    result = {
        "motion": {"to_rival": {"shipped": {1: 0.3, 3: 0.4, 10: 0.5}, "alone": {1: 9, 10: 9}}},
        "calm": {"cameras": {"jpeg": {"shipped": track(0.1)}, "h264": {"shipped": track(50)}}},
        "lag": {"tracks": {"shipped": steps(0.0, 0.5), "alone": steps(7.0, 7.0)}},
        "sequences": {
            "ssme_px": 1.1, "vertex_mm": 1.2, "rotation_deg": 1.3,
            "performance": {"active_error": 0.1, "gaze_deg": 4.0, "blinks": {"f1": 0.97}},
        },
        "cost": {"no_flow": {"median_ms": 3.0}, "shipped": {"median_ms": 8.0}},
    }  # fmt: skip
    found = live.rows(result)
    values = [row.measured for row in found]
    # motion h 1, 10; calm rotation, place, shape, landmarks; lag; truth; cost
    assert values == pytest.approx(
        [0.3, 0.5, 1.1, 2.1, 3.1, 0.1, 0.0, 0.5, 1.1, 0.1, 1.2, 1.3, 4.0, 0.97, 3.0, 8.0]
    )
    assert [row.verdict for row in found[6:8]] == ["reached", "missed"]
    del result["sequences"]["performance"]  # only heads of another shape
    assert len(live.rows(result)) == len(found) - 5
    assert live._added(result["lag"]) == 0.5  # type: ignore[arg-type]


def test_parts_that_lack_their_data_say_so(tmp_path: Path) -> None:
    sources = live.Sources(tmp_path, tmp_path, None, None, None)
    unused: Any = None
    for part, option in (("motion", "--rival"), ("sequences", "--sequences")):
        with pytest.raises(ConfigError, match=option):
            live.run(sources, unused, unused, TrackerConfig(), [part], None, None)


@pytest.fixture(scope="module")
def open_head() -> HeadModel:
    return assembly.load_head("open")


def test_errors_of_place_and_turn_are_those_put_in(open_head: HeadModel) -> None:
    """A head turned 5 degrees wrong in its own axes, its jaw right, shifted, and once lost."""
    person = np.random.default_rng(1).normal(size=len(open_head.identity_basis))
    wrong = rotation_from_vector(np.deg2rad([0.0, 5.0, 0.0]))
    truth, results = [], []
    for t in range(6):
        expression = np.zeros(len(open_head.expression_names))
        expression[open_head.expression_names.index("jawOpen")] = 0.1 * t
        turn = rotation_from_vector(np.array([0.02 * t, 0.03 * t, 0.0]))
        true = FitState(
            rigid(turn, np.array([0, 0, 0.5])), expression, np.zeros((2, 2)), np.zeros(3)
        )
        truth.append(true)
        shape = vertices(open_head, person, true.expression, true.gaze, true.neck)
        if t == 5:
            shape = shape.copy()
            shape[face_vertices(open_head)[::2]] += [0.0, 0.0, 0.002]
        results.append(_result(t, rigid(turn @ wrong, np.array([0.01, 0, 0.6])), true, shape))
    results[3] = TrackResult(3, 0, 0, Status.LOST)
    scene = KnownScene("one", person, truth, [], np.eye(3), np.eye(3), False)
    found = known_video.placed_by(open_head, scene, results)
    assert len(found.rotation_deg) == 5
    np.testing.assert_allclose(found.rotation_deg, 5.0, atol=1e-6)
    np.testing.assert_allclose(found.turn_deg, 0.0, atol=1e-5)
    np.testing.assert_allclose(found.vertex_mm[:4], 0.0, atol=1e-3)
    # Every second vertex 2 mm ahead: half of that either way, once the mean is laid on the mean.
    assert found.vertex_mm[4] == pytest.approx(1.0, rel=0.1)
    assert found.performed.found.shape == (5, 52)
    jaw = BLENDSHAPE_NAMES.index("jawOpen")
    np.testing.assert_allclose(found.performed.true[:, jaw], [0.0, 0.1, 0.2, 0.4, 0.5], atol=1e-6)
    np.testing.assert_allclose(found.performed.found[:, jaw], 0.25)


def _result(t: int, pose: np.ndarray, state: FitState, shape: np.ndarray) -> TrackResult:
    return TrackResult(
        t, 0, 0, Status.TRACKING,
        head=HeadState(pose, state.expression, state.gaze, state.neck,
                       np.zeros((len(shape), 2)), shape, 1.0),
        blendshapes=Blendshapes(np.full(52, 0.25)),
    )  # fmt: skip


class Standing:
    """A tracker that says in every frame what it said of the first."""

    def __init__(self, camera: Camera, cameras: list[Camera]) -> None:
        cameras.append(camera)

    def step(self, frame: Frame) -> TrackResult:
        state = FitState(np.eye(4), np.zeros(52), np.zeros((2, 2)), np.zeros(3))
        made = _result(frame.index, np.eye(4), state, np.zeros((478, 3)))
        assert made.head is not None
        return replace(made, head=replace(made.head, points_px=places()[0].copy()))


def test_motion_of_a_sequence_is_measured_with_its_own_camera(tmp_path: Path) -> None:
    images = [np.full((224, 208, 3), 4 * t, np.uint8) for t in range(FRAMES)]
    camera = np.array([[700.0, 0, 30], [0, 700, 40], [0, 0, 1]])
    write_pack(
        tmp_path / "one.npz",
        [cv2.imencode(".jpg", image)[1].tobytes() for image in images],
        stream="sequence", kind="calm", head_sha256="", frame_rate=np.array(30.0),
        points=fixed_point(places()),
        visible=np.packbits(np.ones((FRAMES, 478), bool), axis=1),
        depth=np.full((FRAMES, 478), 10_000, np.uint16),
        intrinsics=np.tile(camera, (FRAMES, 1, 1)),
    )  # fmt: skip
    cameras: list[Camera] = []
    maker: Any = lambda _config, given: Standing(given, cameras)  # noqa: E731
    result = known_video.run(tmp_path, head(), maker, TrackerConfig(), None)
    np.testing.assert_allclose(cameras[0].intrinsics, camera)
    assert cameras[0].calibrated
    scale = 256 / np.ptp(places()[0][:468, 1])
    # Mean over h = 1 .. 30 of h steps.
    assert result["ssme_px"] == pytest.approx(15.5 * np.hypot(*STEP) * scale, rel=0.03)
    assert result["tracked_percent"] == 100.0
    assert "performance" not in result


class Timed:
    """A tracker whose fit takes as many ms as the frame's number, and that loses every tenth."""

    def __init__(self) -> None:
        self.closed = False

    def step(self, frame: Frame) -> TrackResult:
        if frame.index % 10 == 9:
            return lost(frame.index, 0)
        return replace(tracked(frame.index, 0), stage_ns={"fit": frame.index * 1_000_000})

    def close(self) -> None:
        self.closed = True


def test_the_fit_is_timed_once_it_is_warm_and_learns_beside(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    path = tmp_path / "clips" / f"{speed.CLIP}.mp4"
    write_video(path, range(0, 40 * 50, 40))
    np.savez(path.with_suffix(".teacher.npz"), landmarks=np.zeros((50, 478, 3), np.float32))
    made: list[tuple[Timed, bool]] = []

    def maker(_config: TrackerConfig, _camera: Camera, *, live: bool = False) -> Timed:
        made.append((Timed(), live))
        assert cv2.getNumThreads() == 1
        return made[-1][0]

    threads = cv2.getNumThreads()
    makers: dict[str, Any] = {"shipped": maker}
    found = fit_cost.run(tmp_path, makers, TrackerConfig(), 10)
    # frames 30 to 38 are warm and tracked, twice: the median of 18 is 34, number 16.15 of them 38
    assert found["shipped"]["median_ms"] == pytest.approx(34.0)
    assert found["shipped"]["p95_ms"] == pytest.approx(38.0)
    assert [live_one for _, live_one in made] == [True] * fit_cost.ROUNDS
    assert all(one.closed for one, _ in made)
    assert cv2.getNumThreads() == threads
    with pytest.raises(TrackingError, match="no face"):
        fit_cost.figures(np.zeros(0))


def test_what_idle_shapes_read_is_told_beside_the_rows() -> None:
    known = {"sequences": 1, "tracked_percent": 100.0, "ssme_by_sequence_px": {}}
    told = live.text({"rows": [], "sequences": {**known, "performance": {"idle_error": 0.25}}})
    row = next(line for line in told.splitlines() if line.startswith("idle shapes read"))
    assert row.split()[-1] == "0.25"
    without = live.text({"rows": [], "sequences": known})
    assert "idle shapes read" in without
