"""A known person before a known camera, seen through a network that errs honestly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from engine.fit import skinning
from engine.fit.heads import HeadModel, landmarks
from engine.fit.solver import FitState
from engine.geometry import project, rigid, rotation_from_vector
from engine.types import Alignment, AlignmentMemory, Array, Crop, FaceTraits, Frame

INTRINSICS = np.array([[600.0, 0.0, 320.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]])
SIZE_PX = (640, 480)


def face_vertices(head: HeadModel) -> NDArray[np.intp]:
    wanted = [head.region_names.index(name) for name in ("face", "eyes", "nose", "mouth")]
    return np.flatnonzero(np.isin(head.region, wanted))


def state_at(
    head: HeadModel,
    turn_rad: Sequence[float] = (0.0, 0.0, 0.0),
    position_m: Sequence[float] = (0.0, 0.0, 0.55),
    gaze: Sequence[float] = (0.0, 0.0),
    **shapes: float,
) -> FitState:
    """A state by named shapes; both eyes look the same way."""
    expression = np.zeros(len(head.expression_names))
    for name, value in shapes.items():
        expression[head.expression_names.index(name)] = value
    pose = rigid(rotation_from_vector(np.array(turn_rad, float)), np.array(position_m, float))
    return FitState(pose, expression, np.tile(np.array(gaze, float), (2, 1)), np.zeros(3))


def random_state(head: HeadModel, rng: np.random.Generator, active: int = 8) -> FitState:
    """Some shapes anywhere in (0.2, 1); lids that only follow the gaze are left alone."""
    usable = [name for name in head.expression_names if not name.startswith("eyeLook")]
    chosen = rng.choice(usable, active, replace=False)
    return state_at(
        head,
        rng.normal(0.0, 0.2, 3),
        (rng.normal(0, 0.04), rng.normal(0, 0.04), 0.55),
        rng.normal(0.0, 0.15, 2),
        **{str(name): float(rng.uniform(0.2, 1.0)) for name in chosen},
    )


def projected(head: HeadModel, identity: Array, state: FitState) -> Array:
    """Pixels (V, 2) of every vertex."""
    places = skinning.vertices(head, identity, state.expression, state.gaze, state.neck)
    return project(places, state.camera_from_head, INTRINSICS)


def seen(
    head: HeadModel,
    identity: Array,
    state: FitState,
    rng: np.random.Generator,
    own_px: float = 0.5,
    common_px: float = 0.7,
) -> Alignment:
    """What an honest network says of a state."""
    return noisy(head, projected(head, identity, state), rng, own_px, common_px)


def noisy(
    head: HeadModel, truth_px: Array, rng: np.random.Generator, own_px: float, common_px: float
) -> Alignment:
    """Add own noise per vertex, and noise shared by neighbours on the UV map."""
    points, side = truth_px.copy(), 64
    texel = np.clip((head.uv * side).astype(int), 0, side - 1)
    for axis in range(2):
        field = gaussian_filter(rng.normal(size=(side, side)), 6, mode="wrap")
        points[:, axis] += common_px * (field / field.std())[texel[:, 1], texel[:, 0]]
    points += own_px * rng.normal(size=points.shape)
    sigma = max(float(np.hypot(own_px, common_px)), 0.02)
    return alignment(points, sigma)


def alignment(points: Array, sigma_px: float) -> Alignment:
    count = len(points)
    return Alignment(points, np.full(count, sigma_px), np.arange(count, dtype=np.int32))


@dataclass
class Box:
    """A detected face."""

    box_px: Array
    roll_rad: float | None = None


class FakeNetwork:
    """Backend and detector before a scripted face; None in the script is a frame without one.

    As the real network it knows nothing outside its crop: there it answers with noise and says so.
    """

    crop_side_px = 192

    def __init__(
        self,
        head: HeadModel,
        identity: Array,
        script: Callable[[int], FitState | None],
        own_px: float = 0.3,
        common_px: float = 0.4,
        seed: int = 0,
    ) -> None:
        self.head, self.identity, self.script = head, identity, script
        self.own_px, self.common_px = own_px, common_px
        self.rng = np.random.default_rng(seed)
        self.detections = 0
        self.crops: list[Crop] = []
        self.memories: list[AlignmentMemory | None] = []
        self.traits: FaceTraits | None = None
        self.warm_is_blind = False
        self.blind = False
        self._index = 0
        self._truths: dict[tuple[int, int], Array] = {}

    def frame(self, index: int) -> Frame:
        self._index = index
        return Frame(np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8), index, index * 33_333_333)

    def truth(self, index: int) -> Array:
        state, key = self.script(index), (index, id(self.identity))
        assert state is not None
        if key not in self._truths:
            self._truths[key] = projected(self.head, self.identity, state)
        return self._truths[key]

    def warm_up(self) -> None: ...

    def close(self) -> None: ...

    def detect(self, image: NDArray[np.uint8]) -> list[Box]:
        self.detections += 1
        if self.script(self._index) is None:
            return []
        face = landmarks(self.head, self.truth(self._index))[:468]
        low, high = face.min(axis=0), face.max(axis=0)
        shift = self.rng.normal(0.0, 0.03, 2) * (high - low)
        return [Box(np.concatenate([low + shift, high + shift]))]

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        self.crops.append(crop)
        self.memories.append(memory)
        found = self._points(frame, crop, memory)
        mark = np.full((2, 1, 1), float(frame.index))
        left = AlignmentMemory(crop, mark, np.zeros((1, 1, 1)), np.zeros((1, 1, 1)))
        return replace(found, memory=left, traits=self.traits)

    def _points(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None) -> Alignment:
        state = self.script(frame.index)
        lost = self.blind or (self.warm_is_blind and memory is not None)
        if state is None or lost or not self._framed(frame.index, crop):
            corner = crop.image_from_crop[:2, 2]
            side = crop.size_px * float(np.hypot(*crop.image_from_crop[:2, 0]))
            points = corner + self.rng.uniform(0, side, (len(self.head.neutral), 2))
            return alignment(points, side / 3)
        return noisy(self.head, self.truth(frame.index), self.rng, self.own_px, self.common_px)

    def _framed(self, index: int, crop: Crop) -> bool:
        """Whether the crop shows the face at about the size and place that training knows."""
        face = landmarks(self.head, self.truth(index))[:468]
        inverse = np.linalg.inv(crop.image_from_crop)
        inside = face @ inverse[:2, :2].T + inverse[:2, 2]
        span = (inside.max(axis=0) - inside.min(axis=0)).max() / crop.size_px
        shown = ((inside > 0) & (inside < crop.size_px)).all(axis=1).mean()
        return bool(0.5 < span < 1.15 and shown > 0.8)
