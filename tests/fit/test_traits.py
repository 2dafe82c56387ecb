"""What the network says of the whole face, as priors of the fit."""

from __future__ import annotations

from dataclasses import replace

import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS, SIZE_PX, FakeNetwork, state_at

from engine.errors import ConfigError
from engine.fit.enrol import Enrolment
from engine.fit.heads.open_head import OpenHead
from engine.fit.retarget import RetargetSettings
from engine.fit.settings import EnrolSettings, FitSettings, TrackerSettings
from engine.fit.solver import Solver
from engine.fit.tracker import Tracker
from engine.fit.traits import Guess, PersonBelief, guess_of
from engine.types import Camera, FaceTraits, Status

K, E = 60, 52


def said(
    identity: np.ndarray, sigma: float, expression: np.ndarray | None = None, tongue: float = 0.0
) -> FaceTraits:
    shapes = np.zeros(E) if expression is None else expression
    return FaceTraits(identity, np.full(K, sigma), shapes, np.full(E, 0.1), tongue)


@pytest.mark.parametrize(("frames", "alike"), [(1, 0.5), (4, 0.5), (30, 0.5), (10, 0.0)])
def test_the_mean_is_as_sure_as_it_is_right(frames: int, alike: float) -> None:
    """Against the scatter of means over many people, errors drawn with that correlation."""
    rng, errors, sigma = np.random.default_rng(0), [], 0.6
    for _ in range(300):
        person = rng.normal(size=K)
        common, belief = rng.normal(size=K), PersonBelief(K, alike)
        for _ in range(frames):
            own = rng.normal(size=K)
            error = sigma * (np.sqrt(alike) * common + np.sqrt(1 - alike) * own)
            belief.add(said(person + error, sigma))
        precision, pull = belief.prior(sigma=1.0, weight=1.0)
        errors.append(pull / precision - person)
    assert np.std(errors) == pytest.approx(precision[0] ** -0.5, rel=0.03)


def test_a_surer_frame_counts_more() -> None:
    """Two independent readings against the textbook's product of Gaussians."""
    belief = PersonBelief(K, 0.0)
    belief.add(said(np.full(K, 1.0), 0.2))
    belief.add(said(np.full(K, 2.0), 0.4))
    precision, pull = belief.prior(1.0, 1.0)
    np.testing.assert_allclose(precision, 1 / 0.2**2 + 1 / 0.4**2)
    np.testing.assert_allclose(pull / precision, (1.0 * 25 + 2.0 * 6.25) / 31.25)


def test_a_weight_scales_what_the_network_adds() -> None:
    """Its Gaussian is that of people times a likelihood: half of it is half that likelihood."""
    belief = PersonBelief(K, 0.0)
    belief.add(said(np.full(K, 1.2), 0.5))
    # N(1.2, 1/4) = N(0, 1) x N(1.6, 1/3)
    precision, pull = belief.prior(1.0, 0.5)
    np.testing.assert_allclose(precision, 1 + 3 / 2)
    np.testing.assert_allclose(pull, 1.6 * 3 / 2)


def test_the_prior_is_never_looser_than_people_in_general() -> None:
    belief = PersonBelief(K, 0.5)
    belief.add(said(np.full(K, 3.0), 4.0))
    precision, pull = belief.prior(1.0, 1.0)
    np.testing.assert_array_equal(precision, 1.0)
    np.testing.assert_allclose(pull / precision, 3.0 / 16)  # a vague word moves the mean little


@pytest.mark.parametrize("silent", [None, "weight", "forgotten", "not finite"])
def test_without_a_word_of_the_network_people_are_as_always(silent: str | None) -> None:
    belief = PersonBelief(K, 0.5)
    if silent is None:
        belief.add(None)
    else:
        value = np.nan if silent == "not finite" else 1.0
        belief.add(said(np.full(K, value), 0.2))
    if silent == "forgotten":
        belief.forget()
    precision, pull = belief.prior(0.5, 0.0 if silent == "weight" else 1.0)
    np.testing.assert_array_equal(precision, 4.0)
    np.testing.assert_array_equal(pull, 0.0)


