"""The values that flow are frozen and refuse wrong shapes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.types import BLENDSHAPE_NAMES, Alignment, Blendshapes, Frame, Status, TrackResult


def test_frame_is_read_only() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 0, 0)
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.index = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("shape", "kind"), [((4, 6), np.uint8), ((4, 6, 4), np.uint8), ((4, 6, 3), np.float32)]
)
def test_frame_refuses_what_is_no_rgb_image(shape: tuple[int, ...], kind: type) -> None:
    with pytest.raises(ValueError, match="uint8"):
        Frame(np.zeros(shape, kind), 0, 0)


def test_alignment_is_read_only() -> None:
    alignment = Alignment(np.zeros((2, 2)), np.ones(2), np.arange(2, dtype=np.int32))
    for array in (alignment.points_px, alignment.sigma_px, alignment.anchors):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_blendshapes_pair_names_and_weights() -> None:
    weights = np.linspace(0, 1, 52, dtype=np.float32)
    blendshapes = Blendshapes(weights)
    pairs = dict(blendshapes.items())
    assert list(pairs) == list(BLENDSHAPE_NAMES)
    assert pairs["tongueOut"] == blendshapes["tongueOut"] == 1.0
    assert all(type(weight) is float for weight in pairs.values())


def test_blendshapes_refuse_another_count() -> None:
    with pytest.raises(ValueError, match="52"):
        Blendshapes(np.zeros(51))


def test_blendshape_names_are_the_52_in_live_link_face_order() -> None:
    assert len(set(BLENDSHAPE_NAMES)) == 52
    # Places in Epic's packet, where ARKit's own list differs.
    places = {"eyeBlinkLeft": 0, "eyeBlinkRight": 7, "jawLeft": 15, "jawOpen": 17, "mouthLeft": 21,
              "mouthPressLeft": 35, "browDownLeft": 41, "tongueOut": 51}  # fmt: skip
    assert {name: BLENDSHAPE_NAMES.index(name) for name in places} == places


def test_latency_is_from_capture_to_result() -> None:
    result = TrackResult(3, captured_ns=1_000, finished_ns=5_500, status=Status.LOST)
    assert result.latency_ns == 4_500
    assert result.head is None
    assert result.blendshapes is None
