"""The exported arrays: the contract's names and shapes, the numbers that were tracked."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_results import lost, tracked

from engine.errors import TakeError
from engine.export import arrays
from engine.fit import heads
from engine.fit.heads import HeadModel
from engine.recording.reader import Take, read_take
from engine.recording.take import TakeInfo, reserve
from engine.recording.writer import TakeWriter
from engine.types import BLENDSHAPE_NAMES, Frame

V, T = 40, 6


def _head() -> HeadModel:
    rng = np.random.default_rng(5)
    return SimpleNamespace(  # type: ignore[return-value]
        neutral=np.zeros((V, 3)),
        triangles=rng.integers(0, V, (30, 3)).astype(np.int32),
        region=(np.arange(V) % 3).astype(np.uint8),
        region_names=("face", "eyes", "nose"),
        landmark_triangles=rng.integers(0, V, (478, 3)).astype(np.int32),
        landmark_weights=rng.dirichlet((1, 1, 1), 478).astype(np.float32),
    )


@pytest.fixture
def take(tmp_path: Path) -> Take:
    results = [tracked(i, 40_000_000 * i, vertices=V) for i in range(T)]
    results[0] = lost(0)
    results[4] = tracked(4, 160_000_000, vertices=V, stages={"detect": 5_000_000, "fit": 1})
    reserve(tmp_path / "take")
    writer = TakeWriter(tmp_path / "take", TakeInfo(vertices=V), _head())
    for result in results:
        writer.write(Frame(np.zeros((2, 2, 3), np.uint8), result.frame_index, 0), result)
    writer.close()
    return read_take(tmp_path / "take")


def _exported(take: Take, path: Path) -> dict[str, np.ndarray]:
    arrays.write(take, _head(), path)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_names_and_shapes_are_those_of_the_contract(take: Take, tmp_path: Path) -> None:
    file = _exported(take, tmp_path / "out.npz")
    assert {name: array.shape for name, array in file.items()} == {
        "points_px": (T, V, 2), "alignment_px": (T, V, 2), "sigma_px": (T, V),
        "visible": (T, V), "triangles": (30, 3), "regions": (V,), "landmarks_px": (T, 478, 2),
        "alignment_landmarks_px": (T, 478, 2), "status": (T,), "captured_ns": (T,),
        "frame_index": (T,), "timings_ms": (T, 3), "stage_names": (3,), "blendshapes": (T, 52),
        "blendshape_names": (52,), "blendshape_sides": (T, 4), "blendshape_side_names": (4,),
            "camera_from_head": (T, 4, 4), "gaze": (T, 2, 2),
            "pose_sd": (T, 6), "gaze_sd": (T, 2, 2), "blendshapes_sd": (T, 52),
        "intrinsics": (3, 3), "quarter_turns": (), "frame_intrinsics": (T, 3, 3),
    }  # fmt: skip
    assert file["visible"].dtype == bool
    assert list(file["blendshape_names"]) == list(BLENDSHAPE_NAMES)
    assert list(file["status"]) == ["lost"] + ["tracking"] * (T - 1)
    assert list(file["regions"][:4]) == ["face", "eyes", "nose", "face"]


def test_numbers_are_those_that_were_tracked(take: Take, tmp_path: Path) -> None:
    file = _exported(take, tmp_path / "out.npz")
    result = tracked(3, 120_000_000, vertices=V)
    assert result.head is not None
    assert result.camera is not None
    np.testing.assert_array_equal(file["points_px"][3], result.head.points_px)
    np.testing.assert_array_equal(file["camera_from_head"][3], result.head.camera_from_head)
    np.testing.assert_array_equal(file["intrinsics"], result.camera.intrinsics)
    assert file["captured_ns"][3] == 120_000_000


def test_landmarks_are_read_through_the_anchors(take: Take, tmp_path: Path) -> None:
    file = _exported(take, tmp_path / "out.npz")
    for name, source in (
        ("landmarks_px", "points_px"),
        ("alignment_landmarks_px", "alignment_px"),
    ):
        for row in range(1, T):
            expected = heads.landmarks(_head(), file[source][row].astype(np.float64))
            np.testing.assert_allclose(file[name][row], expected, atol=1e-3)


def test_lost_frame_is_not_a_number(take: Take, tmp_path: Path) -> None:
    file = _exported(take, tmp_path / "out.npz")
    for name in ("points_px", "alignment_px", "sigma_px", "landmarks_px", "blendshapes",
                 "camera_from_head", "gaze", "alignment_landmarks_px"):  # fmt: skip
        assert np.isnan(file[name][0]).all(), name
        assert np.isfinite(file[name][1:]).all(), name
    assert not file["visible"][0].any()


def test_timings_are_milliseconds_by_stage(take: Take, tmp_path: Path) -> None:
    file = _exported(take, tmp_path / "out.npz")
    assert list(file["stage_names"]) == ["align", "fit", "detect"]
    np.testing.assert_array_equal(file["timings_ms"][1], [7.0, 2.0, np.nan])
    np.testing.assert_array_equal(file["timings_ms"][4], [np.nan, 1e-6, 5.0])


def test_destination_that_cannot_be_written_is_a_take_error(take: Take, tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="cannot be written"):
        arrays.write(take, _head(), tmp_path / "none" / "out.npz")


def test_file_is_written_in_one_step(take: Take, tmp_path: Path) -> None:
    _exported(take, tmp_path / "out.npz")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.npz", "take"]


def test_deviations_turn_with_the_picture(take: Take, tmp_path: Path) -> None:
    """A quarter turn makes x of y: what was unsure across is unsure along."""
    turned = dataclasses.replace(
        take,
        info=dataclasses.replace(take.info, quarter_turns=1, width_px=640, height_px=480),
    )
    upright, lying = take.values["pose_sd"], _exported(turned, tmp_path / "out.npz")["pose_sd"]
    np.testing.assert_array_equal(lying[:, [1, 0, 4, 3]], upright[:, [0, 1, 3, 4]])
    np.testing.assert_array_equal(lying[:, [2, 5]], upright[:, [2, 5]])
