"""`bench shapes`: what is performed, and what is read off weights whose rise is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation import alone
from engine.evaluation.alone import HELD, LOOKS, MOVED, READ, SETTLING, SHAPES
from engine.types import BLENDSHAPE_NAMES

INDEX = {name: index for index, name in enumerate(BLENDSHAPE_NAMES)}


def test_every_shape_but_looks_moves_alone_or_with_what_it_needs() -> None:
    script = alone.states()
    assert len(script) == 44
    for shape, before, after in script:
        moved = {name for name in BLENDSHAPE_NAMES if after[INDEX[name]] != before[INDEX[name]]}
        assert moved == {shape}
        assert after[INDEX[shape]] == MOVED
        needs = {name for name in BLENDSHAPE_NAMES if before[INDEX[name]] > 0}
        assert needs == ({"jawOpen"} if shape in ("mouthClose", "tongueOut") else set())


def test_a_rise_is_read_off_the_last_frames_of_both_states() -> None:
    """By hand: 0.1 before and 0.5 after, whatever the first frames of each show."""
    sent = np.zeros((2 * HELD * 2, 52))
    sent[HELD - READ : HELD, 7] = 0.1
    sent[HELD : 2 * HELD - READ, 7] = 0.9  # not yet there
    sent[2 * HELD - READ : 2 * HELD, 7] = 0.5
    sent[3 * HELD :, 3] = np.nan
    rises = alone.risen(sent)
    assert rises.shape == (2, 52)
    assert rises[0, 7] == pytest.approx(0.4 / MOVED)
    assert np.isnan(rises[1, 3])
    assert rises[1, 7] == 0.0


def test_a_row_has_the_shape_its_other_side_and_what_strays_most() -> None:
    rises = np.zeros((2, len(SHAPES), 52))
    blink, jaw = SHAPES.index("eyeBlinkLeft"), SHAPES.index("jawLeft")
    rises[:, blink, INDEX["eyeBlinkLeft"]] = [1.0, 0.6]
    rises[:, blink, INDEX["eyeBlinkRight"]] = [0.5, 0.1]  # more than what strays
    rises[:, blink, INDEX["eyeSquintLeft"]] = [0.1, -0.5]
    rises[:, blink, INDEX["browDownLeft"]] = 0.1
    rises[0, jaw, INDEX["jawLeft"]], rises[1, jaw] = 0.4, np.nan  # one face was lost
    rises[0, jaw, INDEX["jawRight"]] = -0.2
    found = alone.summary(rises, np.full((2, 52), 0.03))
    row = found["shapes"]["eyeBlinkLeft"]
    assert (row["response"], row["least"]) == (pytest.approx(0.8), pytest.approx(0.6))
    assert row["other_side"] == pytest.approx(0.3)
    assert (row["stray"], row["stray_shape"]) == (pytest.approx(-0.2), "eyeSquintLeft")
    row = found["shapes"]["jawLeft"]
    assert row["response"] == pytest.approx(0.4)
    assert row["other_side"] is None  # the other way is another movement, not another side
    assert row["stray_shape"] == "jawRight"
    assert (found["alive"], found["dead"]) == (2, 42)
    assert found["response"] == pytest.approx(1.2 / 44)
    assert found["at_rest"] == pytest.approx(0.03)
    words = alone.text(found | alone.looks_summary(np.zeros((1, 1 + len(LOOKS), 2))))
    assert "eyeBlinkLeft" in words
    assert "shapes sent at 0.1 or less" in words
    assert "left, 30 degrees" in words


def test_a_look_is_what_both_eyes_turned_from_straight_ahead() -> None:
    """By hand: read 0.02 to the left, 0.01 down when straight; 0.1 to the right of that aside."""
    gaze = np.zeros((SETTLING + 2 * HELD, 2, 2))
    gaze[SETTLING - READ :] = [[0.03, 0.01], [0.01, 0.01]]
    gaze[SETTLING + HELD : SETTLING + 2 * HELD - READ] = 0.7  # not yet there
    gaze[-READ:, :, 0] -= [0.12, 0.08]
    gaze[-READ:, :, 1] += 0.04
    np.testing.assert_allclose(alone.looked(gaze), [[0.02, 0.01], [-0.1, 0.04]], atol=1e-12)


def test_looks_are_read_along_their_way() -> None:
    seen = np.zeros((2, 1 + len(LOOKS), 2))
    seen[:, 0] = np.deg2rad([[3.0, 4.0], [0.0, 0.0]])
    left, up = 1 + LOOKS.index((20, 0)), 1 + LOOKS.index((0, -15))
    seen[:, left, 0] = np.deg2rad([20.0, 10.0])
    seen[:, left, 1] = 0.5  # elsewhere: counts for nothing
    seen[0, up, 1], seen[1, up] = np.deg2rad(-12.0), np.nan  # one face was lost
    found = alone.looks_summary(seen)
    assert found["straight_off_deg"] == pytest.approx(2.5)
    assert len(found["looks"]) == len(LOOKS)
    assert found["looks"]["left, 20 degrees"] == {
        "response": pytest.approx(0.75),
        "least": pytest.approx(0.5),
    }
    assert found["looks"]["up, 15 degrees"]["response"] == pytest.approx(0.8)
