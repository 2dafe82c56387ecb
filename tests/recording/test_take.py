"""A take returns the very numbers that were written, also after a crash."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from made_results import lost, tracked

from engine.errors import TakeError
from engine.fit.heads import HeadModel
from engine.recording import schema, writer
from engine.recording.reader import Take, read_take
from engine.recording.take import Asset, TakeInfo, load_info, reserve, save_info
from engine.recording.visibility import facing_camera
from engine.recording.writer import TakeWriter, discard
from engine.types import BLENDSHAPE_NAMES, Blendshapes, Frame, Status, TrackResult

VERTICES = 40
FRAME = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0)


def head() -> HeadModel:
    rng = np.random.default_rng(1)
    return SimpleNamespace(  # type: ignore[return-value]
        neutral=np.zeros((VERTICES, 3)),
        triangles=rng.integers(0, VERTICES, (30, 3)).astype(np.int32),
    )


def results(count: int = 9) -> list[TrackResult]:
    """Return results of which the third is lost and the fourth is still searched for."""
    made = [tracked(index, 1000 + 40_000_000 * index, vertices=VERTICES) for index in range(count)]
    made[2] = lost(2, made[2].captured_ns)
    made[3] = lost(3, made[3].captured_ns, Status.SEARCHING)
    return made


def write(folder: Path, given: list[TrackResult], info: TakeInfo | None = None) -> Take:
    reserve(folder)
    made = TakeWriter(folder, info or TakeInfo(vertices=VERTICES), head())
    for result in given:
        made.write(FRAME, result)
    made.close()
    return read_take(folder)


def test_round_trip_is_exact(tmp_path: Path) -> None:
    given = results()
    take = write(tmp_path / "t", given)
    assert take.info.status == "complete"
    assert (take.info.frames, take.info.tracked) == (9, 7)
    assert list(take.frame_index) == [result.frame_index for result in given]
    assert list(take.captured_ns) == [result.captured_ns for result in given]
    assert list(take.finished_ns) == [result.finished_ns for result in given]
    assert list(take.status) == [result.status.value for result in given]
    assert take.stage_ns == [result.stage_ns for result in given]
    for row, result in enumerate(given):
        if result.head is None or result.alignment is None or result.blendshapes is None:
            continue
        assert result.head.deviations is not None
        assert result.blendshapes.sd is not None
        for name, value in {
            "camera_from_head": result.head.camera_from_head,
            "expression": result.head.expression.astype(np.float32),
            "gaze": result.head.gaze.astype(np.float32),
            "neck": result.head.neck.astype(np.float32),
            "points_px": result.head.points_px,
            "rms_px": np.float32(result.head.rms_px),
            "blendshapes": result.blendshapes.weights,
            "blendshapes_sd": result.blendshapes.sd,
            "pose_sd": result.head.deviations.pose.astype(np.float32),
            "expression_sd": result.head.deviations.expression.astype(np.float32),
            "gaze_sd": result.head.deviations.gaze.astype(np.float32),
            "neck_sd": result.head.deviations.neck.astype(np.float32),
            "alignment_px": result.alignment.points_px,
            "sigma_px": result.alignment.sigma_px,
        }.items():
            np.testing.assert_array_equal(take.values[name][row], value, err_msg=name)
        assert result.camera is not None
        np.testing.assert_array_equal(take.values["intrinsics"][row], result.camera.intrinsics)


def test_halves_are_stored_and_the_fit_s_shapes_are_whole(tmp_path: Path) -> None:
    made = tracked(0, vertices=VERTICES)
    assert made.head is not None
    assert made.blendshapes is not None
    wide = np.linspace(0.0, 0.9, 54)
    sides = np.array([0.1, 0.7, 0.2, 0.9], np.float32)
    given = dataclasses.replace(
        made,
        head=dataclasses.replace(made.head, expression=wide),
        blendshapes=Blendshapes(made.blendshapes.weights, sides),
    )
    take = write(tmp_path / "t", [given, made])
    np.testing.assert_array_equal(take.values["blendshape_sides"][0], sides)
    assert np.isnan(take.values["blendshape_sides"][1]).all()
    brow = BLENDSHAPE_NAMES.index("browInnerUp")
    stored = take.values["expression"][0]
    assert stored.shape == (52,)
    assert stored[brow] == pytest.approx((wide[brow] + wide[52]) / 2)
    assert stored[0] == pytest.approx(wide[0])


def test_takes_of_programs_that_knew_no_halves_and_deviations_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = dict(schema.VALUE_COLUMNS)
    for group in schema.ADDED:
        for name in group:
            del known[name]
    with monkeypatch.context() as older:
        older.setattr(schema, "VALUE_COLUMNS", known)
        reserve(tmp_path / "t")
        made = TakeWriter(tmp_path / "t", TakeInfo(vertices=VERTICES), head())
        made.write(FRAME, tracked(0, vertices=VERTICES))
        made.close()
    take = read_take(tmp_path / "t")
    for name in (name for group in schema.ADDED for name in group):
        assert np.isnan(take.values[name]).all()
    assert np.isfinite(take.values["blendshapes"]).all()


@pytest.mark.parametrize("row", [2, 3])
def test_frame_without_a_face_has_no_numbers(tmp_path: Path, row: int) -> None:
    take = write(tmp_path / "t", results())
    for name, values in take.values.items():
        if name == "visible":
            assert not values[row].any()
        else:
            assert np.isnan(values[row]).all(), name


def test_alignment_of_some_vertices_leaves_the_others_empty(tmp_path: Path) -> None:
    result = tracked(0, vertices=VERTICES)
    assert result.alignment is not None
    anchors = np.array([3, 30, 7], np.int32)
    some = dataclasses.replace(
        result.alignment,
        points_px=result.alignment.points_px[:3],
        sigma_px=result.alignment.sigma_px[:3],
        anchors=anchors,
    )
    take = write(tmp_path / "t", [dataclasses.replace(result, alignment=some)])
    np.testing.assert_array_equal(take.values["alignment_px"][0, anchors], some.points_px)
    assert np.isfinite(take.values["sigma_px"][0]).sum() == 3


def test_identity_is_stored_where_it_changes(tmp_path: Path) -> None:
    take = write(tmp_path / "t", [tracked(i, vertices=VERTICES) for i in range(7)])
    assert [row.tolist() for row in take.identity] == [
        [0] * 5, [], [], [1] * 5, [], [], [2] * 5,
    ]  # fmt: skip


def test_a_crash_costs_only_what_was_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BATCH_ROWS", 4)
    folder = tmp_path / "t"
    reserve(folder)
    recording = TakeWriter(folder, TakeInfo(vertices=VERTICES), head())
    for result in results(11):
        recording.write(FRAME, result)
    shutil.copytree(folder, tmp_path / "crashed")  # as a killed process leaves it
    recording.close()
    assert load_info(tmp_path / "crashed").status == "recording"
    assert list(read_take(tmp_path / "crashed").frame_index) == list(range(8))

    # Cut in the middle of the second batch: the first is still there.
    file = tmp_path / "crashed" / "tracking.arrows"
    file.write_bytes(file.read_bytes()[:-500])
    assert list(read_take(tmp_path / "crashed").frame_index) == list(range(4))


def test_a_second_without_a_full_batch_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FLUSH_NS", 0)
    folder = tmp_path / "t"
    reserve(folder)
    recording = TakeWriter(folder, TakeInfo(vertices=VERTICES), head())
    recording.write(FRAME, results()[0])
    assert len(read_take(folder).frame_index) == 1
    recording.close()


def test_complete_take_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "t", results())
    file = tmp_path / "t" / "tracking.arrows"
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(TakeError, match="damaged"):
        read_take(tmp_path / "t")


def test_a_take_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "t", results())
    with pytest.raises(TakeError, match="is not empty"):
        reserve(tmp_path / "t")
    (tmp_path / "file").touch()
    with pytest.raises(TakeError, match="cannot be made"):
        reserve(tmp_path / "file")


def test_discard_removes_the_take_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "t", results())
    discard(tmp_path / "t")
    assert not (tmp_path / "t").exists()
    write(tmp_path / "u", results())
    (tmp_path / "u" / "notes.txt").touch()
    discard(tmp_path / "u")
    assert [file.name for file in (tmp_path / "u").iterdir()] == ["notes.txt"]


def test_info_round_trip(tmp_path: Path) -> None:
    info = TakeInfo(
        source=Asset("clip.mp4", "ab"), width_px=640, height_px=480, frame_rate=29.97,
        wall_from_monotonic_ns=1_700_000_000_123_456_789, head="open",
        weight_files=(Asset("a", "1"), Asset("b", "2")), vertices=5,
    )  # fmt: skip
    save_info(tmp_path, info)
    assert load_info(tmp_path) == info


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format_version": 9}, "format 9, this program reads 1"),
        ({"format_version": 1, "status": "done"}, "status: 'done' is not one of"),
        ({"format_version": 1, "sttus": "x"}, "unknown key 'sttus'"),
        ([], "format None"),
    ],
)
def test_what_is_no_take_is_a_take_error(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "take.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(TakeError, match=message):
        read_take(tmp_path)


def test_folder_without_take_and_damaged_rows_are_take_errors(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="not a take"):
        read_take(tmp_path)
    save_info(tmp_path, TakeInfo(vertices=VERTICES))
    with pytest.raises(TakeError, match="damaged or absent"):
        read_take(tmp_path)
    (tmp_path / "tracking.arrows").write_bytes(b"not arrow at all")
    with pytest.raises(TakeError, match="damaged or absent"):
        read_take(tmp_path)


def test_facing_camera_on_a_sphere_is_what_is_in_front_of_its_horizon() -> None:
    """A camera at distance d sees of a sphere of radius r the cap with z < -r^2 / d."""
    latitude, longitude = np.mgrid[1:40, 0:80]
    theta, phi = np.pi * latitude / 40, 2 * np.pi * longitude / 80
    vertices = 0.1 * np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1
    ).reshape(-1, 3)
    rows = np.arange(39 * 80).reshape(39, 80)
    a, b = rows[:-1], np.roll(rows[:-1], -1, axis=1)
    c, d = rows[1:], np.roll(rows[1:], -1, axis=1)
    triangles = np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    ).astype(np.int32)
    camera_from_head = np.eye(4)
    camera_from_head[:3, 3] = (0.0, 0.0, 0.4)
    facing = facing_camera(vertices, triangles, camera_from_head)
    margin = 0.004  # the mesh has flat faces
    assert facing[vertices[:, 2] < -0.025 - margin].all()
    assert not facing[vertices[:, 2] > -0.025 + margin].any()


def test_facing_camera_agrees_with_a_slow_twin() -> None:
    rng = np.random.default_rng(3)
    vertices, triangles = rng.normal(size=(30, 3)), rng.integers(0, 30, (50, 3)).astype(np.int32)
    camera_from_head = np.eye(4)
    camera_from_head[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    camera_from_head[:3, :3] *= np.linalg.det(camera_from_head[:3, :3])
    camera_from_head[:3, 3] = (0.2, -0.1, 4.0)
    camera = np.linalg.inv(camera_from_head)[:3, 3]
    for index, facing in enumerate(facing_camera(vertices, triangles, camera_from_head)):
        normal = np.zeros(3)
        for a, b, c in triangles:
            times = [a, b, c].count(index)
            normal += times * np.cross(vertices[b] - vertices[a], vertices[c] - vertices[a])
        assert facing == (np.dot(normal, camera - vertices[index]) > 0)
