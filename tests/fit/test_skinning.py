"""Skinning against the obvious loop, and in words."""

from __future__ import annotations

import numpy as np
import pytest
import slow_head

from engine.fit import skinning
from engine.fit.heads.open_head import OpenHead


@pytest.mark.parametrize("seed", range(3))
def test_vertices_agree_with_the_obvious_loop(head: OpenHead, seed: int) -> None:
    rng = np.random.default_rng(seed)
    identity = rng.normal(size=len(head.identity_basis))
    expression = rng.uniform(0, 1, 52) * (rng.uniform(size=52) < (0.2, 0.8, 0.4)[seed])
    gaze, neck = rng.normal(0, 0.3, (2, 2)), rng.normal(0, 0.3, 3)
    ours = skinning.vertices(head, identity, expression, gaze, neck)
    jointed = np.flatnonzero(head.skin_weights[:, 0] < 1)
    for index in rng.choice(jointed, 40, replace=False):
        expected = slow_head.vertex(head, int(index), identity, expression, gaze, neck)
        np.testing.assert_allclose(ours[index], expected, atol=2e-7)


def test_an_open_jaw_brings_the_chin_down(head: OpenHead) -> None:
    expression = np.zeros(52)
    still = skinning.vertices(head, np.zeros(60), expression, np.zeros((2, 2)), np.zeros(3))
    expression[head.expression_names.index("jawOpen")] = 1.0
    opened = skinning.vertices(head, np.zeros(60), expression, np.zeros((2, 2)), np.zeros(3))
    chin = np.argmax(head.skin_weights[:, 2] * (head.region == head.region_names.index("face")))
    assert opened[chin, 1] > still[chin, 1] + 0.01


@pytest.mark.parametrize(("yaw", "pitch"), [(0.3, 0.0), (0.0, 0.3)])
def test_a_gaze_moves_the_eyes_front_that_way(head: OpenHead, yaw: float, pitch: float) -> None:
    gaze = np.array([[yaw, pitch], [0.0, 0.0]])
    looking = skinning.vertices(head, np.zeros(60), np.zeros(52), gaze, np.zeros(3))
    left = np.flatnonzero(head.region == head.region_names.index("eyeball_left"))
    front = left[np.argmin(head.neutral[left, 2])]
    moved = looking[front] - head.neutral[front]
    assert np.sign(np.round(moved[:2], 4)).tolist() == [np.sign(yaw), np.sign(pitch)]
    right = head.region == head.region_names.index("eyeball_right")
    np.testing.assert_array_equal(looking[right], head.neutral[right])
