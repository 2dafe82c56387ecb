from __future__ import annotations

import numpy as np
import pytest

from engine.training.render.acting import KINDS, RATE, act, wander
from engine.types import BLENDSHAPE_NAMES

BLINK = BLENDSHAPE_NAMES.index("eyeBlinkLeft")


def test_the_walk_has_the_excursion_and_the_speed_that_are_asked_for() -> None:
    """The speed is the corner times the excursion: 7 rad/s of 1 degree is 7 degrees/s."""
    walk = wander(np.random.default_rng(0), 24_000, np.array([2.0, 0.5]), np.array([7.0, 3.0]))
    np.testing.assert_allclose(walk.std(axis=0), [2.0, 0.5], rtol=0.08)
    speed = np.diff(walk, axis=0).std(axis=0) * RATE
    np.testing.assert_allclose(speed, [14.0, 1.5], rtol=0.12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_plays_the_same_and_stays_within_what_a_face_can_do(kind: str) -> None:
    first, again = (act(np.random.default_rng(4), kind, 120) for _ in range(2))  # pyright: ignore
    np.testing.assert_array_equal(first.expression, again.expression)
    assert first.expression.shape == (120, 52)
    assert first.gaze.shape == (120, 2, 2)
    assert first.expression.min() >= 0
    assert first.expression.max() <= 1
    assert np.isfinite(first.turn).all()
    assert np.abs(np.diff(first.turn, axis=0)).max() * RATE < np.deg2rad(500)


def test_blinks_shut_fully_and_last_as_long_as_real_ones() -> None:
    closure = act(np.random.default_rng(1), "calm", 3000).expression[:, BLINK]
    shut = closure > 0.05
    edges = np.flatnonzero(np.diff(shut.astype(int)))
    starts, ends = edges[::2], edges[1::2]
    seconds = (ends - starts) / RATE
    assert len(seconds) > 20
    assert seconds.min() > 0.05
    assert seconds.max() < 0.34
    assert np.median([closure[a : b + 1].max() for a, b in zip(starts, ends, strict=False)]) > 0.8


def test_kinds_differ_in_how_much_they_move() -> None:
    moved = {
        kind: np.mean(
            [
                np.abs(np.diff(act(np.random.default_rng(s), kind, 300).expression, axis=0)).mean()
                for s in range(3)
            ]
        )
        for kind in KINDS
    }
    assert moved["calm"] < 0.5 * moved["spoken"]
    assert moved["spoken"] < moved["extreme"] * 2
