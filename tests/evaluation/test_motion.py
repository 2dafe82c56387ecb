"""`bench motion`: the judge, what it keeps, and how clips are pooled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from landmark_head import landmark_head
from numpy.typing import NDArray
from test_flow_judge import moving_texture, tracks
from test_video import ScriptedMaker

from engine.config import TrackerConfig
from engine.errors import AssetError, ConfigError
from engine.evaluation import fit_variants, flow_judge, motion, tvl1_judge
from engine.evaluation.datasets import clips
from engine.evaluation.rivals.run import mediapipe_video
from engine.evaluation.tvl1_judge import TvL1Judge
from engine.fit.settings import TrackerSettings
from engine.resources import data_folder

TOOL = data_folder().parent / "tools" / "motion_error.py"
RIVAL = Path(os.environ.get("FLOWFACE_RIVAL", "/nowhere"))

# OpenCV as it is here, with DIS in TV-L1's place: what the program makes of a flow can be checked.
OPTFLOW = """
import cv2, types
make = lambda: cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
cv2.optflow = types.SimpleNamespace(DualTVL1OpticalFlow_create=make)
"""

MEDIAPIPE = """
class _Point:
    def __init__(self, x, y):
        self.x, self.y, self.z = x, y, 0.0

class FaceMesh:
    def __init__(self, static_image_mode, refine_landmarks, max_num_faces):
        assert not static_image_mode and refine_landmarks and max_num_faces == 1
        self.frames = 0
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    def process(self, rgb):
        class Found:
            multi_face_landmarks = None
        found, self.frames = Found(), self.frames + 1
        if rgb[..., 0].mean() > rgb[..., 2].mean():  # a red picture has a face
            face = Found()
            face.landmark = [_Point(0.25, self.frames / 10)] * 478
            found.multi_face_landmarks = [face]
        return found

class solutions:
    class face_mesh:
        FaceMesh = FaceMesh
"""


def test_the_judge_in_another_python_agrees_with_the_one_in_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(OPTFLOW)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    images, moved = moving_texture(5), tracks(5, noise_px=0.4)
    there = TvL1Judge(images, Path(sys.executable), None)
    here = flow_judge.FlowJudge(images, flow_judge.dis_flow())
    expected = flow_judge.motion_error(moved, here, (1, 3))
    found = flow_judge.motion_error(moved, there, (1, 3))
    for name, row in expected.items():
        assert found[name] == pytest.approx(row, rel=1e-5), name


def test_what_was_judged_is_kept_by_its_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def flow(
        _python: Path, grey: NDArray, pairs: NDArray, grid: NDArray
    ) -> tuple[NDArray, NDArray]:
        asked.append(len(pairs))
        step = grey[pairs[:, 1], 0, 0].astype(float) - grey[pairs[:, 0], 0, 0]
        made = np.repeat(step[:, None, None], len(grid), axis=1) * [1.0, 0.5]
        back = -made
        back[:, 0] += 50.0  # the reverse flow of the first pixel goes elsewhere
        return made.astype(np.float32), back.astype(np.float32)

    monkeypatch.setattr(tvl1_judge, "tvl1_flow", flow)
    grey = [np.full((16, 20), 5 * t, np.uint8) for t in range(40)]
    pairs = [(t, t + 1) for t in range(39)]
    first = TvL1Judge(grey, Path("python"), tmp_path / "kept")
    first.prepare(pairs)
    assert asked == [32, 7]  # in parts: what a stopped run has finished is kept
    again = TvL1Judge(grey[5:], Path("python"), tmp_path / "kept")
    again.prepare([(0, 1), (1, 2), (0, 2)])
    assert asked == [32, 7, 1]  # the numbers of the frames do not matter
    motion_px, good = again.motion(1, 2)
    np.testing.assert_allclose(motion_px, np.tile([5.0, 2.5], (20, 1)))
    assert good.tolist() == [False] + [True] * 19
    other = TvL1Judge([image + 1 for image in grey], Path("python"), tmp_path / "kept")
    other.motion(0, 1)
    assert asked == [32, 7, 1, 1]
    for damaged in (tmp_path / "kept").glob("*.npz"):
        damaged.write_bytes(b"PK")
    TvL1Judge(grey, Path("python"), tmp_path / "kept").prepare([*pairs, (5, 7)])
    assert asked[4:] == [32, 8]  # a damaged answer is asked for again


def test_the_video_rival_sees_the_frames_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mediapipe.py").write_text(MEDIAPIPE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    frames = np.zeros((3, 40, 80, 3), np.uint8)
    frames[[0, 2], ..., 0], frames[1, ..., 2] = 200, 200
    found = mediapipe_video(Path(sys.executable), frames)
    np.testing.assert_allclose(found[0], np.tile([20.0, 4.0], (478, 1)), atol=1e-4)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2, 0], [20.0, 12.0], atol=1e-4)
    with pytest.raises(AssetError, match="no such file"):
        mediapipe_video(tmp_path / "python", frames)


def test_clips_are_pooled_by_the_geometric_mean() -> None:
    def errors(ours: float, theirs: float, late: float) -> dict[str, dict[int, float]]:
        row = {1: ours, 3: ours, 10: ours, 30: late}
        return {"shipped": row, motion.RIVAL: dict.fromkeys(motion.HORIZONS, theirs)}

    nan = float("nan")
    rows = {"a": errors(0.2, 0.4, nan), "b": errors(0.6, 0.3, 0.9), "short": errors(nan, nan, nan)}
    # ratios 1/2 and 2: their geometric mean is 1, their arithmetic mean would be 1.25
    assert motion.ratios(rows)["shipped"][1] == pytest.approx(1.0)
    assert motion.ratios(rows)["shipped"][30] == pytest.approx(3.0)
    assert motion.means(rows)["shipped"][1] == pytest.approx(np.sqrt(0.12))
    assert np.isnan(motion.ratios({"short": rows["short"]})["shipped"][1])


def test_a_clip_is_run_by_everybody_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture moves; the tracker follows it, the rival never moves."""
    count = 6
    images = moving_texture(count)
    start = np.random.default_rng(5).uniform((45, 35), (110, 90), (478, 2))
    true = start + np.arange(count)[:, None, None] * np.array([1.5, -0.75])
    folder = tmp_path / "clips"
    folder.mkdir()
    _lossless(folder / "one.mp4", [cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) for image in images])
    np.savez(folder / "one.teacher.npz", landmarks=np.zeros((count, 478, 3), np.float32))
    rival = np.repeat(true[:1], count, axis=0)
    monkeypatch.setattr(motion, "mediapipe_video", lambda _python, _frames: rival)
    monkeypatch.setattr(
        motion,
        "TvL1Judge",
        lambda grey, _python, _cache: flow_judge.FlowJudge(grey, flow_judge.dis_flow()),
    )
    monkeypatch.setattr(motion, "HORIZONS", (1,))
    maker: Any = ScriptedMaker(true)
    found = motion.run(
        tmp_path, landmark_head(), {"shipped": maker}, TrackerConfig(), tmp_path, None, count, None
    )
    assert list(found["to_rival"]) == ["alignment", "shipped", motion.RIVAL, motion.FROZEN]
    assert found["to_rival"]["shipped"][1] < 0.2
    assert found["to_rival"][motion.FROZEN][1] == pytest.approx(1.0)
    assert "one" in motion.text(found)


