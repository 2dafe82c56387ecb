"""Whether a face looks like the one before, and whom the tracker follows because of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS, SIZE_PX, Box, FakeNetwork, projected, state_at
from scipy.stats import pearsonr

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.fit.likeness import Likeness, Looks, looks_of
from engine.fit.sampling import vertex_normals
from engine.fit.settings import LikenessSettings, TrackerSettings
from engine.fit.solver import FitState, Solver
from engine.fit.tracker import Tracker
from engine.types import Array, Camera, Frame, Status

_SETTINGS = LikenessSettings()
_FRAME_NS = 33_333_333
_PLACES = {"ann": -0.14, "bea": 0.14}  # metres to the side


def _complexion(head: OpenHead, seed: int) -> Array:
    """A smooth pattern (V,) of grey levels that is one person's."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(0.0, 90.0, (12, 3))
    phases = rng.uniform(0, 2 * np.pi, 12)
    return 120.0 + 8.0 * np.cos(head.neutral @ waves.T + phases).sum(axis=1)


def _painted(head: OpenHead, image: Array, state: FitState, complexion: Array) -> None:
    """Dab a face's vertices onto a picture."""
    normals = vertex_normals(head.neutral, head.triangles) @ state.camera_from_head[2, :3]
    face = fit_scene.face_vertices(head)
    points = projected(head, np.zeros(60), state)
    for vertex in face[np.argsort(-normals[face])]:
        at = tuple(int(v) for v in points[vertex])
        grey = float(np.clip(complexion[vertex], 20, 235))
        cv2.circle(image, at, 3, (grey, grey, grey), cv2.FILLED)


def _looks(
    head: OpenHead,
    state: FitState,
    complexion: Array,
    light: Array | None = None,
    covered: float = 0.0,
) -> Looks | None:
    normals = vertex_normals(head.neutral, head.triangles)
    shaded = complexion if light is None else complexion * np.exp(normals @ light)
    image = np.full((SIZE_PX[1], SIZE_PX[0], 3), 90, np.uint8)
    _painted(head, image, state, shaded)
    face = fit_scene.face_vertices(head)[::8]
    points = projected(head, np.zeros(60), state)[face]
    lowest = head.neutral[face, 1] <= np.quantile(head.neutral[face, 1], covered)
    sigma = np.where(lowest & (covered > 0), 2.0, 1.0)
    return looks_of(image, points, sigma, normals[face], state.camera_from_head, _SETTINGS)


def test_a_face_is_like_itself_turned_and_lit_otherwise_and_unlike_another(head: OpenHead) -> None:
    likeness = Likeness(_SETTINGS)
    ann, bea = _complexion(head, 1), _complexion(head, 2)
    for turn in (-0.1, 0.0, 0.1):
        looks = _looks(head, state_at(head, (0, turn, 0)), ann)
        assert looks is not None
        likeness.learn(looks)
    state = state_at(head, (0.1, 0.2, 0.1), (0.03, 0.0, 0.7))
    for light in (None, np.array([0.7, 0.4, 0.0])):
        same, other = _looks(head, state, ann, light), _looks(head, state, bea, light)
        assert same is not None
        assert other is not None
        assert likeness.of(same) > 0.85
        assert likeness.of(other) < 0.5


def test_the_likeness_to_a_single_look_is_pearsons_correlation() -> None:
    rng = np.random.default_rng(4)
    one, other = (x - x.mean() for x in rng.normal(size=(2, 50)))
    likeness = Likeness(_SETTINGS)
    likeness.learn(Looks(one, np.ones(50)))
    assert likeness.of(Looks(other, np.ones(50))) == pytest.approx(pearsonr(one, other)[0])


def test_nothing_is_said_of_a_blank_face(head: OpenHead) -> None:
    assert _looks(head, state_at(head), np.full(len(head.neutral), 90.0)) is None


def test_nothing_is_said_of_a_face_with_a_hand_before_a_third_of_it(head: OpenHead) -> None:
    ann, state = _complexion(head, 1), state_at(head)
    assert _looks(head, state, ann, covered=0.15) is not None
    assert _looks(head, state, ann, covered=0.35) is None


