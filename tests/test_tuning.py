"""The user's tuning: against a slow twin that knows one shape at a time, and bit by bit without."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_results import lost, tracked

from engine import config, settings
from engine.config import Config, source_choice
from engine.errors import ConfigError
from engine.tuner import Tuner
from engine.tuning import PAIRS, Link, ShapeTuning, Tuning
from engine.types import BLENDSHAPE_NAMES, SIDE_NAMES, Blendshapes, TrackResult

STEP_NS = 33_000_000


def slow_curve(value: float, row: ShapeTuning) -> float:
    """One value through one row, step by step in plain Python."""
    if row.mute:
        return 0.0
    value = value * row.gain + row.offset
    value = 0.0 if value <= row.dead_zone else (value - row.dead_zone) / (1 - row.dead_zone)
    value = min(value, 1.0)
    if row.curve == "smooth":
        return 3 * value**2 - 2 * value**3
    return math.pow(value, row.gamma)


def slow_tuning(weights: dict[str, float], tuning: Tuning) -> dict[str, float]:
    weights = dict(weights)
    for link in tuning.links:
        if link.mean:
            pair = [link.name + "Left", link.name + "Right"]
            weights.update(dict.fromkeys(pair, sum(weights[name] for name in pair) / 2))
    rows = {row.name: row for row in tuning.rows}
    return {
        name: slow_curve(value, rows[name]) if name in rows else value
        for name, value in weights.items()
    }


def random_tuning(rng: np.random.Generator, smoothing: float = 0.0) -> Tuning:
    tuning = Tuning()
    for name in rng.permutation(BLENDSHAPE_NAMES)[:30]:
        tuning = tuning.changed(
            str(name),
            gain=float(rng.uniform(0, 3)),
            offset=float(rng.uniform(-0.4, 0.4)),
            dead_zone=float(rng.uniform(0, 0.5)),
            curve=str(rng.choice(["gamma", "smooth"])),
            gamma=float(rng.uniform(0.3, 3)),
            mute=bool(rng.random() < 0.1),
            smoothing=smoothing,
        )
    for stem in rng.permutation(PAIRS)[:6]:
        tuning = tuning.linked(f"{stem}Left", mean=bool(rng.random() < 0.6))
    return tuning


def result_of(rng: np.random.Generator, index: int = 0) -> TrackResult:
    blendshapes = Blendshapes(rng.uniform(0, 1, 52), rng.uniform(0, 1, 4), rng.uniform(0, 0.2, 52))
    return replace(tracked(index, index * STEP_NS), blendshapes=blendshapes)


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tuning, result = random_tuning(rng), result_of(rng)
    before = result.blendshapes
    assert before is not None
    after = Tuner(tuning)(result)
    assert after.measured is before
    assert after.untuned is before
    assert after.blendshapes is not None
    expected = slow_tuning(dict(before.items()), tuning)
    np.testing.assert_allclose(after.blendshapes.weights, list(expected.values()), atol=1e-12)
    rows = {row.name: row for row in tuning.rows}
    for name, half, got in zip(SIDE_NAMES, before.sides, after.blendshapes.sides, strict=True):
        whole = name.removesuffix("Left").removesuffix("Right")
        assert got == pytest.approx(slow_curve(half, rows.get(whole, ShapeTuning(whole))))


@pytest.mark.parametrize("seed", range(4))
def test_deviations_follow_the_slope_of_the_curve(seed: int) -> None:
    """By the closed form of the derivative, where one standard deviation is small."""
    rng = np.random.default_rng(seed)
    tiny = 1e-6
    result = replace(
        tracked(), blendshapes=Blendshapes(rng.uniform(0.3, 0.6, 52), sd=np.full(52, tiny))
    )
    tuning = Tuning().changed("jawOpen", gain=1.2, dead_zone=0.1, gamma=2.0)
    tuning = tuning.changed("tongueOut", curve="smooth").changed("mouthClose", mute=True)
    tuning = tuning.changed("eyeBlinkLeft", gain=1.5).linked("eyeBlinkLeft", mean=True)
    after = Tuner(tuning)(result).blendshapes
    assert after is not None
    assert after.sd is not None
    assert result.blendshapes is not None
    jaw = (1.2 * result.blendshapes["jawOpen"] - 0.1) / 0.9
    tongue = result.blendshapes["tongueOut"]
    slope = dict.fromkeys(BLENDSHAPE_NAMES, 1.0) | {
        "jawOpen": 2 * jaw * 1.2 / 0.9,
        "tongueOut": 6 * tongue * (1 - tongue),
        "mouthClose": 0.0,
        "eyeBlinkLeft": 1.5,
        "eyeBlinkRight": 1.5,
    }
    np.testing.assert_allclose(after.sd / tiny, list(slope.values()), rtol=1e-4, atol=1e-4)


def test_a_shape_at_the_end_of_its_curve_may_still_be_wrong() -> None:
    weights, sd = np.zeros(52), np.full(52, 0.1)
    tuning = Tuning().changed("jawOpen", gamma=0.5).changed("tongueOut", gain=2.0)
    after = Tuner(tuning)(replace(tracked(), blendshapes=Blendshapes(weights, sd=sd))).blendshapes
    assert after is not None
    assert after.sd is not None
    by_name = dict(zip(BLENDSHAPE_NAMES, after.sd, strict=True))
    assert by_name["jawOpen"] == pytest.approx(math.sqrt(0.1))  # the slope is infinite there
    assert by_name["tongueOut"] == pytest.approx(0.2)


def test_without_tuning_the_result_itself_is_handed_on() -> None:
    result = tracked()
    assert Tuner(Tuning())(result) is result
    assert Tuner(Tuning(links=(Link("eyeBlink"),)))(result) is result
    assert result.untuned is result.blendshapes
    gone = lost()
    assert Tuner(Tuning().changed("jawOpen", gain=2.0))(gone) is gone


def test_what_is_not_tuned_stays_bit_by_bit() -> None:
    result = tracked()  # of float32
    after = Tuner(Tuning().changed("jawOpen", gain=0.5))(result).blendshapes
    assert after is not None
    assert result.blendshapes is not None
    assert after.weights.dtype == np.float32
    for name, was, now in zip(
        BLENDSHAPE_NAMES, result.blendshapes.weights, after.weights, strict=True
    ):
        assert (struct.pack("f", was) == struct.pack("f", now)) == (name != "jawOpen")


def slow_one_euro(values: list[float], times_s: list[float], cutoff_hz: float) -> list[float]:
    """The paper's algorithm 1, for one number."""

    def alpha(cutoff: float, interval: float) -> float:
        tau = 1 / (2 * math.pi * cutoff)
        return 1 / (1 + tau / interval)

    smooth, speed, out = values[0], 0.0, [values[0]]
    for before, value, start, end in zip(values, values[1:], times_s, times_s[1:], strict=False):
        interval = end - start
        a = alpha(1.0, interval)
        speed = a * (value - before) / interval + (1 - a) * speed
        a = alpha(cutoff_hz + 3.0 * abs(speed), interval)
        smooth = a * value + (1 - a) * smooth
        out.append(smooth)
    return out


