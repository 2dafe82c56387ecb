"""What augmentation may change, and what it must leave where it is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from engine.fit.heads import landmarks, open_head
from engine.training.augment import AugmentSettings, compression, noise, random_crop, scene, sensor

NOTHING = AugmentSettings.none()
SIDE = 192


@pytest.fixture(scope="module")
def marks() -> np.ndarray:
    """Landmarks (478, 2) of a face that looks into the camera and fills the picture's middle."""
    points = landmarks(open_head.load(), open_head.load().neutral)[:, :2]
    low, high = points.min(0), points.max(0)
    return (points - (low + high) / 2) * SIDE / 1.2 / (high - low).max() + SIDE / 2


def texture(seed: int, side: int = SIDE) -> np.ndarray:
    """A picture with detail at all sizes, mid-grey on the mean."""
    rng = np.random.default_rng(seed)
    total = np.zeros((side, side, 3), np.float32)
    for cells in (4, 8, 16, 32, 64):
        part = rng.normal(0, 60 / cells**0.5, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC)
    return (total + 128).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["mask", "strands", "glasses", "glare", "thing", "occluder"])
def test_covered_is_what_no_longer_shows_the_face(name: str, marks: np.ndarray) -> None:
    """Black and white pictures with the same things: where they differ, the face shows through."""
    settings = replace(NOTHING, **{name: 1.0})
    pictures = [np.full((SIDE, SIDE, 3), value, np.uint8) for value in (0, 255)]
    covered_somewhere = 0
    for seed in range(8):
        (black, covered), (white, _) = (
            scene(p, np.random.default_rng(seed), settings, marks, other=texture(1))
            for p in pictures
        )
        through = (white.astype(float) - black).mean(axis=2) / 255
        sure = np.abs(through - 0.5) > 0.02
        np.testing.assert_array_equal(covered[sure], through[sure] < 0.5)
        covered_somewhere += int(covered.any())
    assert covered_somewhere >= 4


def test_a_mask_hides_the_mouth_and_leaves_the_eyes(marks: np.ndarray) -> None:
    for seed in range(10):
        settings = replace(NOTHING, mask=1.0)
        _, covered = scene(texture(0), np.random.default_rng(seed), settings, marks)
        at = covered[marks[:, 1].astype(int), marks[:, 0].astype(int)]
        assert at[[0, 13, 17, 61, 291]].all()
        assert not at[[33, 133, 159, 145, 263, 386]].any()


@pytest.mark.parametrize("name", ["mask", "strands", "glasses", "hand"])
def test_things_move_with_the_face(name: str, marks: np.ndarray) -> None:
    """The same scene seen by a window 7 px to the side: what is worn lies 7 px to the side."""
    settings, picture = replace(NOTHING, **{name: 1.0}), texture(2)
    for seed in range(5):
        _, first = scene(picture, np.random.default_rng(seed), settings, marks)
        moved = marks + np.array([7.0, 0.0])
        _, second = scene(np.roll(picture, 7, 1), np.random.default_rng(seed), settings, moved)
        expected = np.roll(first, 7, 1)[:, 7:]
        both, either = (expected & second[:, 7:]).sum(), (expected | second[:, 7:]).sum()
        assert both >= 0.97 * either


def test_a_scene_depends_on_nothing_but_its_generator(marks: np.ndarray) -> None:
    settings, picture = AugmentSettings(), texture(3)
    before = picture.copy()
    again = [
        [sensor(scene(picture, g, settings, marks)[0], g, settings) for _ in range(20)]
        for g in (np.random.default_rng(5), np.random.default_rng(5))
    ]
    np.testing.assert_array_equal(again[0], again[1])
    assert len({picture.tobytes() for picture in again[0]}) == 20
    np.testing.assert_array_equal(picture, before)


def test_about_three_in_ten_are_nearly_clean(marks: np.ndarray) -> None:
    """By the structural similarity of the brightness, which light alone hardly changes."""
    rng, settings, picture = np.random.default_rng(0), AugmentSettings(), texture(4)
    clean = 0
    for _ in range(300):
        shown, covered = scene(picture, rng, settings, marks)
        shown = sensor(shown, rng, settings)
        alike = np.corrcoef(shown.mean(axis=2).ravel(), picture.mean(axis=2).ravel())[0, 1]
        clean += bool(alike > 0.97 and covered.mean() < 0.001)
    assert 0.24 * 300 < clean < 0.42 * 300


def test_the_sensor_moves_nothing() -> None:
    """Phase correlation finds no shift in the mean over many pictures, nor a large one in any."""
    settings = replace(AugmentSettings(), clean=0.0, side_light=0.0, flicker=0.0)
    rng, picture = np.random.default_rng(1), texture(5)
    plain = picture.mean(axis=2).astype(np.float32)
    shifts = []
    for _ in range(120):
        shown = sensor(picture, rng, settings).mean(axis=2).astype(np.float32)
        shifts.append(cv2.phaseCorrelate(plain - plain.mean(), shown - shown.mean())[0])
    assert np.abs(np.median(shifts, axis=0)).max() < 0.01
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.04