def test_the_minimum_agrees_with_the_whole_energy(solver: Solver) -> None:
    """One keyframe without information: what is left is the prior alone, its mean the minimum."""
    settings = EnrolSettings(identity_prior_weight=1.0)
    enrolment = Enrolment(solver, INTRINSICS, settings)
    person = np.random.default_rng(1).normal(size=K)
    enrolment.believe(said(person, 0.5))
    state = state_at(solver.head)
    empty = solver.measured(fit_scene.alignment(np.full((len(solver.head.neutral), 2), np.nan), 1))
    assert enrolment.observe(empty, state)
    np.testing.assert_allclose(solver.identity.coefficients, person, atol=1e-6)
    enrolment.restart()
    enrolment.observe(empty, state)
    np.testing.assert_allclose(solver.identity.coefficients, 0.0, atol=1e-9)


def test_a_good_reading_of_the_person_helps_the_first_frame(head: OpenHead) -> None:
    """Points of one frontal frame leave the depth of a face open; a reading within 0.5 does not."""
    errors = {0.0: [], 1.0: []}
    for seed in range(2):
        for weight, found in errors.items():
            rng = np.random.default_rng(seed)
            person, solver = rng.normal(size=K), Solver(head)
            enrolment = Enrolment(solver, INTRINSICS, EnrolSettings(identity_prior_weight=weight))
            state = state_at(head)
            enrolment.believe(said(person + rng.normal(0, 0.5, K), 0.5))
            enrolment.observe(solver.measured(fit_scene.seen(head, person, state, rng)), state)
            found.append(np.linalg.norm(solver.identity.coefficients - person) / K**0.5)
    assert np.mean(errors[1.0]) < 0.7 * np.mean(errors[0.0])


def test_a_guess_is_the_derivative_of_its_energy(solver: Solver) -> None:
    """Central differences of w/2 ((x - m) / sigma)^2, and nothing else is touched."""
    rng = np.random.default_rng(2)
    state = fit_scene.random_state(solver.head, rng)
    truth = fit_scene.seen(solver.head, np.zeros(K), state, rng)
    measurement = solver.measured(truth)
    traits = said(np.zeros(K), 1.0, rng.uniform(0, 1, E))
    guess = guess_of(traits, 0.3)
    assert guess is not None
    plain = solver.normal_equations(measurement, INTRINSICS, state)
    held = solver.normal_equations(measurement, INTRINSICS, state, guess=guess)

    def energy(expression: np.ndarray) -> float:
        off = (expression - traits.expression) / traits.expression_sigma
        return 0.5 * 0.3 * float((off**2).sum())

    expected_gradient, expected_hessian = np.zeros(13 + E), np.zeros((13 + E, 13 + E))
    for k in range(E):
        step = np.zeros(E)
        step[k] = 1e-3
        up, at, down = (energy(state.expression + sign * step) for sign in (1, 0, -1))
        expected_gradient[13 + k] = (up - down) / 2e-3
        expected_hessian[13 + k, 13 + k] = (up - 2 * at + down) / 1e-6
    np.testing.assert_allclose(held[1] - plain[1], expected_gradient, atol=1e-6)
    np.testing.assert_allclose(held[0] - plain[0], expected_hessian, rtol=1e-4, atol=1e-6)


def test_no_guess_without_traits_or_weight() -> None:
    assert guess_of(None, 1.0) is None
    assert guess_of(said(np.zeros(K), 1.0), 0.0) is None
    guess = guess_of(said(np.zeros(K), 1.0), 1.0)
    assert isinstance(guess, Guess)
    np.testing.assert_allclose(guess.information, 100.0)


def test_a_hidden_mouth_follows_the_guess(solver: Solver) -> None:
    """Where no point speaks the fit takes the network's word; where points speak it hardly does."""
    head, rng = solver.head, np.random.default_rng(3)
    truth = state_at(head, jawOpen=0.6)
    jaw = head.expression_names.index("jawOpen")
    seen = fit_scene.seen(head, np.zeros(K), truth, rng)
    hidden = replace(seen, sigma_px=np.full(len(seen.points_px), 1e4))
    for word in (0.1, 0.9):
        guess = guess_of(said(np.zeros(K), 1.0, np.where(np.arange(E) == jaw, word, 0.0)), 1.0)
        start = state_at(head)
        blind = solver.solve(solver.measured(hidden), INTRINSICS, start, steps=8, guess=guess)
        assert blind.expression[jaw] == pytest.approx(word, abs=0.05)
        clear = solver.solve(solver.measured(seen), INTRINSICS, start, steps=8, guess=guess)
        assert clear.expression[jaw] == pytest.approx(0.6, abs=0.15)