def test_smoothing_is_a_one_euro_filter_after_the_curve_and_forgets_a_lost_face() -> None:
    rng = np.random.default_rng(3)
    tuning = Tuning().changed("jawOpen", gain=0.5, smoothing=0.5).changed("tongueOut", gain=0.5)
    tuner = Tuner(tuning)
    given = [result_of(rng, index) for index in range(20)]
    given[8] = lost(8, 8 * STEP_NS)
    got = [tuner(result).blendshapes for result in given]
    cutoff_hz = math.sqrt(10.0 * 0.5)  # half way, in octaves
    for part in (range(8), range(9, 20)):
        raw = [0.5 * given[i].blendshapes["jawOpen"] for i in part]  # type: ignore[index]
        expected = slow_one_euro(raw, [i * STEP_NS / 1e9 for i in part], cutoff_hz)
        np.testing.assert_allclose([got[i]["jawOpen"] for i in part], expected, atol=1e-9)  # type: ignore[index]
    assert got[19] is not None
    assert given[19].blendshapes is not None
    assert got[19]["tongueOut"] == pytest.approx(0.5 * given[19].blendshapes["tongueOut"])


def test_a_slider_does_not_disturb_the_filter_of_another_shape() -> None:
    rng = np.random.default_rng(4)
    given = [result_of(rng, index) for index in range(12)]
    start = Tuning().changed("jawOpen", smoothing=1.0)
    calm, dragged = Tuner(start), Tuner(start)
    for index, result in enumerate(given):
        dragged.tuning = start.changed("tongueOut", gain=1.0 + 0.1 * index)
        one, other = calm(result).blendshapes, dragged(result).blendshapes
        assert one is not None
        assert other is not None
        assert one["jawOpen"] == other["jawOpen"]


def test_linked_sides_share_every_change() -> None:
    tuning = Tuning().changed("eyeBlinkRight", gain=1.4).linked("eyeBlinkRight")
    assert tuning.of("eyeBlinkLeft").gain == 1.4
    tuning = tuning.changed("eyeBlinkLeft", dead_zone=0.1)
    assert tuning.of("eyeBlinkRight") == ShapeTuning("eyeBlinkRight", gain=1.4, dead_zone=0.1)
    free = tuning.unlinked("eyeBlinkLeft").changed("eyeBlinkLeft", gain=2.0)
    assert (free.of("eyeBlinkLeft").gain, free.of("eyeBlinkRight").gain) == (2.0, 1.4)
    assert tuning.reset("eyeBlinkLeft").rows == ()
    assert tuning.reset("eyeBlinkLeft").links == (Link("eyeBlink"),)
    with pytest.raises(ConfigError, match="jawOpen: has no other side"):
        tuning.linked("jawOpen")
    with pytest.raises(ConfigError, match="mouthLeft"):
        tuning.linked("mouthLeft")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rows": [{"name": "jawOpen", "gain": 9}]}, r"rows\[0\]\.gain: 9.0 is out of range"),
        ({"rows": [{"name": "jaw"}]}, r"rows\[0\]\.name: 'jaw' is not one of"),
        ({"rows": [{"name": "jawOpen"}, {"name": "jawOpen"}]}, "jawOpen is listed twice"),
        ({"links": [{"name": "mouth"}]}, r"links\[0\]\.name: 'mouth'"),
        (
            {"rows": [{"name": "eyeBlinkLeft", "gain": 2}], "links": [{"name": "eyeBlink"}]},
            "eyeBlink is linked, but its rows differ",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, given: object, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "shapes": given}), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(path)
    assert str(path) in str(caught.value)
    assert "shapes" in str(caught.value)


def test_round_trip(tmp_path: Path) -> None:
    made = Config(source_choice("demo"), shapes=random_tuning(np.random.default_rng(1), 0.3))
    config.save(made, tmp_path / "config.yaml")
    assert config.load(tmp_path / "config.yaml") == made
    assert settings.check(made.shapes, "here") is made.shapes