class Two(FakeNetwork):
    """Two people with places and faces of their own; who is there is scripted by index.

    The network sees whoever's face is in the crop.
    """

    def __init__(self, head: OpenHead, there: dict[str, Sequence[int]]) -> None:
        super().__init__(head, np.zeros(60), lambda _: None)
        self.there = there
        self.looks = {name: _complexion(head, seed) for seed, name in enumerate(there, 1)}
        self.places = dict(_PLACES)

    def state(self, name: str) -> FitState:
        return state_at(self.head, position_m=(self.places[name], 0.0, 0.6))

    def frame(self, index: int) -> Frame:
        self._index = index
        image = np.full((SIZE_PX[1], SIZE_PX[0], 3), 90, np.uint8)
        for name in self.names(index):
            _painted(self.head, image, self.state(name), self.looks[name])
        return Frame(image, index, index * _FRAME_NS)

    def names(self, index: int) -> list[str]:
        return [name for name, when in self.there.items() if index in when]

    def truth(self, index: int) -> Array:
        return projected(self.head, np.zeros(60), self._shown or self.state("ann"))

    def detect(self, image: Array) -> list[Box]:
        self.detections += 1
        boxes: list[Box] = []
        for name in self.names(self._index):
            face = landmarks(self.head, projected(self.head, np.zeros(60), self.state(name)))[:468]
            boxes.append(Box(np.concatenate([face.min(axis=0), face.max(axis=0)])))
        return boxes

    def _points(self, frame, crop, memory):
        for name in self.names(frame.index):
            self._shown = self.state(name)
            self.script = lambda _: self._shown
            if self._framed(frame.index, crop):
                return super()._points(frame, crop, memory)
        self._shown, self.script = None, lambda _: None
        return super()._points(frame, crop, memory)

    _shown: FitState | None = None


def _followed(
    network: Two, count: int, settings: LikenessSettings = _SETTINGS, candidates: int = 2
) -> list[str]:
    """Return whose face each result lies on; "" where there is none."""
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    whole = TrackerSettings(likeness=settings, candidates=candidates)
    tracker = Tracker(network.head, network, network, whole, camera)
    names: list[str] = []
    for index in range(count):
        result = tracker.step(network.frame(index))
        name = ""
        if result.status is Status.TRACKING:
            assert result.head is not None
            side = result.head.camera_from_head[0, 3]
            name = min(network.places, key=lambda n: abs(network.places[n] - side))
        names.append(name)
    return names


def test_whoever_stays_is_not_followed_until_the_person_has_been_away_for_long(
    head: OpenHead,
) -> None:
    network = Two(head, {"ann": range(15), "bea": range(5, 200)})
    names = _followed(network, 90)
    assert names[:15] == ["ann"] * 15
    patience = round(_SETTINGS.patience_s * 30)
    assert set(names[15 : 14 + patience]) == {""}
    assert names[16 + patience :] == ["bea"] * (90 - 16 - patience)