def _tracker(network: FakeNetwork, settings: TrackerSettings) -> Tracker:
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    return Tracker(network.head, network, network, settings, camera)


def test_the_tracker_takes_the_word_of_believed_frames(head: OpenHead) -> None:
    person = np.random.default_rng(4).normal(size=K)
    after = []
    for weight in (0.0, 1.0):
        network = FakeNetwork(head, person, lambda _: state_at(head))
        network.traits = said(person, 0.3)
        settings = TrackerSettings(enrol=EnrolSettings(identity_prior_weight=weight))
        tracker = _tracker(network, settings)
        assert tracker.step(network.frame(0)).status is Status.TRACKING
        after.append(np.linalg.norm(tracker.identity_coefficients - person))
    assert after[1] < 0.5 * after[0]


def test_the_tongue_shows_only_if_the_network_sees_one(head: OpenHead) -> None:
    def script(_: int):
        return state_at(head, tongueOut=1.0, jawOpen=0.4)

    weights = []
    for gate, tongue in (((0.2, 0.6), 0.0), ((0.2, 0.6), 1.0), (None, 0.0)):
        network = FakeNetwork(head, np.zeros(K), script)
        network.traits = said(np.zeros(K), 1.0, script(0).expression, tongue)
        settings = TrackerSettings(retarget=RetargetSettings(tongue_gate=gate))
        result = _tracker(network, settings).step(network.frame(0))
        assert result.blendshapes is not None
        weights.append(result.blendshapes["tongueOut"])
    assert weights[0] == 0.0
    assert weights[1] > 0.3
    assert weights[2] == weights[1]


def test_a_warm_start_goes_on_from_the_frame_before(head: OpenHead) -> None:
    network = FakeNetwork(head, np.zeros(K), lambda index: None if index == 4 else state_at(head))
    tracker = _tracker(network, TrackerSettings(warm_start=True))
    given = []
    for index in (0, 1, 2, 3, 4, 5, 6, 30, 31):
        network.memories.clear()
        tracker.step(network.frame(index))
        given.append([None if m is None else int(m.position[0, 0, 0]) for m in network.memories])
    # Cold: rough and fine look. Frame 4 shows no face: warm and cold fail, then it is found anew;
    # frame 30 is long after.
    assert given == [[None, None], [0], [1], [2], [3, None], [None, None], [5], [None], [30]]


def test_a_warm_start_that_is_not_believed_gives_way_to_a_cold_one(head: OpenHead) -> None:
    network = FakeNetwork(head, np.zeros(K), lambda _: state_at(head))
    network.warm_is_blind = True
    tracker = _tracker(network, TrackerSettings(warm_start=True))
    for index in range(4):
        assert tracker.step(network.frame(index)).status is Status.TRACKING
    assert network.detections == 1


def test_a_cold_tracker_passes_no_memory(head: OpenHead) -> None:
    network = FakeNetwork(head, np.zeros(K), lambda _: state_at(head))
    tracker = _tracker(network, TrackerSettings())
    for index in range(3):
        tracker.step(network.frame(index))
    assert network.memories == [None] * 4


def test_impossible_weights_are_named() -> None:
    with pytest.raises(ConfigError, match="identity_prior_weight"):
        EnrolSettings(identity_prior_weight=-1)
    with pytest.raises(ConfigError, match="identity_correlation"):
        EnrolSettings(identity_correlation=1.5)
    with pytest.raises(ConfigError, match="tongue_gate"):
        RetargetSettings(tongue_gate=(0.6, 0.2))
    with pytest.raises(ConfigError, match="expression_prior_weight"):
        FitSettings(expression_prior_weight=-0.1)
