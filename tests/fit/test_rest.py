"""What a face reads at rest is learnt while it performs, and is sent as nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at

from engine.errors import ConfigError
from engine.fit.heads.open_head import OpenHead
from engine.fit.learner import Learner
from engine.fit.person import PersonCalibration, StoredPerson
from engine.fit.responses import ShapeResponse
from engine.fit.rest import LearntRest, Rest, RestSettings
from engine.fit.retarget import RetargetSettings, retarget
from engine.fit.settings import TrackerSettings
from engine.fit.tracker import Tracker
from engine.types import BLENDSHAPE_NAMES, Array, Camera

RATE = 30
MOST = 0.3
BROW, SMILE = (BLENDSHAPE_NAMES.index(name) for name in ("browDownLeft", "mouthSmileLeft"))


def _rest(**changes: float | bool) -> Rest:
    return Rest(replace(RestSettings(), **changes), np.zeros(52), np.full(52, MOST))


def _watch(rest: Rest, readings: Array, begin: int = 0) -> None:
    for index, read in enumerate(readings, begin):
        rest.watch(np.full(52, read), round(index * 1e9 / RATE))


@pytest.mark.parametrize("quantile", [0.1, 0.3])
def test_rest_becomes_the_quantile_of_what_is_read(quantile: float) -> None:
    """Against NumPy's quantile of all readings: two humps, at rest and in motion."""
    rng = np.random.default_rng(4)
    moving = rng.random(RATE * 300) < 0.4
    readings = np.where(moving, rng.uniform(0.2, 0.9, len(moving)), rng.normal(0.12, 0.02))
    readings = readings + rng.normal(0, 0.02, len(readings))
    rest = _rest(quantile=quantile, rate_per_s=0.05)
    _watch(rest, readings)
    np.testing.assert_allclose(rest.offset, np.quantile(readings, quantile), atol=0.015)


def test_what_is_always_read_is_nothing_after_two_seconds() -> None:
    rest = _rest()
    _watch(rest, np.full(2 * RATE, 0.12))
    assert rest.offset[BROW] == pytest.approx(0.12, abs=0.01)


def test_a_smile_that_is_held_hardly_fades_and_ends_at_once() -> None:
    rest = _rest()
    _watch(rest, np.full(60 * RATE, 0.05))
    _watch(rest, np.full(5 * RATE, 0.8), 60 * RATE)
    faded = float(rest.offset[SMILE])
    assert 0.05 < faded < 0.05 + 0.08  # a tenth of 0.15 a second, for five
    _watch(rest, np.full(RATE, 0.05), 65 * RATE)
    assert rest.offset[SMILE] == pytest.approx(0.05, abs=0.01)


def test_no_more_is_taken_off_than_a_shape_allows() -> None:
    most = np.linspace(0.0, 0.3, 52)
    rest = Rest(RestSettings(), np.zeros(52), most)
    _watch(rest, np.full(60 * RATE, 0.9))
    np.testing.assert_allclose(rest.offset, most)
    _watch(rest, np.full(60 * RATE, -0.5), 60 * RATE)
    np.testing.assert_array_equal(rest.offset, 0.0)


def test_a_pause_counts_as_one_frame_and_the_first_frame_as_none() -> None:
    rest, paused = _rest(), _rest()
    _watch(rest, np.array([0.5]))
    np.testing.assert_array_equal(rest.offset, 0.0)
    rest.watch(np.full(52, 0.5), round(0.1e9))
    _watch(paused, np.array([0.5]))
    paused.watch(np.full(52, 0.5), round(60e9))
    assert paused.offset[BROW] > 0.0
    np.testing.assert_array_equal(paused.offset, rest.offset)


def test_somebody_new_begins_with_the_usual_and_is_learnt_as_fast() -> None:
    usual = np.linspace(0.0, 0.25, 52)
    rest, fresh = (Rest(RestSettings(), usual, np.full(52, MOST)) for _ in range(2))
    np.testing.assert_array_equal(rest.offset, usual)
    _watch(rest, np.full(60 * RATE, 0.2))
    np.testing.assert_allclose(rest.offset, 0.2, atol=0.02)
    rest.forget()
    np.testing.assert_array_equal(rest.offset, usual)
    _watch(rest, np.full(RATE, 0.2), 60 * RATE)
    _watch(fresh, np.full(RATE, 0.2))
    np.testing.assert_allclose(rest.offset, fresh.offset)


