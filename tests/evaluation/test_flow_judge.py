from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluation import flow_judge
from engine.resources import data_folder

TOOL = data_folder().parent / "tools" / "motion_error.py"
STEP = np.array([1.5, -0.75])  # px a frame


def moving_texture(count: int) -> list[NDArray[np.uint8]]:
    """Return grey images (120, 160) of one texture that moves by STEP a frame."""
    rng = np.random.default_rng(4)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (120, 160)).astype(np.float32), (0, 0), 2.0)
    texture = cv2.normalize(texture, texture, 0, 255, cv2.NORM_MINMAX)
    images = []
    for t in range(count):
        affine = np.array([[1, 0, STEP[0] * t], [0, 1, STEP[1] * t]])
        moved = cv2.warpAffine(texture, affine, (160, 120), borderMode=cv2.BORDER_REFLECT)
        images.append(moved.astype(np.uint8))
    return images


def tracks(count: int, noise_px: float = 0.0) -> dict[str, NDArray]:
    rng = np.random.default_rng(5)
    start = rng.uniform((45, 35), (110, 90), (60, 2))
    true = start + np.arange(count)[:, None, None] * STEP
    return {"noisy": true + rng.normal(0, noise_px, true.shape), "true": true}


def judge(images: list[NDArray[np.uint8]]) -> flow_judge.FlowJudge:
    return flow_judge.FlowJudge(images, flow_judge.dis_flow())


def test_a_track_that_moves_with_the_picture_has_no_error_and_a_frozen_one_the_motion() -> None:
    images, moved = moving_texture(5), tracks(5)
    errors = flow_judge.motion_error(moved, judge(images), horizons=(1, 3))
    scale = 256 / np.ptp(moved["true"][0, :, 1])
    for horizon in (1, 3):
        expected = horizon * np.hypot(*STEP) * scale
        assert errors["true"][horizon] < 0.1 * expected
        assert errors["frozen"][horizon] == pytest.approx(expected, rel=0.08)


def test_jitter_shows_at_every_horizon_and_a_lost_face_is_left_out() -> None:
    images, moved = moving_texture(6), tracks(6, noise_px=0.5)
    moved["noisy"][4] = np.nan
    errors = flow_judge.motion_error(moved, judge(images), horizons=(1,))
    scale = 256 / np.ptp(moved["true"][0, :, 1])
    # A difference of two noisy points, interpolated over three corners: below 0.5 * sqrt(2) each.
    assert 0.3 * scale < errors["noisy"][1] < 0.9 * scale
    never = {name: np.full_like(points, np.nan) for name, points in moved.items()}
    assert np.isnan(flow_judge.motion_error(never, judge(images))["true"][1])


def test_what_cannot_be_followed_is_not_judged() -> None:
    """An occluder appears in every second frame: there flow and reverse flow contradict."""
    images, moved = moving_texture(4), tracks(4)
    rng = np.random.default_rng(9)
    for t in (1, 3):
        images[t] = images[t].copy()
        images[t][45:85, 55:105] = rng.integers(0, 255, (40, 50), np.uint8)
    errors = flow_judge.motion_error(moved, judge(images), horizons=(1,))
    assert errors["true"][1] < 0.22 * errors["frozen"][1]


def test_frames_are_shrunk_to_the_stated_side() -> None:
    grey, scale = flow_judge.shrunk(np.zeros((480, 768, 3), np.uint8))
    assert (grey.shape, scale) == ((240, 384), 0.5)
    assert flow_judge.shrunk(np.zeros((100, 200, 3), np.uint8))[1] == 1.0


@pytest.mark.skipif(not TOOL.is_file(), reason="the defining tool is not here: FLOWFACE_DATA")
def test_agrees_with_the_tool_that_defines_it() -> None:
    images, moved = moving_texture(6), tracks(6, noise_px=0.5)
    tool: Any = _module()
    colour = [cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in images]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    expected = tool.errors(colour, moved, [1, 3], dis)
    found = flow_judge.motion_error(moved, judge(images), horizons=(1, 3))
    for name, row in expected.items():
        assert found[name] == pytest.approx(row, rel=1e-6), name


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("motion_error", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