def test_variants_are_found_by_name_and_switch_parts_off() -> None:
    assert list(fit_variants.chosen(["alone", "shipped"])) == ["alone", "shipped"]
    with pytest.raises(ConfigError, match="allowed are shipped, no_flow, alone"):
        fit_variants.chosen(["nothing"])
    usual = TrackerSettings()
    assert fit_variants.VARIANTS["shipped"].settings(usual) == usual
    alone = fit_variants.VARIANTS["alone"].settings(usual).fit
    assert alone.shift_step_sigma_m > 1e3 * usual.fit.shift_step_sigma_m
    assert fit_variants.VARIANTS["no_flow"].settings(usual).motion.weight == 0.0
    assert fit_variants.VARIANTS["no_flow"].settings(usual).fit == usual.fit
    assert alone.expression_sigma == usual.fit.expression_sigma


@pytest.mark.skipif(
    not (TOOL.is_file() and RIVAL.is_file()),
    reason="needs FLOWFACE_DATA and FLOWFACE_RIVAL, a Python with mediapipe and OpenCV's optflow",
)
def test_agrees_with_the_tool_that_defines_it_on_a_clip(tmp_path: Path) -> None:
    """The tool runs whole, as its own program, on a small lossless copy of a real clip."""
    (clip,) = clips.find(data_folder(), ["pyfeat_single"])
    frames = [
        np.asarray(cv2.resize(f.image, (192, 108), interpolation=cv2.INTER_AREA), np.uint8)
        for f in clips.frames(clip.path, 7)
    ]
    teacher = clip.teacher_px[:7] * 0.3
    noisy = teacher + np.random.default_rng(3).normal(0, 0.3, teacher.shape)
    _lossless(tmp_path / "small.mkv", frames)
    for name, points in (("ours", noisy), ("teacher", teacher)):
        np.savez(tmp_path / f"{name}.npz", landmarks=points)
    said = subprocess.run(
        [RIVAL, TOOL, "small.mkv", "ours=ours.npz", "teacher=teacher.npz", "--flow", "tvl1"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    pairs = [flow_judge.shrunk(frame) for frame in frames]
    judge = TvL1Judge([grey for grey, _ in pairs], RIVAL, None)
    cut = {"ours": noisy[:, :468], "teacher": teacher[:, :468]}
    found = flow_judge.motion_error(cut, judge, (1, 3))
    for name, row in found.items():
        line = next(line for line in said.splitlines() if line.startswith(name))
        expected = [float(value) for value in re.findall(r"h=[13]: ([\d.]+) px", line)]
        assert list(row.values()) == pytest.approx(expected, abs=6e-4), name


def _lossless(path: Path, frames: list[NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