def test_switched_off_it_stays_the_usual_which_is_what_nobody_is_sent_by() -> None:
    settings = RetargetSettings(rest=RestSettings(on=False))
    rest = settings.resting()
    _watch(rest, np.full(60 * RATE, 0.4))
    read, gaze = np.full(52, 0.4), np.zeros((2, 2))
    by_rest = retarget(read, BLENDSHAPE_NAMES, gaze, settings, person=rest)
    by_nobody = retarget(read, BLENDSHAPE_NAMES, gaze, settings)
    np.testing.assert_array_equal(by_rest.weights, by_nobody.weights)
    learnt = RetargetSettings().resting()
    _watch(learnt, np.full(60 * RATE, 0.4))
    less = retarget(read, BLENDSHAPE_NAMES, gaze, settings, person=learnt)
    assert less["browDownLeft"] < by_nobody["browDownLeft"] - 0.05


def test_a_whole_movement_stays_whole() -> None:
    rest = _rest()
    _watch(rest, np.full(60 * RATE, 0.15))
    plain = RetargetSettings(shapes=(), yields=(), at_most=())
    sent = retarget(np.ones(52), BLENDSHAPE_NAMES, np.zeros((2, 2)), plain, person=rest)
    assert sent["jawOpen"] == pytest.approx(1.0)
    sent = retarget(np.full(52, 0.15), BLENDSHAPE_NAMES, np.zeros((2, 2)), plain, person=rest)
    assert sent["jawOpen"] == pytest.approx(0.0, abs=0.01)


def test_what_was_learnt_is_gone_on_from() -> None:
    """As if there had been no pause: offset and pace."""
    whole, first, second = (_rest() for _ in range(3))
    assert first.learnt() is None
    readings = np.random.default_rng(2).uniform(0.0, 0.4, 8 * RATE)
    _watch(whole, readings)
    _watch(first, readings[: 4 * RATE])
    learnt = first.learnt()
    assert learnt is not None
    _watch(first, np.full(RATE, 0.9), 4 * RATE)  # what was handed out does not move
    second.recall(learnt)
    _watch(second, readings[4 * RATE - 1 :], 4 * RATE - 1)
    np.testing.assert_allclose(second.offset, whole.offset, atol=1e-12)


def test_nothing_is_recalled_or_kept_where_rest_is_not_learnt() -> None:
    off = _rest(on=False)
    off.recall(LearntRest(np.full(52, 0.2), 60.0))
    _watch(off, np.full(RATE, 0.3))
    np.testing.assert_array_equal(off.offset, 0.0)
    assert off.learnt() is None


def test_no_more_is_recalled_than_a_shape_allows() -> None:
    rest = _rest()
    rest.recall(LearntRest(np.linspace(-0.1, 0.9, 52), 60.0))
    np.testing.assert_allclose(rest.offset, np.clip(np.linspace(-0.1, 0.9, 52), 0.0, MOST))


def test_a_first_rate_below_the_later_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"retarget\.rest\.first_rate_per_s: 0.1; must not"):
        RestSettings(first_rate_per_s=0.1)
    with pytest.raises(ConfigError, match=r"retarget\.shapes\.jawLeft\.rest: 0.2; must not"):
        ShapeResponse("jawLeft", rest=0.2, rest_most=0.1)
    with pytest.raises(ConfigError, match=r"retarget\.rest"):
        RestSettings(quantile=0.0)


def test_lids_gaze_jaw_and_tongue_have_no_rest() -> None:
    """A sleepy eye is half shut, an open mouth open, and a tongue is in or out."""
    most = dict(zip(BLENDSHAPE_NAMES, RetargetSettings().responses.rest_most, strict=True))
    without = {name for name, value in most.items() if value == 0.0}
    begins = "eyeBlink", "eyeLook", "jawOpen", "mouthClose", "tongueOut"
    assert without == {name for name in BLENDSHAPE_NAMES if name.startswith(begins)}


