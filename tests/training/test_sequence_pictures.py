from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.evaluation.datasets import sequences
from engine.fit.heads import open_head
from engine.fit.skinning import joints_of, neutral_of, posed
from engine.geometry import project
from engine.resources import data_folder
from engine.training.render.renderer import HeadRenderer
from engine.training.render.sequence import sensed, through_h264, write_sequence

needs_data = pytest.mark.skipif(
    not (data_folder() / "makehuman").is_dir(), reason="no MakeHuman assets: FLOWFACE_DATA"
)


def test_noise_is_as_strong_as_asked_at_middle_grey_and_weaker_in_the_dark() -> None:
    rng = np.random.default_rng(0)
    grey, dark = (np.full((160, 160, 3), value, np.uint8) for value in (128, 20))
    assert sensed(grey, rng, 4.0).std() == pytest.approx(4.0, rel=0.05)
    expected = 4.0 * np.sqrt(0.3 + 0.7 * 20 / 128)
    assert sensed(dark, rng, 4.0).std() == pytest.approx(expected, rel=0.05)


def test_the_video_keeps_every_frame_in_order_and_loses_more_at_a_higher_factor() -> None:
    rng = np.random.default_rng(1)
    grey = cv2.GaussianBlur(rng.normal(128, 700, (96, 128)), (0, 0), 3).clip(0, 255)
    scene = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    frames = [np.roll(scene, 3 * t, axis=1) for t in range(7)]
    loss = {}
    for crf in (18, 34):
        seen = through_h264(frames, crf)
        assert len(seen) == 7
        difference = [np.abs(a.astype(int) - b).mean() for a, b in zip(seen, frames, strict=True)]
        loss[crf] = max(difference)
        wrong = np.abs(seen[3].astype(int) - frames[2]).mean()
        assert wrong > 1.5 * difference[3]
    assert loss[18] < loss[34]
    assert loss[18] < 8


@needs_data
@pytest.mark.slow
def test_a_sequence_is_reproduced_from_its_own_truth(tmp_path: Path) -> None:
    """The stored state, posed and projected by the tracker's own skinning, gives the points."""
    head = open_head.load()
    renderer = HeadRenderer(head, 128)
    path = tmp_path / "short.npz"
    write_sequence(renderer, data_folder(), 5, "extreme", 4, path, "x")
    made = sequences.read(path)
    assert len(made) == 4
    assert made.kind == "extreme"
    with np.load(path, allow_pickle=False) as file:
        names = ("identity", "expression", "gaze", "neck", "camera_from_head", "intrinsics")
        state = {name: file[name].astype(np.float64) for name in names}
    for t in range(4):
        identity = state["identity"][t]
        vertices = posed(
            head, neutral_of(head, identity), joints_of(head, identity),
            state["expression"][t], state["gaze"][t], state["neck"][t],
        )  # fmt: skip
        points = project(vertices, state["camera_from_head"][t], state["intrinsics"][t])
        assert np.abs(points - made.points_px[t]).max() < 0.25  # of half-precision coefficients
        depth = vertices @ state["camera_from_head"][t][2, :3] + state["camera_from_head"][t][2, 3]
        np.testing.assert_allclose(made.depth[t] / 20_000, depth, atol=5e-4)
    assert np.abs(np.diff(made.points_px, axis=0)).max() > 0.05  # the person moves