@pytest.mark.parametrize("turn", [2 * np.arctan(0.14 / 0.6), 0.0])
def test_who_looks_much_like_the_person_is_refused_in_the_view_where_that_can_be_told(
    head: OpenHead, turn: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both stand aside: who turns to the camera shows the side that ann showed."""
    network = Two(head, {"ann": range(15), "bea": range(5, 200)})
    network.looks["bea"] = 0.55 * network.looks["ann"] + 0.45 * network.looks["bea"]
    plain, alike = network.state, list[float]()

    def state(name: str) -> FitState:
        shown = plain(name)
        turned = state_at(head, (0.0, turn, 0.0), tuple(shown.camera_from_head[:3, 3]))
        return turned if name == "bea" else shown

    of = Likeness.of
    monkeypatch.setattr(network, "state", state)
    monkeypatch.setattr(Likeness, "of", lambda *given: alike.append(of(*given)) or alike[-1])
    names = _followed(network, 25)
    assert names[:15] == ["ann"] * 15
    assert _SETTINGS.stranger_below < min(alike[8:]) < _SETTINGS.same_above
    assert set(names[15:]) == ({""} if turn else {"bea"})


def test_the_person_who_comes_back_is_followed_at_once_although_another_is_there(
    head: OpenHead,
) -> None:
    """The detector has the other first, and only one face is tried in a frame."""
    network = Two(head, {"bea": range(5, 40), "ann": [*range(15), *range(30, 40)]})
    assert _followed(network, 40, candidates=1)[15:] == [""] * 15 + ["ann"] * 10


def test_a_face_that_becomes_somebody_elses_is_let_go(head: OpenHead) -> None:
    network = Two(head, {"ann": range(15), "bea": range(15, 200)})
    network.places["bea"] = network.places["ann"] + 1e-6
    names = _followed(network, 30)
    wrong = [index for index, name in enumerate(names) if index >= 15 and name]
    assert len(wrong) < _SETTINGS.strange_frames
    network = Two(head, {"ann": range(15), "bea": range(15, 200)})
    network.places["bea"] = network.places["ann"] + 1e-6
    never = replace(_SETTINGS, strange_frames=1000)
    assert all(_followed(network, 30, never))


def test_of_a_face_that_the_network_is_unsure_of_nothing_is_said(head: OpenHead) -> None:
    """A hand before it makes it strange too, but it is the same face."""
    network = Two(head, {"ann": range(15), "bea": range(15, 200)})
    network.places["bea"] = network.places["ann"] + 1e-6
    plain = network.frame

    def frame(index: int) -> Frame:
        network.own_px = 0.3 if index < 15 else 2.5
        return plain(index)

    network.frame = frame  # type: ignore[method-assign]
    assert all(_followed(network, 25))


def test_after_a_cut_a_stranger_is_followed_and_learnt_anew_at_once(
    head: OpenHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Two(head, {"ann": range(15), "bea": range(15, 200)})
    plain = network.frame

    def frame(index: int) -> Frame:
        frame = plain(index)
        wall = (frame.image == 90).all(axis=2, keepdims=True) & (index >= 15)
        return replace(frame, image=np.where(wall, 220, frame.image).astype(np.uint8))

    monkeypatch.setattr(network, "frame", frame)
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    tracker = Tracker(network.head, network, network, TrackerSettings(), camera)
    restarts: list[int] = []
    restart = tracker._learner.restart
    monkeypatch.setattr(tracker._learner, "restart", lambda: (restarts.append(index), restart()))
    for index in range(25):
        assert tracker.step(network.frame(index)).status is Status.TRACKING
    assert restarts == [15]


def test_after_a_gap_a_frame_is_fitted_without_a_past(
    head: OpenHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = FakeNetwork(head, np.zeros(60), lambda _: state_at(head))
    camera = Camera(INTRINSICS.copy(), np.zeros(5), SIZE_PX)
    tracker = Tracker(head, network, network, TrackerSettings(), camera)
    pasts: list[bool] = []
    solve = Solver.solve

    def watched(self, measurement, intrinsics, start, past=None, **rest):
        pasts.append(past is not None)
        return solve(self, measurement, intrinsics, start, past, **rest)

    for index in range(10):
        tracker.step(network.frame(index))
    monkeypatch.setattr(Solver, "solve", watched)
    for later_s, expected in ((0.04, True), (0.64, False), (0.68, True), (-3.0, False)):
        pasts.clear()
        frame = network.frame(10)
        when = 9 * _FRAME_NS + round(later_s * 1e9)
        assert tracker.step(replace(frame, captured_ns=when)).status is Status.TRACKING
        assert pasts[0] is expected
        assert all(past is expected for past in pasts)
    assert network.detections == 1


def _changing(head: OpenHead, there: Sequence[int]) -> Two:
    """Ann, whose complexion becomes bea's by and by from the tenth frame to the 35th."""
    network = Two(head, {"ann": there})
    first, last = network.looks["ann"], _complexion(head, 2)
    plain = network.frame

    def frame(index: int) -> Frame:
        share = float(np.clip((index - 10) / 25, 0, 1))
        network.looks["ann"] = first + share * (last - first)
        network.rng = np.random.default_rng(0)  # it errs alike in every frame, as networks do
        return plain(index)

    network.frame = frame  # type: ignore[method-assign]
    return network


def test_a_face_that_changes_by_and_by_stays_the_same_person_and_is_known_again(
    head: OpenHead,
) -> None:
    """As glasses that reflect the room, or hair that hides a cheek, on a head that turns."""
    network = _changing(head, [*range(60), *range(63, 70)])
    assert _followed(network, 70) == ["ann"] * 60 + [""] * 3 + ["ann"] * 7


@pytest.mark.parametrize("settings", [{"most_refuted": -1.0}, {"next_above": 1.1}])
def test_but_not_if_it_moves_otherwise_than_the_picture_or_looks_new_in_every_frame(
    head: OpenHead, settings: dict[str, float]
) -> None:
    assert "" in _followed(_changing(head, range(40)), 40, replace(_SETTINGS, **settings))