def _tracker(
    network: FakeNetwork, *, on: bool = True, person: StoredPerson | None = None
) -> Tracker:
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    settings = TrackerSettings(retarget=RetargetSettings(rest=RestSettings(on=on)))
    return Tracker(network.head, network, network, settings, camera, person)


def _frowning(head: OpenHead) -> FakeNetwork:
    def script(index: int):
        return state_at(head, (0, 0.1, 0), (0, 0, 0.5), browDownLeft=0.5, browDownRight=0.5)

    return FakeNetwork(head, np.zeros(60), script)


def _frowns(tracker: Tracker, network: FakeNetwork) -> tuple[Array, Array]:
    """Return what is read and what is sent of the left brow in four seconds."""
    results = [tracker.step(network.frame(index)) for index in range(4 * RATE)]
    tracker.close()
    read = [r.readings[BROW] for r in results if r.readings is not None]
    sent = [r.blendshapes["browDownLeft"] for r in results if r.blendshapes is not None]
    assert len(read) == len(sent) == len(results)
    return np.array(read), np.array(sent)


def test_the_tracker_sends_less_of_brows_that_are_always_drawn(head: OpenHead) -> None:
    network = _frowning(head)
    read, sent = _frowns(_tracker(network), network)
    usual_read, usual = _frowns(_tracker(_frowning(head), on=False), _frowning(head))
    np.testing.assert_allclose(read, usual_read)  # what is measured stays what it is
    assert sent[0] == pytest.approx(usual[0])
    assert sent[-1] < usual[-1] - 0.03


def test_a_guided_calibration_is_not_learnt_over(head: OpenHead) -> None:
    network = _frowning(head)
    person = StoredPerson("anna", "open", "ab", calibration=PersonCalibration())
    _, sent = _frowns(_tracker(network, person=person), network)
    assert sent[-1] > sent[10] - 0.02


def test_the_next_session_begins_with_the_rest_of_this_one(head: OpenHead) -> None:
    network = _frowning(head)
    tracker = _tracker(network, person=StoredPerson("anna", "open", "ab"))
    _, sent = _frowns(tracker, network)
    anna = tracker.person
    assert anna is not None
    assert anna.rest is not None
    assert anna.rest.offset[BROW] > RetargetSettings().usual.offset[BROW] + 0.05
    _, again = _frowns(_tracker(_frowning(head), person=anna), _frowning(head))
    assert again[0] < sent[0] - 0.03
    without = replace(anna, rest=None)
    _, usual = _frowns(_tracker(_frowning(head), person=without), _frowning(head))
    assert again[0] < usual[0] - 0.03
    _, off = _frowns(_tracker(_frowning(head), person=anna, on=False), _frowning(head))
    assert off[0] == pytest.approx(usual[0])


class Whoever:
    """As a Learner; the test says whether it is the person with the name."""

    def __init__(self, learner: Learner) -> None:
        self._learner, self.known = learner, True

    def __getattr__(self, name: str) -> object:
        return getattr(self._learner, name)


def test_a_guest_neither_gets_nor_changes_the_rest_of_the_person(head: OpenHead) -> None:
    network = _frowning(head)
    tracker = _tracker(network, person=StoredPerson("anna", "open", "ab"))
    who = Whoever(tracker._learner)
    tracker._learner = who  # type: ignore[assignment]

    def watched(begin: int, seconds: float) -> Array:
        for index in range(begin, begin + round(seconds * RATE)):
            tracker.step(network.frame(index))
        return tracker._rest.offset.copy()

    anna = watched(0, 4)
    who.known = False
    guest = watched(120, 1 / RATE)
    np.testing.assert_allclose(guest, RetargetSettings().usual.offset)
    assert watched(121, 3)[BROW] > guest[BROW] + 0.02  # the guest is learnt
    kept = tracker.person
    assert kept is not None
    assert kept.rest is not None
    np.testing.assert_array_equal(kept.rest.offset, anna)
    who.known = True
    np.testing.assert_array_equal(watched(211, 1 / RATE), anna)
    assert np.abs(watched(212, 1) - anna).max() > 0  # and is gone on from
    tracker.close()