@pytest.mark.parametrize("level", [40, 60, 128, 220])
def test_noise_is_that_of_counted_photons(level: int) -> None:
    """Against simulated photons and read-out, encoded by the same power law."""
    shot, read, rng = 2e-4, 0.002, np.random.default_rng(0)
    linear = (level / 255) ** 2.2
    seen = rng.poisson(linear / shot, 200_000) * shot + rng.normal(0, read, 200_000)
    encoded = 255 * seen.clip(0, None) ** (1 / 2.2)
    assert noise.deviation(shot, read)[level] == pytest.approx(encoded.std(), rel=0.12)


@pytest.mark.parametrize("level", [30, 60, 120, 250])
def test_a_dark_room_leaves_something_to_see(level: int) -> None:
    """However dark or bright the picture, the middle of what the camera gives is exposed."""
    picture = (texture(7).astype(np.float32) * level / 128).clip(0, 255).astype(np.uint8)
    settings = replace(AugmentSettings(), clean=0.0, low_light=0.0, noise=0.0, jpeg=0.0, video=0.0)
    rng = np.random.default_rng(4)
    middles = [sensor(picture, rng, settings)[48:144, 48:144].mean() for _ in range(60)]
    assert min(middles) > 45
    assert max(middles) < 220


def test_darkness_adds_noise() -> None:
    """Noise of the dark against noise of a lit room, from the same generators."""
    spread = []
    for dark in (False, True):
        values = np.full((32, 96, 96, 3), 100, np.float32)
        for seed, part in enumerate(values):
            noise.add(part, np.random.default_rng(seed), dark)
        spread.append(np.mean([part.std(axis=(0, 1)).mean() / part.mean() for part in values]))
    assert 5.0 < spread[1] / spread[0] < 8.0  # without the gain of the dark it is 4


@pytest.mark.parametrize("parameter", [28, 34, 40])
def test_video_damage_is_as_large_as_that_of_a_real_encoder(parameter: int) -> None:
    """Error of x264 at the same quantisation parameter, which shares no code with ours."""
    picture = texture(6)
    ours = compression.quantised(picture, 2 ** ((parameter - 4) / 6))
    theirs = x264(picture, parameter)
    errors = [np.std(damaged.astype(float) - picture) for damaged in (ours, theirs)]
    assert 0.7 < errors[0] / errors[1] < 1.4


def test_a_grid_that_begins_elsewhere_damages_elsewhere() -> None:
    picture = texture(6, 100)
    one, other = (compression.quantised(picture, 30.0, corner) for corner in ((0, 0), (3, 5)))
    assert one.shape == other.shape == picture.shape
    wider = compression.quantised(np.pad(picture, ((3, 5), (5, 3), (0, 0)), "edge"), 30.0)
    apart = np.abs(other.astype(float) - one).mean()
    assert np.abs(other.astype(float) - wider[3:-5, 5:-3]).mean() < 0.3 * apart


def x264(picture: np.ndarray, parameter: int) -> np.ndarray:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width = encoder.height = picture.shape[0]
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 30)
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "qp": str(parameter)}
    frame = av.VideoFrame.from_ndarray(picture, "rgb24")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    frames = [shown for packet in packets for shown in decoder.decode(packet)]
    return (frames or decoder.decode(None))[0].to_ndarray(format="rgb24")


def test_pushed_windows_miss_up_to_three_tenths_of_the_face(marks: np.ndarray) -> None:
    settings = replace(NOTHING, shift_sd=1e-9, pushed_off=1.0)
    rng, face = np.random.default_rng(2), marks[:468]
    missing = []
    for _ in range(40):
        crop_from_image = np.linalg.inv(random_crop(face, SIDE, rng, settings).image_from_crop)
        inside = face @ crop_from_image[:2, :2].T + crop_from_image[:2, 2]
        low, high = inside.min(0), inside.max(0)
        missing.append((np.maximum(-low, high - SIDE).clip(0) / (high - low).max()).max())
    assert max(missing) <= 0.301
    assert np.median(missing) > 0.1


def test_a_pushed_window_of_a_tilted_face_is_pushed_along_its_own_axes(marks: np.ndarray) -> None:
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # the face lies on its side
    settings = replace(NOTHING, shift_sd=1e-9, pushed_off=1.0)
    upright = random_crop(marks, SIDE, np.random.default_rng(3), settings).image_from_crop
    lying = random_crop(marks @ turn, SIDE, np.random.default_rng(3), settings).image_from_crop
    np.testing.assert_allclose(upright[:2, 2] @ turn, lying[:2, 2], atol=1.0)
