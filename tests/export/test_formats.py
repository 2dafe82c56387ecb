"""What other programs get is what was tracked: read back by code that is not ours."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
import struct
import subprocess
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from export_scene import (
    FRAMES,
    LOST,
    RATE,
    SAMPLE_RATE,
    gaze_at,
    identity,
    make_take,
    turn_at,
    weights_at,
)

import engine.export
from engine import assembly, plugins
from engine.errors import TakeError
from engine.export import (
    alembic,
    bvh,
    gltf,
    head_avatar,
    live_link_csv,
    parquet,
    point_cache,
    speech,
    usd,
)
from engine.export._job import ExportCancelled, Job
from engine.export._series import bridged, series
from engine.fit.heads import HeadModel
from engine.fit.sides import spread
from engine.fit.skinning import neutral_of, vertices
from engine.recording.reader import Take
from engine.recording.timecode import RATES
from engine.types import BLENDSHAPE_NAMES

FACES = [index for index in range(FRAMES) if index not in LOST]
FLIP = np.diag([1.0, -1.0, -1.0])


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    return make_take(tmp_path_factory.mktemp("takes") / "scene_003")


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return assembly.load_head("open")


# Resampling


@pytest.mark.parametrize("rate", [rate for rate in RATES if not rate.endswith("df")])
def test_every_rate_is_exact_and_values_are_those_of_the_moment(take: Take, rate: str) -> None:
    found = series(take, rate)
    exact = RATES[rate]
    for frame in (0, 1, len(found) - 1):
        assert found.seconds[frame] == pytest.approx(float(Fraction(frame) / exact), abs=1e-12)
    assert len(found) == int((FRAMES - 1) / RATE * exact) + 1
    for frame in np.flatnonzero(found.tracked):
        second = found.seconds[frame]
        np.testing.assert_allclose(found.weights[frame], weights_at(second), atol=1e-6)
        expected = cv2.Rodrigues(turn_at(second))[0]
        np.testing.assert_allclose(found.camera_from_head[frame, :3, :3], expected, atol=1e-6)
        np.testing.assert_allclose(found.gaze[frame], gaze_at(second), atol=1e-6)


def test_nothing_is_made_up_where_the_face_was_lost(take: Take) -> None:
    found = series(take, "60")
    lost = (found.seconds > (LOST[0] - 1) / RATE) & (found.seconds < (LOST[-1] + 1) / RATE)
    assert lost.sum() > 5
    assert not found.tracked[lost].any()
    assert np.isnan(found.weights[lost]).all()
    assert found.tracked[~lost].all()
    whole = bridged(found)
    assert not np.isnan(whole.weights).any()
    for frame in np.flatnonzero(lost):  # linear motion: the way across is the motion itself
        np.testing.assert_allclose(
            whole.weights[frame], weights_at(found.seconds[frame]), atol=1e-6
        )


# glTF


def read_glb(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """By the specification alone: header, JSON chunk, binary chunk, accessors."""
    raw = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", raw, 0)
    assert (magic, version, length) == (b"glTF", 2, len(raw))
    size, kind = struct.unpack_from("<I4s", raw, 12)
    assert kind == b"JSON"
    content = json.loads(raw[20 : 20 + size])
    body = raw[20 + size + 8 :]
    sizes = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
    types = {5126: "<f4", 5123: "<u2", 5125: "<u4"}
    arrays = []
    for accessor in content["accessors"]:
        view = content["bufferViews"][accessor["bufferView"]]
        count = accessor["count"] * sizes[accessor["type"]]
        flat = np.frombuffer(body, types[accessor["componentType"]], count, view["byteOffset"])
        arrays.append(flat.reshape(accessor["count"], -1))
    return content, arrays


def quaternion_matrix(x: float, y: float, z: float, w: float) -> np.ndarray:
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def test_gltf_plays_the_head_where_it_was(take: Take, head: HeadModel, tmp_path: Path) -> None:
    """Morphs and bones, put together as a player does, give the tracked mesh before the camera.

    The morph of the jaw is a chord of its arc, so that a millimetre or two is the format's own.
    """
    gltf.write(take, head, tmp_path / "a.glb")
    content, arrays = read_glb(tmp_path / "a.glb")
    animation = content["animations"][0]
    tracks = {
        (channel["target"]["node"], channel["target"]["path"]): animation["samplers"][
            channel["sampler"]
        ]
        for channel in animation["channels"]
    }
    times = arrays[tracks[(0, "translation")]["input"]][:, 0]
    np.testing.assert_allclose(times, np.array(FACES) / RATE, atol=1e-6)
    weights = arrays[tracks[(4, "weights")]["output"]].reshape(len(times), 52)
    names = content["meshes"][0]["extras"]["targetNames"]
    assert tuple(names) == BLENDSHAPE_NAMES
    stored = take.values["blendshapes"][FACES]
    assert np.abs(weights - stored).max() < 1e-3
    primitive = content["meshes"][0]["primitives"][0]
    points = arrays[primitive["attributes"]["POSITION"]].astype(float)
    morphs = np.stack([arrays[target["POSITION"]] for target in primitive["targets"]])
    shares = arrays[primitive["attributes"]["WEIGHTS_0"]]
    joints = arrays[primitive["attributes"]["JOINTS_0"]]
    inverse = arrays[content["skins"][0]["inverseBindMatrices"]].reshape(-1, 4, 4)
    for key in (0, 7, len(times) - 1):
        world = []
        for node in range(4):
            local = np.eye(4)
            local[:3, 3] = content["nodes"][node].get("translation", (0, 0, 0))
            if (node, "translation") in tracks:
                local[:3, 3] = arrays[tracks[(node, "translation")]["output"]][key]
            local[:3, :3] = quaternion_matrix(*arrays[tracks[(node, "rotation")]["output"]][key])
            world.append(local if node == 0 else world[0] @ local)
        bones = [world[node] @ inverse[node].T for node in range(4)]
        shaped = points + np.einsum("s,svc->vc", weights[key], morphs)
        ones = np.concatenate([shaped, np.ones((len(shaped), 1))], axis=1)
        played = sum(
            shares[:, slot, None]
            * np.einsum("vab,vb->va", np.stack(bones)[joints[:, slot]], ones)[:, :3]
            for slot in range(4)
        )
        second = times[key]
        expression = spread(weights_at(second), len(head.expression_names))
        neck = np.array([0.05, 0.02, 0.0]) * second
        tracked = vertices(head, identity().astype(float), expression, gaze_at(second), neck)
        pose = cv2.Rodrigues(turn_at(second))[0]
        place = np.array([0.02, -0.01, 0.6 + second / 50])
        expected = (tracked @ pose.T + place) @ FLIP
        error_mm = 1000 * np.linalg.norm(played - expected, axis=1)
        assert np.median(error_mm) < 0.3
        assert error_mm.max() < 4.0


def test_gltf_passes_the_khronos_validator(take: Take, head: HeadModel, tmp_path: Path) -> None:
    """Needs Node.js with gltf-validator where `NODE_PATH` finds it."""
    node = shutil.which("node")
    found = node and subprocess.run(
        [node, "-e", "require('gltf-validator')"], capture_output=True, check=False
    )
    if node is None or found is None or found.returncode:
        pytest.skip("Node.js with gltf-validator is not installed")
    gltf.write(take, head, tmp_path / "a.glb")
    code = (
        "require('gltf-validator').validateBytes(new Uint8Array(require('fs').readFileSync("
        "process.argv[1]))).then(r=>console.log(r.issues.numErrors, r.issues.numWarnings))"
    )
    said = subprocess.run(
        [node, "-e", code, str(tmp_path / "a.glb")], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["0", "0"]


# USD


def test_usd_passes_its_own_checker_and_holds_the_take(
    take: Take, head: HeadModel, tmp_path: Path
) -> None:
    pxr = pytest.importorskip("pxr", reason="OpenUSD is not installed")
    from pxr import Usd, UsdGeom, UsdSkel, UsdValidation

    assert pxr
    usd.write(take, head, tmp_path / "a.usda")
    stage = Usd.Stage.Open(str(tmp_path / "a.usda"))
    registry = UsdValidation.ValidationRegistry()
    context = UsdValidation.ValidationContext(registry.GetOrLoadAllValidators())
    assert [error.GetMessage() for error in context.Validate(stage)] == []
    animation = UsdSkel.Animation(stage.GetPrimAtPath("/Character/Skeleton/Take"))
    weights = animation.GetBlendShapeWeightsAttr()
    assert weights.GetNumTimeSamples() == len(FACES)
    for time in weights.GetTimeSamples():
        second = time / stage.GetTimeCodesPerSecond()
        np.testing.assert_allclose(weights.Get(time), weights_at(second), atol=1e-5)
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    # OpenUSD's own skinning against the tracked mesh.
    time = weights.GetTimeSamples()[9]
    cache = UsdSkel.Cache()
    root = UsdSkel.Root(stage.GetPrimAtPath("/Character"))
    cache.Populate(root, Usd.TraverseInstanceProxies())
    query = cache.GetSkelQuery(UsdSkel.Skeleton(stage.GetPrimAtPath("/Character/Skeleton")))
    transforms = query.ComputeSkinningTransforms(time)
    skin = cache.GetSkinningQuery(stage.GetPrimAtPath("/Character/Face"))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/Character/Face"))
    shaped = np.array(mesh.GetPointsAttr().Get(), float)
    for name, weight in zip(BLENDSHAPE_NAMES, weights.Get(time), strict=True):
        shape = UsdSkel.BlendShape(stage.GetPrimAtPath(f"/Character/Face/{name}"))
        shaped[np.array(shape.GetPointIndicesAttr().Get())] += weight * np.array(
            shape.GetOffsetsAttr().Get()
        )
    from pxr import Vt

    points = Vt.Vec3fArray.FromNumpy(shaped.astype(np.float32))
    assert skin.ComputeSkinnedPoints(transforms, points, time)
    second = time / stage.GetTimeCodesPerSecond()
    expression = spread(weights_at(second), len(head.expression_names))
    neck = np.array([0.05, 0.02, 0.0]) * second
    tracked = vertices(head, identity().astype(float), expression, gaze_at(second), neck)
    place = np.array([0.02, -0.01, 0.6 + second / 50])
    expected = (tracked @ cv2.Rodrigues(turn_at(second))[0].T + place) @ FLIP
    error_mm = 1000 * np.linalg.norm(np.array(points) - expected, axis=1)
    assert np.median(error_mm) < 0.3
    assert error_mm.max() < 4.0


# BVH


def read_bvh(path: Path) -> tuple[list[tuple[str, list[float], list[str]]], float, np.ndarray]:
    """A slow reader: joints with offset and channels in order, frame time, rows."""
    words = iter(path.read_text().split())
    joints: list[tuple[str, list[float], list[str]]] = []
    for word in words:
        if word in ("ROOT", "JOINT"):
            name = next(words)
            assert next(words) == "{"
            assert next(words) == "OFFSET"
            offset = [float(next(words)) for _ in range(3)]
            assert next(words) == "CHANNELS"
            channels = [next(words) for _ in range(int(next(words)))]
            joints.append((name, offset, channels))
        if word == "MOTION":
            break
    assert next(words) == "Frames:"
    frames = int(next(words))
    assert [next(words), next(words)] == ["Frame", "Time:"]
    step = float(next(words))
    rows = np.array([float(word) for word in words]).reshape(frames, -1)
    return joints, step, rows


def axis_rotation(axis: str, degrees: float) -> np.ndarray:
    vector = np.array([axis == "X", axis == "Y", axis == "Z"], float)
    return cv2.Rodrigues(vector * np.deg2rad(degrees))[0]


def test_bvh_turns_the_head_as_it_turned(take: Take, head: HeadModel, tmp_path: Path) -> None:
    bvh.write(take, head, tmp_path / "a.bvh", Job("24"))
    joints, step, rows = read_bvh(tmp_path / "a.bvh")
    assert [name for name, _, _ in joints] == ["Head", "Neck", "LeftEye", "RightEye"]
    assert step == pytest.approx(1 / 24)
    assert len(rows) == int((FRAMES - 1) / RATE * 24) + 1
    assert joints[2][1][0] > 2 > -2 > joints[3][1][0]  # cm: +x is the subject's left
    for frame in (0, 10, len(rows) - 1):
        second = frame / 24
        turned = np.eye(3)
        for channel, value in zip(joints[0][2][3:], rows[frame, 3:6], strict=True):
            turned = turned @ axis_rotation(channel[0], value)
        expected = FLIP @ cv2.Rodrigues(turn_at(second))[0] @ FLIP
        np.testing.assert_allclose(turned, expected, atol=1e-5)
        place = np.array([0.02, 0.01, -(0.6 + second / 50)]) * 100
        np.testing.assert_allclose(rows[frame, :3], place, atol=1e-3)


# Live Link Face


def test_csv_has_the_app_s_columns_values_and_timecode(
    take: Take, head: HeadModel, tmp_path: Path
) -> None:
    live_link_csv.write(take, head, tmp_path / "llf")
    with (tmp_path / "llf" / "scene_3_FlowFace.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    assert names[:2] == ["Timecode", "BlendShapeCount"]
    assert names[16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert names[54:] == [
        "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll",
        "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
    ]  # fmt: skip
    assert len(rows) == int((FRAMES - 1) / RATE * 60) + 1
    first = rows[0]["Timecode"]
    start = take.info.timecode.start
    assert first[:8] == start[:8]
    assert int(first[9:11]) == 2 * int(start[9:11])  # sixtieths of a second
    counted = [(int(row["Timecode"][6:8]) * 60 + float(row["Timecode"][9:])) % 3600 for row in rows]
    np.testing.assert_allclose(np.diff(counted) % 3600, 1.0, atol=0.0021)
    for frame, row in enumerate(rows):
        second = frame / 60
        if (LOST[0] - 1) / RATE < second < (LOST[-1] + 1) / RATE:
            assert row["BlendShapeCount"] == "0"
            assert row["JawOpen"] == ""
            continue
        assert row["BlendShapeCount"] == "61"
        for name, value in zip(BLENDSHAPE_NAMES, weights_at(second), strict=True):
            assert float(row[name[0].upper() + name[1:]]) == pytest.approx(value, abs=1e-5)
    # Turned to the own left: the head's yaw is positive there, the eyes' negative.
    last = rows[-1]
    assert turn_at(1.0)[1] > 0  # ours: to the subject's own right
    assert float(last["HeadYaw"]) < 0
    assert gaze_at(1.0)[0, 0] > 0  # ours: to the subject's left
    assert float(last["LeftEyeYaw"]) < 0


def test_movie_has_exact_rate_sound_and_timecode(
    take: Take, head: HeadModel, tmp_path: Path
) -> None:
    live_link_csv.write(take, head, tmp_path / "llf", Job("29.97"))
    with av.open(str(tmp_path / "llf" / "scene_3_FlowFace.mov")) as movie:
        video, audio = movie.streams.video[0], movie.streams.audio[0]
        assert video.average_rate == Fraction(30000, 1001)
        assert video.metadata["timecode"].replace(";", ":")[:8] == take.info.timecode.start[:8]
        grey = [frame.to_ndarray(format="gray").mean() for frame in movie.decode(video=0)]
        assert audio.rate == SAMPLE_RATE
    with av.open(str(tmp_path / "llf" / "scene_3_FlowFace.mov")) as movie:
        samples = np.concatenate([f.to_ndarray().ravel() for f in movie.decode(audio=0)])
    for frame, level in enumerate(grey):
        shown = int(frame * 1001 / 30000 * RATE + 0.02)
        assert level == pytest.approx(5 * shown, abs=6)
    assert len(samples) == pytest.approx(len(grey) * SAMPLE_RATE * 1001 / 30000, abs=2)
    expected = 8000 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / SAMPLE_RATE)
    inner = slice(2000, len(samples) - 4000)
    lag = max(
        range(-60, 61),
        key=lambda by: float(samples[inner].astype(float) @ np.roll(expected, by)[inner]),
    )
    assert abs(lag) <= 54  # under a millisecond and a bit: Matroska's own rounding
    assert np.abs(samples[inner]).max() == pytest.approx(8000, rel=0.02)


# Alembic


def test_alembic_s_own_library_reads_every_vertex_where_the_camera_saw_it(
    take: Take, head: HeadModel, tmp_path: Path
) -> None:
    pytest.importorskip("alembic3d", reason="Alembic is not installed")
    from alembic3d.Abc import GetArchiveStartAndEndTime, IArchive, ISampleSelector
    from alembic3d.AbcGeom import IPolyMesh, IXform

    alembic.write(take, head, tmp_path / "a.abc")
    archive = IArchive(str(tmp_path / "a.abc"))
    assert GetArchiveStartAndEndTime(archive) == pytest.approx((0.0, (FRAMES - 1) / RATE))
    place = IXform(archive.getTop(), "Head").getSchema()
    face = IPolyMesh(archive.getTop().getChild("Head"), "Face").getSchema()
    assert (face.getNumSamples(), place.getNumSamples()) == (FRAMES, FRAMES)
    sample = face.getValue(ISampleSelector(0.0))
    counts, corners = (np.array(list(v)) for v in (sample.getFaceCounts(), sample.getFaceIndices()))
    assert set(counts) == {3}
    np.testing.assert_array_equal(corners.reshape(-1, 3)[:, ::-1], head.triangles)
    uv = face.getUVsParam().getExpandedValue().getVals()
    assert [tuple(uv[at]) for at in (5, 900)] == [
        pytest.approx(tuple(head.uv[at])) for at in (5, 900)
    ]
    width, height = take.info.width_px, take.info.height_px
    for number in (0, 11, FRAMES - 1):
        then = ISampleSelector(number / RATE)
        points = face.getValue(then).getPositions()
        matrix = place.getValue(then).getMatrix()
        rows = np.array([[matrix[i][j] for j in range(4)] for i in range(4)])  # of row vectors
        local = np.array([[points[at][axis] for axis in range(3)] for at in range(len(points))])
        seen = local @ rows[:3, :3] + rows[3, :3]
        camera = take.values["intrinsics"][number]
        x = camera[0, 2] + camera[0, 0] * seen[:, 0] / -seen[:, 2]
        y = camera[1, 2] - camera[1, 1] * seen[:, 1] / -seen[:, 2]
        stored = take.values["points_px"][number]
        np.testing.assert_allclose(np.stack([x, y], axis=1), stored, atol=0.05)
        assert 0 < x.mean() < width
        assert 0 < y.mean() < height


# Data sets


def test_head_avatar_s_cameras_see_the_mesh_where_the_picture_has_it(
    take: Take, head: HeadModel, tmp_path: Path
) -> None:
    head_avatar.write(take, head, tmp_path / "avatar")
    content = json.loads((tmp_path / "avatar" / "transforms.json").read_text())
    assert len(content["frames"]) == len(FACES)
    parts = [
        len(json.loads((tmp_path / "avatar" / f"transforms_{part}.json").read_text())["frames"])
        for part in ("train", "val", "test")
    ]
    assert sum(parts) == len(FACES)
    assert min(parts) > 0
    for number in (0, 11, len(FACES) - 1):
        frame = content["frames"][number]
        mesh = np.array(
            [
                [float(value) for value in line.split()[1:]]
                for line in (tmp_path / "avatar" / frame["mesh_path"]).read_text().splitlines()
                if line.startswith("v ")
            ]
        )
        camera_from_head = np.linalg.inv(np.array(frame["transform_matrix"]))
        seen = mesh @ camera_from_head[:3, :3].T + camera_from_head[:3, 3]
        x = content["cx"] + content["fl_x"] * seen[:, 0] / -seen[:, 2]
        y = content["cy"] - content["fl_y"] * seen[:, 1] / -seen[:, 2]
        stored = take.values["points_px"][FACES[number]]
        np.testing.assert_allclose(np.stack([x, y], axis=1), stored, atol=0.05)
        image = cv2.imread(str(tmp_path / "avatar" / frame["file_path"]))
        assert image.mean() == pytest.approx(5 * FACES[number], abs=6)
        expression = np.loadtxt(tmp_path / "avatar" / frame["exp_path"])
        np.testing.assert_allclose(expression, weights_at(FACES[number] / RATE), atol=1e-5)


def test_a_silhouette_is_of_every_triangle() -> None:
    points = np.array([[2, 2], [30, 4], [5, 28], [60, 60], [34, 58], [57, 33]], float)
    triangles = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    mask = head_avatar.silhouette(points, triangles, (64, 64))
    hulls = [cv2.contourArea(points[t].astype(np.float32)) for t in triangles]
    parts = mask[:32, :32], mask[32:, 32:]
    for part, area in zip(parts, hulls, strict=True):
        assert area < (part > 0).sum() < area + 100  # and the pixels along its edges
    assert (mask > 0).sum() == sum((part > 0).sum() for part in parts)


def test_speech_has_vertices_and_sound_of_the_same_length(
    take: Take, head: HeadModel, tmp_path: Path
) -> None:
    speech.write(take, head, tmp_path / "speech")
    sequence = np.load(tmp_path / "speech" / "vertices_npy" / "scene_sentence03.npy")
    assert sequence.shape == (FRAMES, 3 * len(head.neutral))
    with wave.open(str(tmp_path / "speech" / "wav" / "scene_sentence03.wav")) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(FRAMES / RATE, abs=0.05)
    with (tmp_path / "speech" / "templates.pkl").open("rb") as file:
        template = pickle.load(file)["scene"]  # our own file, just written
    neutral = neutral_of(head, identity().astype(float)) @ FLIP
    np.testing.assert_allclose(template, neutral, atol=1e-6)


def test_point_cache_holds_the_fitted_mesh(take: Take, head: HeadModel, tmp_path: Path) -> None:
    point_cache.write(take, head, tmp_path / "a.pc2")
    raw = (tmp_path / "a.pc2").read_bytes()
    signature, version, points, start, rate, count = struct.unpack_from("<12siiffi", raw)
    assert (signature, version, start, rate) == (b"POINTCACHE2\0", 1, 0.0, 1.0)
    assert (points, count) == (len(head.neutral), FRAMES)
    posed = np.frombuffer(raw, "<f4", offset=32).reshape(count, points, 3)
    second = 9 / RATE
    expression = spread(weights_at(second), len(head.expression_names))
    neck = np.array([0.05, 0.02, 0.0]) * second
    tracked = vertices(head, identity().astype(float), expression, gaze_at(second), neck)
    np.testing.assert_allclose(posed[9], tracked @ FLIP, atol=2e-5)


def test_parquet_has_named_columns_and_nulls(take: Take, head: HeadModel, tmp_path: Path) -> None:
    parquet.write(take, head, tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet").to_pydict()
    assert len(table["seconds"]) == FRAMES
    for index in range(FRAMES):
        if index in LOST:
            assert table["jawOpen"][index] is None
            assert table["head_x"][index] is None
            assert table["status"][index] == "lost"
            continue
        expected = weights_at(index / RATE)[BLENDSHAPE_NAMES.index("jawOpen")]
        assert table["jawOpen"][index] == pytest.approx(expected, abs=1e-6)
        assert table["head_y"][index] == pytest.approx(0.01)


# All


@pytest.mark.parametrize("kind", plugins.kinds(engine.export))
def test_every_export_is_whole_or_not_there(
    kind: str, take: Take, head: HeadModel, tmp_path: Path
) -> None:
    module = plugins.load(engine.export, kind)
    destination = tmp_path / f"out{module.SUFFIX}"

    def stop(done: float) -> None:
        raise ExportCancelled

    for name, module_name in (("usd", "pxr"), ("alembic", "alembic3d")):
        if kind == name:
            pytest.importorskip(module_name, reason=f"{module_name} is not installed")
    with pytest.raises(ExportCancelled):
        module.write(take, head, destination, Job(progress=stop))
    left = [path.name for path in tmp_path.iterdir()]
    assert not any("writing" in name for name in left), left
    done: list[float] = []
    if destination.exists():  # only the very last call told of the end
        return
    module.write(take, head, destination, Job(progress=done.append))
    assert destination.exists()
    assert done[-1] == 1.0
    assert sorted(done) == done


def test_a_take_without_a_face_and_an_unknown_rate_are_told(take: Take) -> None:
    with pytest.raises(TakeError, match=r"frame rate '31': allowed are 23\.976"):
        series(take, "31")
    from dataclasses import replace

    blind = replace(take, status=np.array(["lost"] * FRAMES))
    with pytest.raises(TakeError, match="no frame with a face"):
        series(blind, None)


def test_a_mask_is_where_the_mesh_lies(take: Take, head: HeadModel, tmp_path: Path) -> None:
    """Against every pixel's centre tested for lying in a triangle."""
    head_avatar.write(take, head, tmp_path / "avatar")
    frame = json.loads((tmp_path / "avatar" / "transforms.json").read_text())["frames"][3]
    mask = cv2.imread(str(tmp_path / "avatar" / frame["mask_path"]), cv2.IMREAD_UNCHANGED)
    points = take.values["points_px"][FACES[3]].astype(np.float64)
    height, width = mask.shape
    assert (width, height) == (take.info.width_px, take.info.height_px)
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.zeros((height, width), bool)
    for a, b, c in points[head.triangles]:
        signs = [
            (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
            for p, q in ((a, b), (b, c), (c, a))
        ]
        inside |= (np.min(signs, axis=0) >= 0) | (np.max(signs, axis=0) <= 0)
    assert inside.mean() > 0.02
    # OpenCV also fills pixels that an edge passes through: a rim of less than a pixel
    grown = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not (inside & (mask == 0)).any()
    assert not ((mask > 0) & ~grown).any()
